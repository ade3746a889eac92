/// A regular expression as instructions for a matcher.
struct ExpressionProgram: Sendable {
  enum Instruction: Sendable {
    /// Takes one character of a set.
    case one(Int)
    /// Takes as many characters of a set as there are, and gives them back one by one unless possessive.
    case run(set: Int, minimum: Int, maximum: Int, isPossessive: Bool, place: Int)
    /// Goes on here or, if that fails, there.
    case branch(first: Int, second: Int, place: Int)
    case jump(Int)
    /// The instructions up to `end` are an expression of their own.
    case lookahead(end: Int, isNegated: Bool, place: Int)
    case atomic(end: Int)
    case anchor(ExpressionAnchor)
    case accept
  }

  private(set) var instructions = [Instruction]()
  private(set) var sets = [ScalarSet]()
  /// How many instructions have a place in the memory of failures.
  private(set) var placeCount = 0

  private static let instructionLimit = 1024

  init(_ expression: String) throws(ExpressionFault) {
    try add(try ExpressionParser.parse(expression))
    instructions.append(.accept)
  }

  private mutating func add(_ node: ExpressionNode) throws(ExpressionFault) {
    guard instructions.count < Self.instructionLimit else {
      throw ExpressionFault(part: "more than \(Self.instructionLimit) steps")
    }
    switch node {
    case .one(let set): instructions.append(.one(index(of: set)))
    case .sequence(let parts): for part in parts { try add(part) }
    case .alternatives(let parts): try add(alternatives: parts)
    case .repeated(let part, let repetition): try add(part, repetition)
    case .anchor(let anchor): instructions.append(.anchor(anchor))
    case .lookahead(let body, let isNegated):
      let place = newPlaces(2)
      try add(enclosed: body) { .lookahead(end: $0, isNegated: isNegated, place: place) }
    case .atomic(let body): try add(enclosed: body) { .atomic(end: $0) }
    }
  }

  private mutating func add(
    enclosed body: ExpressionNode, _ instruction: (Int) -> Instruction
  ) throws(ExpressionFault) {
    let start = reserve()
    try add(body)
    instructions.append(.accept)
    instructions[start] = instruction(instructions.count)
  }

  private mutating func add(alternatives parts: [ExpressionNode]) throws(ExpressionFault) {
    var exits = [Int]()
    for part in parts.dropLast() {
      let start = reserve()
      try add(part)
      exits.append(reserve())
      instructions[start] = .branch(
        first: start + 1, second: instructions.count, place: newPlaces(1))
    }
    if let last = parts.last { try add(last) }
    for exit in exits { instructions[exit] = .jump(instructions.count) }
  }

  private mutating func add(
    _ part: ExpressionNode, _ repetition: ExpressionNode.Repetition
  ) throws(ExpressionFault) {
    switch (part, repetition.preference) {
    case (.one(let set), .greedy), (.one(let set), .possessive):
      instructions.append(
        .run(
          set: index(of: set), minimum: repetition.minimum,
          maximum: repetition.maximum ?? Int.max,
          isPossessive: repetition.preference == .possessive, place: newPlaces(1)))
    case (_, .possessive):
      let greedy = ExpressionNode.Repetition(
        minimum: repetition.minimum, maximum: repetition.maximum, preference: .greedy)
      try add(.atomic(.repeated(part, greedy)))
    default: try add(unrolled: part, repetition)
    }
  }

  private mutating func add(
    unrolled part: ExpressionNode, _ repetition: ExpressionNode.Repetition
  ) throws(ExpressionFault) {
    let isLazy = repetition.preference == .lazy
    for _ in 0..<repetition.minimum { try add(part) }
    guard let maximum = repetition.maximum else {
      let start = reserve()
      try add(part)
      instructions.append(.jump(start))
      setBranch(at: start, to: instructions.count, isLazy: isLazy)
      return
    }
    var branches = [Int]()
    for _ in repetition.minimum..<maximum {
      branches.append(reserve())
      try add(part)
    }
    for branch in branches { setBranch(at: branch, to: instructions.count, isLazy: isLazy) }
  }

  private mutating func setBranch(at start: Int, to exit: Int, isLazy: Bool) {
    let (first, second) = isLazy ? (exit, start + 1) : (start + 1, exit)
    instructions[start] = .branch(first: first, second: second, place: newPlaces(1))
  }

  /// An instruction that is filled in later.
  private mutating func reserve() -> Int {
    instructions.append(.accept)
    return instructions.count - 1
  }

  private mutating func newPlaces(_ count: Int) -> Int {
    defer { placeCount += count }
    return placeCount
  }

  private mutating func index(of set: ScalarSet) -> Int {
    if let known = sets.firstIndex(of: set) { return known }
    sets.append(set)
    return sets.count - 1
  }
}
