/// Shares out bytes among tensors that each have a few types to choose from.
enum UpgradePath {
  /// A type that a tensor may get.
  struct Choice: Equatable, Sendable {
    /// Bytes in the file.
    let bytes: Int
    /// The loss that it is expected to cause.
    let harm: Double
  }

  /// A change of one tensor's choice.
  private struct Step {
    let tensor: Int
    let choice: Int
    let bytes: Int
    let gain: Double

    var gainPerByte: Double { gain / Double(max(1, bytes)) }
  }

  /// One choice for each tensor, of least harm that fits into some bytes.
  ///
  /// Starts from the smallest choices and takes the upgrades along the lower convex hull of each tensor, those first that
  /// gain most for a byte; this is optimal wherever it stops for want of bytes. What is left is filled with whatever
  /// upgrade still fits.
  ///
  /// - Returns: indices into the choices; nothing if not even the smallest fit.
  /// - Precondition: every tensor has a choice.
  static func allocate(_ tensors: [[Choice]], within bytes: Int) -> [Int]? {
    let hulls = tensors.map(hull)
    var chosen = hulls.map { $0.first ?? 0 }
    var rest = bytes - zip(tensors, chosen).reduce(0) { $0 + $1.0[$1.1].bytes }
    guard rest >= 0 else { return nil }
    var blocked = Set<Int>()
    for step in steps(tensors, hulls) where !blocked.contains(step.tensor) {
      guard step.bytes <= rest else {
        blocked.insert(step.tensor)
        continue
      }
      chosen[step.tensor] = step.choice
      rest -= step.bytes
    }
    while let step = filling(tensors, chosen, within: rest) {
      chosen[step.tensor] = step.choice
      rest -= step.bytes
    }
    return chosen
  }

  /// The fewest and the most bytes that choices take.
  static func range(_ tensors: [[Choice]]) -> ClosedRange<Int> {
    let smallest = tensors.reduce(0) { $0 + ($1.map(\.bytes).min() ?? 0) }
    let largest = tensors.reduce(0) { sum, choices in
      sum + (hull(choices).last.map { choices[$0].bytes } ?? 0)
    }
    return smallest...max(smallest, largest)
  }

  /// Choices between which harm falls ever more slowly with bytes, from the smallest on.
  private static func hull(_ choices: [Choice]) -> [Int] {
    let order = choices.indices.sorted {
      (choices[$0].bytes, choices[$0].harm, $0) < (choices[$1].bytes, choices[$1].harm, $1)
    }
    var hull = [Int]()
    for next in order {
      guard let last = hull.last else {
        hull.append(next)
        continue
      }
      guard choices[next].harm < choices[last].harm else { continue }
      while hull.count > 1,
        gainPerByte(choices, hull[hull.count - 2], hull[hull.count - 1])
          <= gainPerByte(choices, hull[hull.count - 2], next)
      {
        hull.removeLast()
      }
      hull.append(next)
    }
    return hull
  }

  private static func gainPerByte(_ choices: [Choice], _ from: Int, _ to: Int) -> Double {
    (choices[from].harm - choices[to].harm)
      / Double(max(1, choices[to].bytes - choices[from].bytes))
  }

  private static func steps(_ tensors: [[Choice]], _ hulls: [[Int]]) -> [Step] {
    hulls.enumerated().flatMap { tensor, hull in
      zip(hull, hull.dropFirst()).map { step(tensors, tensor, from: $0, to: $1) }
    }.enumerated().sorted {
      ($1.element.gainPerByte, $0.offset) < ($0.element.gainPerByte, $1.offset)
    }.map(\.element)
  }

  private static func step(
    _ tensors: [[Choice]], _ tensor: Int, from: Int, to: Int
  ) -> Step {
    let (old, new) = (tensors[tensor][from], tensors[tensor][to])
    return Step(
      tensor: tensor, choice: to, bytes: new.bytes - old.bytes, gain: old.harm - new.harm)
  }

  /// The upgrade that fits and gains most for a byte.
  private static func filling(
    _ tensors: [[Choice]], _ chosen: [Int], within bytes: Int
  ) -> Step? {
    var best: Step?
    for tensor in tensors.indices {
      for choice in tensors[tensor].indices {
        let step = step(tensors, tensor, from: chosen[tensor], to: choice)
        guard step.gain > 0, step.bytes > 0, step.bytes <= bytes else { continue }
        if step.gainPerByte > best?.gainPerByte ?? 0 { best = step }
      }
    }
    return best
  }
}
