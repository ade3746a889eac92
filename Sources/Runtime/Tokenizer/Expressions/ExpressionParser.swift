/// Reads a regular expression in the syntax of Ruby, which the `tokenizers` library uses.
///
/// Understood are alternatives, groups `(…) (?:…) (?i:…) (?=…) (?!…) (?>…)`, classes with ranges, `\s \d` and general
/// categories, the quantifiers `? * + {m,n}` (lazy with `?`; the first three possessive with `+`) and the anchors
/// `^ $ \A \z`. Anything else is refused.
struct ExpressionParser {
  private static let lengthLimit = 8192
  private static let depthLimit = 32
  private static let countLimit = 1000

  var scalars: ArraySlice<Unicode.Scalar>
  var ignoresCase = false
  private var depth = 0

  private init(_ expression: String) { scalars = Array(expression.unicodeScalars)[...] }

  static func parse(_ expression: String) throws(ExpressionFault) -> ExpressionNode {
    guard expression.utf8.count <= lengthLimit else {
      throw ExpressionFault(part: "a length above \(lengthLimit) bytes")
    }
    var parser = ExpressionParser(expression)
    if parser.take("(?i)") { parser.ignoresCase = true }
    let node = try parser.alternatives()
    guard parser.scalars.isEmpty else { throw ExpressionFault(part: ")") }
    return node
  }

  mutating func take(_ text: String) -> Bool {
    guard scalars.starts(with: text.unicodeScalars) else { return false }
    scalars.removeFirst(text.unicodeScalars.count)
    return true
  }

