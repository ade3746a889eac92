import Benchmark
import Quant
import Runtime

/// What works on every token alone.
func measureRows() {
  let engine = FastEngine()
  let width = 768, vocabulary = 50280
  let ones = [Float](repeating: 1, count: width)
  let zeros = [Float](repeating: 0, count: width)
  for tokens in [1, 64] {
    let input = { Matrix.seeded(rows: tokens, columns: width) }
    Benchmark.measure("root mean square norm, width \(width), tokens \(tokens)", of: input) {
      engine.rmsNormalize($0, weight: ones, epsilon: 1e-5)
    }
    Benchmark.measure("layer norm, width \(width), tokens \(tokens)", of: input) {
      engine.layerNormalize($0, weight: ones, bias: zeros, epsilon: 1e-5)
    }
    Benchmark.measure(
      "log-softmax, entries \(vocabulary), tokens \(tokens)",
      of: { Matrix.seeded(rows: tokens, columns: vocabulary) }, { engine.logSoftmax($0) })
  }
}
