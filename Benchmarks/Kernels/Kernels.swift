import Benchmark

/// Speed of the arithmetic below the models, one thread, inputs from a seed.
///
/// Weights of the larger shapes don't fit the second-level cache; activations do. A benchmark's name says the shape
/// as in `[outputs x inputs]`, then the tokens.
let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock], timeUnits: .microseconds, warmupIterations: 3,
    maxDuration: .seconds(1), maxIterations: 10_000)
  measureMatrices()
  measureSequences()
  measureRows()
}

extension Benchmark {
  /// Measures a function of inputs that are made once, before it is timed.
  static func measure<Input, Output>(
    _ name: String, of input: @escaping () -> Input, _ body: @escaping (Input) -> Output
  ) {
    Benchmark(
      name,
      closure: { (benchmark: Benchmark, input: Input) in
        for _ in benchmark.scaledIterations { blackHole(body(input)) }
      }, setup: input)
  }
}
