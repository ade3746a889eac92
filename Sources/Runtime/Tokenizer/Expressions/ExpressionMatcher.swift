/// Finds the matches of a regular expression in one text after the other, by backtracking.
///
/// Once a text has cost more than a few steps a byte, states that failed are remembered: an expression has neither
/// back-references nor lookbehind, so whether a state (instruction, position) fails depends on nothing else. No state
/// is then tried twice, and a text of n bytes takes O(n) steps for each instruction, whatever the expression.
struct ExpressionMatcher {
  private let program: ExpressionProgram
  private var bytes = [UInt8]()
  private var start = 0
  private var end = 0
  private var stack = [Choice]()
  private var steps = 0
  private var failures: FailureMemory?

  private static let stepsPerByte = 32
  private static let freeSteps = 4096

  private enum Choice {
    case alternative(Int, position: Int)
    /// A run that ends at `position` and may end earlier, down to `minimum`.
    case run(next: Int, position: Int, minimum: Int, place: Int)
    /// Everything from a state on has failed once this is reached.
    case failure(place: Int, position: Int)
  }

  init(_ program: ExpressionProgram) { self.program = program }

  /// Hands out the matches in a part of a text, which the expression takes for the whole text.
  ///
  /// An empty match that touches the end of the one before is passed over.
  mutating func matches(in text: [UInt8], _ range: Range<Int>, _ body: (Range<Int>) -> Void) {
    (bytes, start, end) = (text, range.lowerBound, range.upperBound)
    (steps, failures) = (0, nil)
    var position = start
    var lastEnd: Int?
    while position <= end {
      let match = match(from: 0, at: position)
      if let match, match > position || match != lastEnd {
        body(position..<match)
        lastEnd = match
        position = match
        continue
      }
      guard position < end else { return }
      position += bytes.scalar(at: position).length
    }
  }

  /// The end of a match of the instructions from an index up to the `accept` that closes them.
  private mutating func match(from first: Int, at place: Int) -> Int? {
    let base = stack.count
    var (next, position) = (first, place)
    while true {
      if case .accept = program.instructions[next] {
        stack.removeLast(stack.count - base)
        return position
      }
      if let state = advance(next, position) {
        (next, position) = state
      } else if let state = backtrack(to: base) {
        (next, position) = state
      } else {
        return nil
      }
    }
  }

  private typealias State = (next: Int, position: Int)

  /// Carries out one instruction; nothing if it fails.
  private mutating func advance(_ next: Int, _ position: Int) -> State? {
    switch program.instructions[next] {
    case .one(let set):
      guard position < end else { return nil }
      let (scalar, length) = bytes.scalar(at: position)
      return program.sets[set].contains(scalar) ? (next + 1, position + length) : nil
    case .run(let set, let minimum, let maximum, let isPossessive, let place):
      let run = Run(set: set, minimum: minimum, maximum: maximum, place: place)
      return advance(run, isPossessive: isPossessive, next + 1, position)
    case .branch(let first, let second, let place):
      if failures != nil {
        if failures?.contains(place, position - start) == true { return nil }
        stack.append(.failure(place: place, position: position))
      }
      stack.append(.alternative(second, position: position))
      return (first, position)
    case .jump(let target): return (target, position)
    case .lookahead(let end, let isNegated, let place):
      return looksAhead(next + 1, position, place) != isNegated ? (end, position) : nil
    case .atomic(let end):
      guard let match = match(from: next + 1, at: position) else { return nil }
      return (end, match)
    case .anchor(let anchor): return holds(anchor, position) ? (next + 1, position) : nil
    case .accept: return nil
    }
  }

  private struct Run {
    let set: Int
    let minimum: Int
    let maximum: Int
    let place: Int
  }

  private mutating func advance(
    _ run: Run, isPossessive: Bool, _ next: Int, _ position: Int
  ) -> State? {
    var stop = position
    var count = 0
    var earliest = run.minimum == 0 ? position : -1
    let remembers = failures != nil && run.maximum == Int.max && !isPossessive
    while count < run.maximum, stop < end {
      // From here on every longer run has failed before.
      if remembers, earliest >= 0, failures?.contains(run.place, stop - start) == true { break }
      let (scalar, length) = bytes.scalar(at: stop)
      guard program.sets[run.set].contains(scalar) else { break }
      stop += length
      count += 1
      if count == run.minimum { earliest = stop }
    }
    noteSteps(count)
    guard earliest >= 0 else { return nil }
    if remembers, failures?.contains(run.place, stop - start) == true {
      guard stop > earliest else { return nil }
      stop -= bytes.scalar(before: stop).length
    }
    if !isPossessive {
      // The place of a bounded run is not remembered: how many characters may follow depends on its start.
      let place = run.maximum == Int.max ? run.place : -1
      if stop > earliest || place >= 0 {
        stack.append(.run(next: next, position: stop, minimum: earliest, place: place))
      }
    }
    return (next, stop)
  }

  /// The latest choice that is left, above a height of the stack.
  private mutating func backtrack(to base: Int) -> State? {
    while stack.count > base, let choice = stack.popLast() {
      noteSteps(1)
      switch choice {
      case .alternative(let next, let position): return (next, position)
      case .failure(let place, let position): failures?.insert(place, position - start)
      case .run(let next, let position, let minimum, let place):
        if place >= 0 { failures?.insert(place, position - start) }
        guard position > minimum else { continue }
        let earlier = position - bytes.scalar(before: position).length
        stack.append(.run(next: next, position: earlier, minimum: minimum, place: place))
        return (next, earlier)
      }
    }
    return nil
  }

  /// Whether what follows matches; both outcomes are remembered.
  private mutating func looksAhead(_ next: Int, _ position: Int, _ place: Int) -> Bool {
    if let failures {
      if failures.contains(place, position - start) { return false }
      if failures.contains(place + 1, position - start) { return true }
    }
    let isMatch = match(from: next, at: position) != nil
    failures?.insert(isMatch ? place + 1 : place, position - start)
    return isMatch
  }

  private func holds(_ anchor: ExpressionAnchor, _ position: Int) -> Bool {
    switch anchor {
    case .textStart: position == start
    case .textEnd: position == end
    case .lineStart: position == start || position < end && bytes[position - 1] == 0x0A
    case .lineEnd: position == end || bytes[position] == 0x0A
    }
  }

  private mutating func noteSteps(_ count: Int) {
    steps += count
    if failures == nil, steps > Self.freeSteps + Self.stepsPerByte * (end - start) {
      failures = FailureMemory(places: program.placeCount, positions: end - start + 1)
    }
  }
}

/// States that are known to fail, one bit each.
private struct FailureMemory {
  private let positions: Int
  private var words: [UInt64]

  init(places: Int, positions: Int) {
    self.positions = positions
    words = Array(repeating: 0, count: (places * positions + 63) / 64)
  }

  func contains(_ place: Int, _ position: Int) -> Bool {
    let bit = place * positions + position
    return words[bit / 64] >> UInt64(bit % 64) & 1 != 0
  }

  mutating func insert(_ place: Int, _ position: Int) {
    let bit = place * positions + position
    words[bit / 64] |= 1 << UInt64(bit % 64)
  }
}
