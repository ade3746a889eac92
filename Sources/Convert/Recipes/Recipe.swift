import Quant

/// Which encoding each tensor gets: an ordered list of rules, of which the first that fits counts.
public struct Recipe: Codable, Sendable, Equatable {
  /// The name, as printed and stored.
  public var name: String
  /// The rules, in order.
  public var rules: [Rule]

  /// Gathers rules.
  public init(name: String, rules: [Rule]) {
    self.name = name
    self.rules = rules
  }

  /// A condition and what follows from it.
  public struct Rule: Codable, Sendable, Equatable {
    /// Fits tensors whose canonical name matches; `*` stands for any characters.
    public var tensor: String?
    /// Fits tensors of this role.
    public var role: TensorRole?
    /// Fits models of fewer parameters.
    public var parametersBelow: Int?
    /// The name of an encoding, or `source` for the float type of the checkpoint.
    public var encoding: String
    /// Why, for people.
    public var reason: String?

    /// Gathers a condition and its encoding.
    public init(
      tensor: String? = nil, role: TensorRole? = nil, parametersBelow: Int? = nil,
      encoding: String, reason: String? = nil
    ) {
      self.tensor = tensor
      self.role = role
      self.parametersBelow = parametersBelow
      self.encoding = encoding
      self.reason = reason
    }

    func fits(_ name: String, _ role: TensorRole, parameters: Int) -> Bool {
      (self.role == nil || self.role == role)
        && (parametersBelow.map { parameters < $0 } ?? true)
        && (tensor.map { Glob($0).matches(name) } ?? true)
    }
  }

  /// The encoding that means “as in the checkpoint”.
  public static let sourceEncoding = "source"

  /// The first rule that fits a tensor.
  func rule(for name: String, _ role: TensorRole, parameters: Int) throws(ConvertError) -> Rule {
    guard let rule = rules.first(where: { $0.fits(name, role, parameters: parameters) }) else {
      throw .uncoveredTensor(name, recipe: self.name)
    }
    return rule
  }

  /// Refuses names of encodings that do not exist.
  func validate() throws(ConvertError) {
    for rule in rules where rule.encoding != Self.sourceEncoding {
      guard Encodings.requested(rule.encoding) != nil else {
        throw .unknownEncoding(rule.encoding, known: [Self.sourceEncoding] + Encodings.requestable)
      }
    }
  }
}

/// A pattern in which `*` stands for any number of characters.
struct Glob: Sendable {
  private let parts: [String]

  init(_ pattern: String) {
    parts = pattern.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
  }

  func matches(_ text: String) -> Bool {
    guard parts.count > 1 else { return text == parts.first }
    guard let first = parts.first, let last = parts.last, text.hasPrefix(first) else {
      return false
    }
    var rest = text.dropFirst(first.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let range = rest.firstRange(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(last)
  }
}
