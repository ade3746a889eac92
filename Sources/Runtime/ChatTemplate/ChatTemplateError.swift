public import Format

/// Why a chat template was refused or could not be rendered.
public struct ChatTemplateError: DescribedFailure, Equatable {
  /// The file, as the caller named it.
  public let file: String
  /// The line of the template, counted from one; nothing if the fault has no place in it.
  public let line: Int?
  /// What is wrong.
  public let fault: ChatTemplateFault

  /// Names a fault of a template.
  public init(file: String, line: Int? = nil, fault: ChatTemplateFault) {
    self.file = file
    self.line = line
    self.fault = fault
  }

  /// A limit was exceeded, the request does not suit the template, or the template is bad input.
  public var kind: FailureKind {
    switch fault {
    case .tooDeep, .tooLong, .tooManySteps: .limitExceeded
    case .raised, .reservedVariable: .usage
    default: .badInput
    }
  }

  /// One sentence in lower case.
  public var description: String {
    let place = line.map { ", line \($0)" } ?? ""
    return "\(file)\(place): \(fault)"
  }
}

/// What can be wrong with a chat template, or go wrong while it is rendered.
public enum ChatTemplateFault: Error, Equatable, CustomStringConvertible {
  /// An operation is applied to values of types that it does not take.
  case inapplicable(String, to: String)
  /// A file is no well-formed UTF-8.
  case invalidUTF8
  /// A result is no number of 64 bits, or divides by zero.
  case impossibleArithmetic(String)
  /// A value of the configuration does not have the expected form.
  case malformedConfiguration(item: String, expected: String)
  /// There are several templates, but none is named “default”.
  case noDefaultTemplate(names: [String])
  /// The template itself refused the conversation.
  case raised(String)
  /// The caller's variable has the name of one that the renderer provides.
  case reservedVariable(String)
  /// The text does not follow the grammar.
  case syntax(expected: String, found: String)
  /// Something is nested deeper than accepted.
  case tooDeep(String, limit: Int)
  /// A text or a list is longer than accepted.
  case tooLong(String, limit: Int)
  /// Rendering takes more steps than accepted.
  case tooManySteps(limit: Int)
  /// A value is used that does not exist.
  case undefined(String)
  /// A part of the template language that this interpreter does not carry out.
  case unsupported(String)

  /// One sentence in lower case.
  public var description: String {
    switch self {
    case .inapplicable(let operation, let type): "\(operation) does not apply to \(type)"
    case .invalidUTF8: "the template is not well-formed UTF-8"
    case .impossibleArithmetic(let operation): "\(operation) has no result"
    case .malformedConfiguration(let item, let expected): "“\(item)” must be \(expected)"
    case .noDefaultTemplate(let names):
      "no template is named “default”; found \(names.joined(separator: ", "))"
    case .raised(let message): "the template refuses the conversation: \(message)"
    case .reservedVariable(let name): "the variable “\(name)” is reserved"
    case .syntax(let expected, let found): "expected \(expected), found \(found)"
    case .tooDeep(let what, let limit): "\(what) is nested deeper than \(limit) levels"
    case .tooLong(let what, let limit): "\(what) is longer than \(limit)"
    case .tooManySteps(let limit): "rendering takes more than \(limit) steps"
    case .undefined(let what): "\(what) is undefined"
    case .unsupported(let what): "\(what) is not supported"
    }
  }
}
