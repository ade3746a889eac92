import Format

extension TemplateInterpreter {
  mutating func holds(
    _ left: TemplateValue, _ symbol: TemplateComparison, _ right: TemplateValue
  ) throws(ChatTemplateFault) -> Bool {
    switch symbol {
    case .equal: try areEqual(left, right)
    case .notEqual: !(try areEqual(left, right))
    case .less: try order(left, right).map { $0 < 0 } ?? false
    case .lessOrEqual: try order(left, right).map { $0 <= 0 } ?? false
    case .greater: try order(left, right).map { $0 > 0 } ?? false
    case .greaterOrEqual: try order(left, right).map { $0 >= 0 } ?? false
    case .isIn: try contains(right, left)
    case .isNotIn: !(try contains(right, left))
    }
  }

  mutating func areEqual(
    _ left: TemplateValue, _ right: TemplateValue
  ) throws(ChatTemplateFault) -> Bool {
    try spend(1)
    switch (left, right) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.string(let first), .string(let second)):
      guard first.utf8.count == second.utf8.count else { return false }
      try spend(bytes: first.utf8.count)
      return ExactString(first) == ExactString(second)
    case (.sequence(let first), .sequence(let second)): return try areEqual(first, second)
    case (.mapping(let first), .mapping(let second)):
      guard first.keys.count == second.keys.count else { return false }
      for (key, value) in first.entries {
        guard let other = second[key], try areEqual(value, other) else { return false }
      }
      return true
    case (.namespace(let first), .namespace(let second)): return first == second
    case (.iterator, .iterator), (.macro, .macro), (.loop, .loop), (.function, .function),
      (.method, .method):
      throw .unsupported("a comparison of \(left.typeName) with another")
    default:
      if let first = left.asInteger, let second = right.asInteger { return first == second }
      guard let first = left.asNumber, let second = right.asNumber else { return false }
      return first == second
    }
  }

  private mutating func areEqual(
    _ left: TemplateSequence, _ right: TemplateSequence
  ) throws(ChatTemplateFault) -> Bool {
    guard left.kind != .view, right.kind != .view else {
      throw .unsupported("a comparison of \(TemplateSequence.Kind.view.rawValue)")
    }
    guard left.kind == right.kind, left.elements.count == right.elements.count else { return false }
    for (first, second) in zip(left.elements, right.elements) {
      guard try areEqual(first, second) else { return false }
    }
    return true
  }

  /// Below, at or above zero as the left is less, equal or greater; nothing if one is not a number.
  private mutating func order(
    _ left: TemplateValue, _ right: TemplateValue
  ) throws(ChatTemplateFault) -> Int? {
    for case .undefined(let what) in [left, right] { throw .undefined(what) }
    if let first = left.asInteger, let second = right.asInteger { return rank(first, second) }
    if let first = left.asNumber, let second = right.asNumber { return rank(first, second) }
    if case .sequence = left, case .sequence = right {
      throw .unsupported("an order of \(left.typeName)")
    }
    guard case .string(let first) = left, case .string(let second) = right else {
      let isLeft = left.asNumber == nil && right.asNumber != nil
      throw .inapplicable("an order", to: isLeft ? left.typeName : right.typeName)
    }
    try spend(bytes: min(first.utf8.count, second.utf8.count))
    return rank(ExactString(first), ExactString(second))
  }

  private func rank<Ordered: Comparable>(_ left: Ordered, _ right: Ordered) -> Int? {
    if left < right { return -1 }
    if left == right { return 0 }
    return left > right ? 1 : nil
  }

  mutating func contains(
    _ container: TemplateValue, _ value: TemplateValue
  ) throws(ChatTemplateFault) -> Bool {
    switch (container, value) {
    case (.string(let text), .string(let part)):
      return try firstPosition(
        of: Array(part.unicodeScalars), in: Array(text.unicodeScalars), from: 0) != nil
    case (.string, _): throw .inapplicable("“in” a text", to: value.typeName)
    case (.mapping(let mapping), .string(let key)): return mapping[key] != nil
    case (.mapping, .sequence(let sequence)) where sequence.kind == .tuple:
      throw .unsupported("“in” of a tuple and a mapping")
    case (.mapping, .sequence), (.mapping, .mapping):
      throw .inapplicable("“in” a mapping", to: value.typeName)
    case (.mapping, _), (.undefined, _): return false
    case (.iterator(let index), _): return try takes(value, fromIterator: index)
    default:
      for element in try elements(of: container, for: "“in”") {
        if try areEqual(element, value) { return true }
      }
      return false
    }
  }

  /// Looks for the value, which uses the iterator up to it.
  private mutating func takes(
    _ value: TemplateValue, fromIterator index: Int
  ) throws(ChatTemplateFault) -> Bool {
    let elements = iterators[index]
    for (position, element) in elements.enumerated() {
      guard try areEqual(element, value) else { continue }
      iterators[index] = Array(elements[(position + 1)...])
      return true
    }
    iterators[index] = []
    return false
  }
}
