import Format

/// A value while a template is rendered; behaves as the value of Python that it stands for.
///
/// Text is compared code point by code point, not by canonical equivalence.
indirect enum TemplateValue: Sendable {
  /// What a name or a member that does not exist gives; says which.
  case undefined(String)
  case none
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case sequence(TemplateSequence)
  case mapping(TemplateMapping)
  /// What is passed through once; the elements left are kept by the interpreter under the index.
  case iterator(Int)
  /// An object of `namespace()`; its members are kept by the interpreter under the index.
  case namespace(Int)
  /// The variable `loop`.
  case loop(TemplateLoopPosition)
  case macro(Int)
  case function(TemplateFunction)
  case method(String, of: TemplateValue)

  /// How an error calls its type.
  var typeName: String {
    switch self {
    case .undefined(let what): "\(what), which is undefined"
    case .none: "none"
    case .boolean: "a truth value"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a text"
    case .sequence(let sequence): sequence.kind.rawValue
    case .mapping: "a mapping"
    case .iterator: "an iterator"
    case .namespace: "a namespace"
    case .loop: "“loop”"
    case .macro: "a macro"
    case .function, .method: "a function"
    }
  }

  /// The value as an integer; truth values count as 0 and 1.
  var asInteger: Int? {
    switch self {
    case .boolean(let value): value ? 1 : 0
    case .integer(let value): value
    default: nil
    }
  }

  /// The value as a floating-point number; integers and truth values count.
  var asNumber: Double? {
    if case .number(let value) = self { return value }
    return asInteger.map { Double($0) }
  }

  var isUndefined: Bool {
    if case .undefined = self { return true }
    return false
  }

  /// What conditions see.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .boolean(let value): value
    case .integer(let value): value != 0
    case .number(let value): value != 0
    case .string(let text): !text.isEmpty
    case .sequence(let sequence): !sequence.elements.isEmpty
    case .mapping(let mapping): !mapping.keys.isEmpty
    default: true
    }
  }

  /// Levels of lists and mappings.
  var depth: Int {
    switch self {
    case .sequence(let sequence): sequence.depth
    case .mapping(let mapping): mapping.depth
    case .method(_, let receiver): receiver.depth + 1
    case .loop(let position): position.depth
    default: 0
    }
  }
}

/// Values in an order.
struct TemplateSequence: Sendable {
  /// Which of Python's types it stands for.
  enum Kind: String, Sendable {
    case list = "a list"
    case tuple = "a tuple"
    case range = "a range"
    /// Keys, values or items of a mapping.
    case view = "a view"
  }

  let kind: Kind
  let elements: [TemplateValue]
  let depth: Int

  /// Fails if the elements are nested too deep already.
  init(_ kind: Kind, _ elements: [TemplateValue]) throws(ChatTemplateFault) {
    self.kind = kind
    self.elements = elements
    depth = try TemplateValue.depth(around: elements.reduce(0) { max($0, $1.depth) })
  }

  /// A list of messages.
  init(listing elements: [TemplateValue]) {
    kind = .list
    self.elements = elements
    depth = 2
  }
}

/// Values under texts, in the order in which they were added.
struct TemplateMapping: Sendable {
  private(set) var keys = [ExactString]()
  private var values = [ExactString: TemplateValue]()
  private(set) var depth = 1

  init() {}

  /// A message.
  init(texts: [(key: String, text: String)]) {
    for (key, text) in texts {
      keys.append(ExactString(key))
      values[ExactString(key)] = .string(text)
    }
  }

  subscript(key: String) -> TemplateValue? { values[ExactString(key)] }

  var entries: [(key: String, value: TemplateValue)] {
    keys.compactMap { key in values[key].map { (key.text, $0) } }
  }

  /// Fails if the value is nested too deep already.
  mutating func set(_ key: String, to value: TemplateValue) throws(ChatTemplateFault) {
    depth = max(depth, try TemplateValue.depth(around: value.depth))
    if values.updateValue(value, forKey: ExactString(key)) == nil { keys.append(ExactString(key)) }
  }
}

extension TemplateValue {
  static func depth(around inner: Int) throws(ChatTemplateFault) -> Int {
    let limit = ChatTemplateLimits.valueDepth
    guard inner < limit else { throw .tooDeep("a value", limit: limit) }
    return inner + 1
  }
}

/// Where a loop is; `loop.index` and the like.
struct TemplateLoopPosition: Sendable {
  let elements: [TemplateValue]
  let index: Int
  let depth: Int

  func member(_ name: String) throws(ChatTemplateFault) -> TemplateValue {
    switch name {
    case "index": .integer(index + 1)
    case "index0": .integer(index)
    case "revindex": .integer(elements.count - index)
    case "revindex0": .integer(elements.count - index - 1)
    case "first": .boolean(index == 0)
    case "last": .boolean(index + 1 == elements.count)
    case "length": .integer(elements.count)
    case "previtem": index > 0 ? elements[index - 1] : .undefined("the previous item")
    case "nextitem":
      index + 1 < elements.count ? elements[index + 1] : .undefined("the next item")
    default: throw .unsupported("“loop.\(name)”")
    }
  }
}

/// The functions that templates can call by name.
enum TemplateFunction: String, Sendable {
  case dictionary = "dict"
  case namespace
  case raiseException = "raise_exception"
  case range

  /// Names that jinja2 or transformers provide and this interpreter does not.
  static let refused = ["cycler", "joiner", "lipsum", "strftime_now"]
}
