import Quant
import Runtime
import TestSupport
import Testing

@Suite struct EngineTests {
  /// Rounding of single precision, 6e-8, over sums of at most 257 terms and exponentials of scores up to 30.
  static let referenceBound = 2e-6
  /// The kernels' exponentials add a relative 2e-7 and sums run in another order.
  static let fastBound = 2e-6

  @Test(arguments: EngineOperation.allCases)
  func `the reference engine computes the formula`(operation: EngineOperation) throws {
    for call in try operation.cases {
      let difference = Difference(call.run(ReferenceEngine()), from: call.oracle())
      #expect(difference.largest <= Self.referenceBound, "\(call.name): \(difference)")
    }
  }

  @Test(arguments: EngineOperation.allCases)
  func `the fast engine computes the formula`(operation: EngineOperation) throws {
    for call in try operation.cases {
      let difference = Difference(call.run(FastEngine()), from: call.oracle())
      #expect(difference.largest <= Self.fastBound, "\(call.name): \(difference)")
    }
  }

  @Test(arguments: EngineOperation.allCases)
  func `the fast engine agrees with the reference engine`(operation: EngineOperation) throws {
    for call in try operation.cases {
      let difference = Difference(call.run(FastEngine()), from: call.run(ReferenceEngine()))
      #expect(difference.largest <= Self.fastBound, "\(call.name): \(difference)")
    }
  }

  @Test(arguments: EngineOperation.allCases)
  func `results do not depend on the number of threads`(operation: EngineOperation) throws {
    let engines: [(Int) -> any Engine] = [
      { FastEngine(threads: $0) }, { ReferenceEngine(threads: $0) },
    ]
    for engine in engines {
      let one = engine(1)
      for threads in [2, 3] {
        let several = engine(threads)
        for call in try operation.cases {
          let (left, right) = (call.run(one), call.run(several))
          #expect(
            left.map(\.bitPattern) == right.map(\.bitPattern),
            "\(call.name) on \(threads) threads of \(one)")
        }
      }
    }
  }

  @Test(arguments: [ExecutionContext.EngineKind.fast, .reference])
  func `no tokens give no rows`(kind: ExecutionContext.EngineKind) throws {
    let engine = ExecutionContext(engine: kind).engine
    let nothing = Matrix(rows: 0, columns: 17)
    let weight = try EncodedMatrix(
      .noise(rows: 5, columns: 17, seed: 1), encoding: SuperBlockEncoding())
    let ones = [Float](repeating: 1, count: 17)
    #expect(engine.linear(nothing, weight, bias: nil) == Matrix(rows: 0, columns: 5))
    #expect(engine.rmsNormalize(nothing, weight: ones, epsilon: 1) == nothing)
    #expect(engine.layerNormalize(nothing, weight: ones, bias: ones, epsilon: 1) == nothing)
    #expect(engine.activate(nothing, .silu) == nothing)
    #expect(engine.gate(nothing, by: nothing) == nothing)
    #expect(engine.logSoftmax(nothing) == nothing)
    var history = [Float].noise(34, seed: 2)
    let before = history
    let weights = [Float](repeating: 1, count: 51)
    #expect(
      engine.causalConvolution(nothing.slice, weight: weights, bias: nil, history: &history)
        == nothing)
    #expect(history == before)
  }

  @Test func `a context has the engine that was asked for`() {
    #expect(ExecutionContext(engine: .fast).engine is FastEngine)
    #expect(ExecutionContext(engine: .reference).engine is ReferenceEngine)
  }
}
