import Foundation

extension TemplateInterpreter {
  mutating func combine(
    _ left: TemplateValue, _ symbol: TemplateArithmetic, _ right: TemplateValue
  ) throws(ChatTemplateFault) -> TemplateValue {
    for case .undefined(let what) in [left, right] { throw .undefined(what) }
    switch (symbol, left, right) {
    case (.add, .string, .string):
      return .string(try joined([left, right], separator: ""))
    case (.add, .sequence(let first), .sequence(let second))
    where first.kind == second.kind && (first.kind == .list || first.kind == .tuple):
      try spend(first.elements.count + second.elements.count)
      return .sequence(try TemplateSequence(first.kind, first.elements + second.elements))
    case (.multiply, .string, _), (.multiply, .sequence, _):
      return try repeated(left, right)
    case (.multiply, _, .string), (.multiply, _, .sequence):
      return try repeated(right, left)
    case (.modulo, .string, _): throw .unsupported("the operator “%” on a text")
    default: break
    }
    if let first = left.asInteger, let second = right.asInteger {
      return try integer(first, symbol, second)
    }
    guard let first = left.asNumber, let second = right.asNumber else {
      let type = left.asNumber == nil ? left.typeName : right.typeName
      throw .inapplicable("the operator “\(symbol.rawValue)”", to: type)
    }
    return .number(try number(first, symbol, second))
  }

  private func integer(
    _ left: Int, _ symbol: TemplateArithmetic, _ right: Int
  ) throws(ChatTemplateFault) -> TemplateValue {
    let impossible = ChatTemplateFault.impossibleArithmetic("\(left) \(symbol.rawValue) \(right)")
    var result: (partialValue: Int, overflow: Bool)
    switch symbol {
    case .add: result = left.addingReportingOverflow(right)
    case .subtract: result = left.subtractingReportingOverflow(right)
    case .multiply: result = left.multipliedReportingOverflow(by: right)
    case .floorDivide:
      result = left.dividedReportingOverflow(by: right)
      guard !result.overflow else { throw impossible }
      let isInexact = left.remainderReportingOverflow(dividingBy: right).partialValue != 0
      if isInexact, (left < 0) != (right < 0) { result.partialValue -= 1 }
    case .modulo:
      result = left.remainderReportingOverflow(dividingBy: right)
      guard right != 0 else { throw impossible }
      if result.overflow { result = (0, false) }
      if result.partialValue != 0, (result.partialValue < 0) != (right < 0) {
        result.partialValue += right
      }
    case .divide, .concatenate: return .number(try number(Double(left), symbol, Double(right)))
    }
    guard !result.overflow else { throw impossible }
    return .integer(result.partialValue)
  }

  /// Quotients and remainders round toward negative infinity.
  private func number(
    _ left: Double, _ symbol: TemplateArithmetic, _ right: Double
  ) throws(ChatTemplateFault) -> Double {
    switch symbol {
    case .add: return left + right
    case .subtract: return left - right
    case .multiply: return left * right
    case .divide, .floorDivide, .modulo, .concatenate: break
    }
    guard right != 0 else { throw .impossibleArithmetic("\(left) \(symbol.rawValue) 0") }
    if symbol == .divide { return left / right }
    var remainder = fmod(left, right)
    if remainder != 0, (remainder < 0) != (right < 0) { remainder += right }
    if symbol == .modulo { return remainder == 0 ? copysign(0, right) : remainder }
    let quotient = (left - remainder) / right
    let floor = quotient.rounded(.down)
    return quotient - floor > 0.5 ? floor + 1 : floor
  }

  private mutating func repeated(
    _ value: TemplateValue, _ times: TemplateValue
  ) throws(ChatTemplateFault) -> TemplateValue {
    guard let count = times.asInteger.map({ max($0, 0) }) else {
      throw .inapplicable("the operator “*”", to: times.typeName)
    }
    switch value {
    case .string(let text):
      let size = text.utf8.count.multipliedReportingOverflow(by: count)
      guard !size.overflow, size.partialValue <= ChatTemplateLimits.textByteCount else {
        throw .tooLong("a text", limit: ChatTemplateLimits.textByteCount)
      }
      try spend(bytes: size.partialValue)
      return .string(size.partialValue == 0 ? "" : String(repeating: text, count: count))
    case .sequence(let sequence) where sequence.kind == .list || sequence.kind == .tuple:
      let size = sequence.elements.count.multipliedReportingOverflow(by: count)
      try spend(size.overflow ? .max : size.partialValue)
      guard size.partialValue > 0 else { return .sequence(try TemplateSequence(sequence.kind, [])) }
      let copies = repeatElement(sequence.elements, count: count)
      return .sequence(try TemplateSequence(sequence.kind, Array(copies.joined())))
    default: throw .inapplicable("the operator “*”", to: value.typeName)
    }
  }

  func signed(
    _ value: TemplateValue, isNegative: Bool
  ) throws(ChatTemplateFault) -> TemplateValue {
    if case .undefined(let what) = value { throw .undefined(what) }
    if let integer = value.asInteger {
      guard isNegative else { return .integer(integer) }
      return try self.integer(0, .subtract, integer)
    }
    guard case .number(let number) = value else {
      throw .inapplicable("a sign", to: value.typeName)
    }
    return .number(isNegative ? -number : number)
  }
}
