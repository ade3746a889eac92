import Foundation

/// Finds the largest position whose value does not exceed a goal, if values grow with positions.
///
/// Secants find it fast where values grow evenly; doubling and halving keep that from failing where they do not.
struct BracketSearch {
  /// A position that was tried.
  struct Point: Equatable {
    let position: Int
    let value: Double
  }

  let range: ClosedRange<Int>
  /// Values up to this one are allowed.
  let goal: Double
  /// The value to look for, a little below the goal.
  let aim: Double
  /// Where to begin.
  let start: Int
  /// How much values grow from one position to the next, as far as known.
  private var slope: Double
  /// The largest allowed position that was tried.
  private(set) var best: Point?
  /// The smallest position that was tried and has too large a value.
  private(set) var excess: Point?
  private var last: Point?
  /// Tries in a row that moved the same end.
  private var repeats = 0

  init(_ range: ClosedRange<Int>, goal: Double, aim: Double, start: Int, slope: Double) {
    self.range = range
    self.goal = goal
    self.aim = aim
    self.start = min(max(start, range.lowerBound), range.upperBound)
    self.slope = slope
  }

  /// The position to try next; nothing if the answer is known.
  var next: Int? {
    switch (best, excess) {
    case (nil, nil): return start
    case (let best?, nil):
      guard best.position < range.upperBound else { return nil }
      return position(best, away: max(stride, (aim - best.value) / slope))
    case (nil, let excess?):
      guard excess.position > range.lowerBound else { return nil }
      return position(excess, away: min(-stride, (aim - excess.value) / slope))
    case (let best?, let excess?):
      let gap = excess.position - best.position
      guard gap > 1 else { return nil }
      guard repeats < 2 else { return best.position + gap / 2 }
      let share = (aim - best.value) / (excess.value - best.value)
      let step = (share * Double(gap)).rounded()
      return best.position + (step.isFinite ? Int(min(max(step, 1), Double(gap - 1))) : gap / 2)
    }
  }

  /// What a try moves at least as long as only one end is known.
  private var stride: Double { exp2(Double(min(repeats, 40))) }

  /// Takes in what was found at a position.
  mutating func add(_ position: Int, value: Double) {
    let point = Point(position: position, value: value)
    let isAllowed = value <= goal
    repeats = last.map { ($0.value <= goal) == isAllowed } == true ? repeats + 1 : 0
    if let last, last.position != position {
      let secant = (value - last.value) / Double(position - last.position)
      if secant > 0, secant.isFinite { slope = secant }
    }
    last = point
    if isAllowed {
      if position >= best?.position ?? Int.min { best = point }
    } else if position <= excess?.position ?? Int.max {
      excess = point
    }
  }

  private func position(_ from: Point, away steps: Double) -> Int {
    let wanted = Double(from.position) + steps.rounded(.towardZero)
    return Int(min(max(wanted, Double(range.lowerBound)), Double(range.upperBound)))
  }
}