  private mutating func alternatives() throws(ExpressionFault) -> ExpressionNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else { throw ExpressionFault(part: "nesting") }
    var parts = [try sequence()]
    while take("|") { parts.append(try sequence()) }
    return parts.count == 1 ? parts[0] : .alternatives(parts)
  }

  private mutating func sequence() throws(ExpressionFault) -> ExpressionNode {
    var parts = [ExpressionNode]()
    var letters: [Unicode.Scalar] = []
    while let next = scalars.first, next != "|", next != ")" {
      let start = scalars
      let atom = try atom()
      let node = try quantified(atom)
      try checkFolding(start.first, previous: &letters)
      parts.append(node)
    }
    return parts.count == 1 ? parts[0] : .sequence(parts)
  }

  /// Refuses neighbours that some single character folds to, such as `ss` (ß) and `fi` (ﬁ).
  private func checkFolding(
    _ scalar: Unicode.Scalar?, previous: inout [Unicode.Scalar]
  ) throws(ExpressionFault) {
    guard ignoresCase, let scalar else { return }
    let pair = String(String.UnicodeScalarView((previous + [scalar]))).lowercased()
    guard !["ss", "ff", "fi", "fl", "st"].contains(pair) else {
      throw ExpressionFault(part: "(?i:\(pair))")
    }
    previous = [scalar]
  }

  private mutating func atom() throws(ExpressionFault) -> ExpressionNode {
    guard let first = scalars.first else { throw ExpressionFault(part: "the end") }
    switch first {
    case "(": return try group()
    case "[":
      scalars.removeFirst()
      return .one(try folded(try characterClass()))
    case "\\": return try escape()
    case ".":
      scalars.removeFirst()
      return .one(.notLineFeed)
    case "^":
      scalars.removeFirst()
      return .anchor(.lineStart)
    case "$":
      scalars.removeFirst()
      return .anchor(.lineEnd)
    case "*", "+", "?", "{", "}", "]": throw ExpressionFault(part: String(Character(first)))
    default:
      scalars.removeFirst()
      return .one(try folded(ScalarSet(first)))
    }
  }

  func folded(_ set: ScalarSet) throws(ExpressionFault) -> ScalarSet {
    guard ignoresCase else { return set }
    guard let folded = set.ignoringCase else { throw ExpressionFault(part: "(?i") }
    return folded
  }

  private mutating func escape() throws(ExpressionFault) -> ExpressionNode {
    if take("\\A") { return .anchor(.textStart) }
    if take("\\z") { return .anchor(.textEnd) }
    return .one(try folded(try escapedSet().set))
  }

  private mutating func group() throws(ExpressionFault) -> ExpressionNode {
    let outer = ignoresCase
    defer { ignoresCase = outer }
    var wrap: (ExpressionNode) -> ExpressionNode = { $0 }
    if take("(?:") {
    } else if take("(?i:") {
      ignoresCase = true
    } else if take("(?-i:") {
      ignoresCase = false
    } else if take("(?=") {
      wrap = { .lookahead($0, isNegated: false) }
    } else if take("(?!") {
      wrap = { .lookahead($0, isNegated: true) }
    } else if take("(?>") {
      wrap = { .atomic($0) }
    } else if scalars.starts(with: "(?".unicodeScalars) {
      throw ExpressionFault(part: String(String.UnicodeScalarView(scalars.prefix(4))))
    } else {
      scalars.removeFirst()
    }
    let node = wrap(try alternatives())
    guard take(")") else { throw ExpressionFault(part: "a group without end") }
    return node
  }

  private mutating func quantified(_ atom: ExpressionNode) throws(ExpressionFault) -> ExpressionNode
  {
    guard let bounds = try quantifier() else { return atom }
    var node = try repeated(atom, bounds)
    if let next = scalars.first, "*+?{".unicodeScalars.contains(next) {
      throw ExpressionFault(part: "a quantifier of a quantifier")
    }
    // In Ruby a plus after an interval is a quantifier of its own.
    if bounds.isRepeatedInterval {
      let more = ExpressionNode.Repetition(minimum: 1, maximum: nil, preference: .greedy)
      guard !node.canBeEmpty else { throw ExpressionFault(part: "a loop that can be empty") }
      node = .repeated(node, more)
    }
    return node
  }

  private func repeated(
    _ atom: ExpressionNode, _ quantifier: Quantifier
  ) throws(ExpressionFault) -> ExpressionNode {
    switch atom {
    case .anchor, .lookahead: throw ExpressionFault(part: "a quantifier of a condition")
    default: break
    }
    if quantifier.repetition.maximum != 1, atom.canBeEmpty {
      throw ExpressionFault(part: "a loop that can be empty")
    }
    return .repeated(atom, quantifier.repetition)
  }

  private struct Quantifier {
    let repetition: ExpressionNode.Repetition
    var isRepeatedInterval = false
  }

  private mutating func quantifier() throws(ExpressionFault) -> Quantifier? {
    var bounds: (minimum: Int, maximum: Int?)
    let isInterval = scalars.first == "{"
    if take("?") {
      bounds = (0, 1)
    } else if take("*") {
      bounds = (0, nil)
    } else if take("+") {
      bounds = (1, nil)
    } else if take("{") {
      bounds = try interval()
    } else {
      return nil
    }
    var preference = ExpressionNode.Repetition.Preference.greedy
    if isInterval, bounds.minimum == bounds.maximum, scalars.first == "?" {
      throw ExpressionFault(part: "{\(bounds.minimum)}?")
    } else if take("?") {
      preference = .lazy
    }
    let hasPlus = preference == .greedy && take("+")
    if hasPlus, !isInterval { preference = .possessive }
    return Quantifier(
      repetition: .init(
        minimum: bounds.minimum, maximum: bounds.maximum, preference: preference),
      isRepeatedInterval: hasPlus && isInterval)
  }

  /// The rest of `{m}`, `{m,}`, `{,n}` or `{m,n}`.
  private mutating func interval() throws(ExpressionFault) -> (minimum: Int, maximum: Int?) {
    let fault = ExpressionFault(part: "{")
    let minimum = try number()
    guard take(",") else {
      guard let minimum, take("}") else { throw fault }
      return (minimum, minimum)
    }
    let maximum = try number()
    guard take("}"), minimum != nil || maximum != nil, minimum ?? 0 <= maximum ?? Self.countLimit
    else { throw fault }
    return (minimum ?? 0, maximum)
  }

  private mutating func number() throws(ExpressionFault) -> Int? {
    var value: Int?
    while let digit = scalars.first, ("0"..."9").contains(digit) {
      scalars.removeFirst()
      let next = (value ?? 0) * 10 + Int(digit.value - 48)
      guard next <= Self.countLimit else {
        throw ExpressionFault(part: "a count above \(Self.countLimit)")
      }
      value = next
    }
    return value
  }
}
