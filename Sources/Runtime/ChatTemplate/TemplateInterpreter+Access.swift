import Format

extension TemplateInterpreter {
  /// What a loop over a value goes through; an iterator is used up.
  ///
  /// - Parameter operation: what needs the elements, for errors.
  mutating func elements(
    of value: TemplateValue, for operation: String
  ) throws(ChatTemplateFault) -> [TemplateValue] {
    switch value {
    case .undefined: return []
    case .sequence(let sequence):
      try spend(sequence.elements.count)
      return sequence.elements
    case .mapping(let mapping):
      try spend(mapping.keys.count)
      return mapping.keys.map { .string($0.text) }
    case .string(let text):
      try spend(text.unicodeScalars.count)
      return text.unicodeScalars.map { .string(String($0)) }
    case .iterator(let index):
      let elements = iterators[index]
      try spend(elements.count)
      iterators[index] = []
      return elements
    case .loop: throw .unsupported("\(operation) over “loop”")
    default: throw .inapplicable(operation, to: value.typeName)
    }
  }

  /// A value that is passed through once.
  mutating func iterator(over elements: [TemplateValue]) -> TemplateValue {
    iterators.append(elements)
    return .iterator(iterators.count - 1)
  }

  /// `value.name`: an attribute of the type first, then an entry.
  func attribute(
    _ name: String, of value: TemplateValue
  ) throws(ChatTemplateFault) -> TemplateValue {
    if let attribute = try typeAttribute(name, of: value) { return attribute }
    if case .mapping(let mapping) = value, let entry = mapping[name] { return entry }
    return .undefined("“\(name)” of \(value.typeName)")
  }

  /// `value[position]`: an element or an entry first, then an attribute of the type.
  mutating func item(
    _ position: TemplateValue, of value: TemplateValue
  ) throws(ChatTemplateFault) -> TemplateValue {
    if case .undefined(let what) = value { throw .undefined(what) }
    if let element = try element(position, of: value) { return element }
    guard case .string(let name) = position else {
      return .undefined("an item of \(value.typeName)")
    }
    return try typeAttribute(name, of: value) ?? .undefined("“\(name)” of \(value.typeName)")
  }

  private mutating func element(
    _ position: TemplateValue, of value: TemplateValue
  ) throws(ChatTemplateFault) -> TemplateValue? {
    switch (value, position) {
    case (.mapping(let mapping), .string(let key)): return mapping[key]
    case (.sequence(let sequence), _) where sequence.kind != .view:
      guard let index = index(position, count: sequence.elements.count) else { return nil }
      return sequence.elements[index]
    case (.string(let text), _):
      guard position.asInteger != nil else { return nil }
      try spend(bytes: text.utf8.count)
      let scalars = text.unicodeScalars
      guard let offset = index(position, count: scalars.count) else { return nil }
      return .string(String(scalars[scalars.index(scalars.startIndex, offsetBy: offset)]))
    default: return nil
    }
  }

  /// A position within a count, where negative ones count from the end.
  private func index(_ position: TemplateValue, count: Int) -> Int? {
    guard let position = position.asInteger, position >= -count, position < count else {
      return nil
    }
    return position < 0 ? position + count : position
  }

  private func typeAttribute(
    _ name: String, of value: TemplateValue
  ) throws(ChatTemplateFault) -> TemplateValue? {
    guard !name.hasPrefix("__") else { throw .unsupported("the attribute “\(name)”") }
    switch value {
    case .undefined(let what): throw .undefined(what)
    case .namespace(let index): return namespaces[index][name]
    case .loop(let position): return try position.member(name)
    case .macro, .function, .method, .iterator:
      throw .unsupported("“\(name)” of \(value.typeName)")
    default: break
    }
    let attributes = PythonAttributes.of(value)
    if attributes.methods.contains(name) { return .method(name, of: value) }
    guard !attributes.others.contains(name) else {
      throw .unsupported("“\(name)” of \(value.typeName)")
    }
    return nil
  }

  mutating func slice(
    _ value: TemplateValue, start: Int?, stop: Int?, step: Int
  ) throws(ChatTemplateFault) -> TemplateValue {
    guard step != 0 else { throw .impossibleArithmetic("a slice with step 0") }
    switch value {
    case .undefined(let what): throw .undefined(what)
    case .string(let text):
      try spend(bytes: text.utf8.count)
      let scalars = Array(text.unicodeScalars)
      let positions = positions(count: scalars.count, start: start, stop: stop, step: step)
      return .string(String(positions.map { scalars[$0] }))
    case .sequence(let sequence) where sequence.kind != .view:
      let elements = sequence.elements
      try spend(elements.count)
      let positions = positions(count: elements.count, start: start, stop: stop, step: step)
      return .sequence(try TemplateSequence(sequence.kind, positions.map { elements[$0] }))
    default: throw .inapplicable("a slice", to: value.typeName)
    }
  }

  /// The positions of a slice, with the rules of Python's `slice.indices`.
  private func positions(count: Int, start: Int?, stop: Int?, step: Int) -> [Int] {
    let least = step > 0 ? 0 : -1
    let greatest = step > 0 ? count : count - 1
    func clamped(_ bound: Int) -> Int {
      let position = bound < 0 ? bound + count : bound
      return min(max(position, least), greatest)
    }
    let first = start.map(clamped) ?? (step > 0 ? least : greatest)
    let end = stop.map(clamped) ?? (step > 0 ? greatest : least)
    let distance = max(min(step, count + 1), -count - 1)
    return Array(stride(from: first, to: end, by: distance))
  }
}
