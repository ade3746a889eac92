import Quant
import Runtime
import Testing

/// The sizes of a Mamba-2 scan.
private struct Sizes: Sendable, CustomTestStringConvertible {
  let tokens: Int
  let heads: Int
  let width: Int
  let groups: Int
  let states: Int

  var testDescription: String {
    "\(tokens) tokens, \(heads) heads × \(width), \(groups) groups × \(states)"
  }

  /// Around the eight tokens of the recurrence, the 32 of a chunk and the 16 lanes of a vector.
  static let all = [
    Sizes(tokens: 1, heads: 1, width: 1, groups: 1, states: 1),
    Sizes(tokens: 8, heads: 6, width: 5, groups: 3, states: 16),
    Sizes(tokens: 9, heads: 4, width: 16, groups: 2, states: 7),
    Sizes(tokens: 32, heads: 17, width: 8, groups: 1, states: 33),
    Sizes(tokens: 33, heads: 4, width: 20, groups: 4, states: 32),
    Sizes(tokens: 100, heads: 2, width: 64, groups: 1, states: 128),
  ]

  /// The fastest heads forget everything from one token to the next.
  var parameters: StateSpaceParameters {
    StateSpaceParameters(
      heads: heads, headWidth: width, groups: groups, states: states,
      logarithmicDecay: (0..<heads).map { Float($0) - 2 }, skip: .noise(heads * width, seed: 31),
      timeStepBias: .noise(heads, seed: 32), timeStepMinimum: 0.01, timeStepMaximum: 3)
  }

  var convolved: Matrix {
    .noise(rows: tokens, columns: heads * width + 2 * groups * states, seed: 33)
  }

  var gatesAndSteps: Matrix { .noise(rows: tokens, columns: heads * width + heads, seed: 34) }

  func input(rows: Range<Int>) -> GatedStateSpaceInput {
    let (others, inner) = (gatesAndSteps.rows(rows), heads * width)
    return GatedStateSpaceInput(
      convolved: convolved.rows(rows), gate: others.slice(0..<inner),
      timeSteps: others.slice(inner..<inner + heads), parameters)
  }

  /// Outputs, then the state.
  func run(_ engine: any Engine, together: Int) -> [Float] {
    var state = [Float].noise(heads * width * states, seed: 35)
    var output = [Float]()
    for first in stride(from: 0, to: tokens, by: together) {
      let rows = first..<min(first + together, tokens)
      output += engine.gatedStateSpaceScan(input(rows: rows), parameters, state: &state).values
    }
    return output + state
  }
}

@Suite struct StateSpaceScanTests {
  @Test(arguments: Sizes.all)
  private func `a gated scan of Mamba-2 agrees with the reference, in whatever parts`(
    sizes: Sizes
  ) {
    let expected = sizes.run(ReferenceEngine(), together: sizes.tokens)
    let largest = expected.map(abs).max() ?? 0
    for together in [sizes.tokens, 8, 1] {
      let found = sizes.run(FastEngine(), together: together)
      let difference = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
      // Float32 sums of up to 228 terms in another order.
      #expect(difference <= 1e-5 * largest, "\(together) tokens at once")
    }
  }

  @Test(arguments: Sizes.all)
  private func `a gated scan of Mamba-2 does not depend on the number of threads`(sizes: Sizes) {
    let expected = sizes.run(FastEngine(threads: 1), together: sizes.tokens)
    #expect(sizes.run(FastEngine(threads: 3), together: sizes.tokens) == expected)
  }

  /// The inputs as whole multiples of 1/127 of the largest of each head or group.
  private func rounded(_ sizes: Sizes) -> Matrix {
    let inner = sizes.heads * sizes.width
    let weights = sizes.groups * sizes.states
    return [
      (0..<inner, sizes.width), (inner..<inner + weights, sizes.states),
      (inner + weights..<inner + 2 * weights, sizes.states),
    ]
    .map { RoundedRows(sizes.convolved.slice($0.0), groupSize: $0.1).widened }
    .reduce(Matrix(rows: sizes.tokens, columns: 0)) { $0.beside($1) }
  }

  @Test(arguments: Sizes.all)
  private func `a scan of bytes agrees with the reference on the rounded numbers`(sizes: Sizes) {
    let inner = sizes.heads * sizes.width
    let others = sizes.gatesAndSteps
    var expectedState = [Float].noise(inner * sizes.states, seed: 35)
    let expected = ReferenceEngine().gatedStateSpaceScan(
      GatedStateSpaceInput(
        convolved: rounded(sizes), gate: others.slice(0..<inner),
        timeSteps: others.slice(inner..<inner + sizes.heads), sizes.parameters),
      sizes.parameters, state: &expectedState)
    let largest = (expected.values + expectedState).map(abs).max() ?? 0
    for together in [sizes.tokens, 8, 1] {
      let found = sizes.run(FastEngine(activations: .a8), together: together)
      let difference =
        zip(found, expected.values + expectedState).map { abs($0 - $1) }.max() ?? .infinity
      #expect(difference <= 1e-5 * largest, "\(together) tokens at once")
    }
  }

  @Test(arguments: Sizes.all)
  private func `rounded states are the same in whatever parts and on any threads`(sizes: Sizes) {
    let engine = FastEngine(activations: .a8, state: .int8)
    let expected = sizes.run(engine, together: sizes.tokens)
    for together in [8, 1] { #expect(sizes.run(engine, together: together) == expected) }
    let threads = FastEngine(threads: 3, activations: .a8, state: .int8)
    #expect(sizes.run(threads, together: sizes.tokens) == expected)
    // One channel has one scale, so what its rounding takes off is below one part in 254 a token.
    let exact = sizes.run(FastEngine(activations: .a8), together: sizes.tokens)
    #expect(expected != exact || sizes.states == 1)
  }
}
