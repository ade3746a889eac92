import Benchmark
import Quant
import Runtime

/// Products with encoded weights, and what they are made of.
func measureMatrices() {
  let encodings: [any Encoding] = [SuperBlockEncoding(), GroupEncoding(bits: 8), FloatEncoding.f32]
  // Input and output projection of a model 768 wide, input projection of one 2,048 wide.
  for (outputs, inputs) in [(3072, 768), (768, 1536), (8192, 2048)] {
    for encoding in encodings {
      for tokens in [1, 8, 64] {
        measureProduct(encoding, outputs: outputs, inputs: inputs, tokens: tokens)
      }
    }
  }
  for encoding in encodings { measureCoding(encoding, rows: 3072, columns: 768) }
}

private func measureProduct(_ encoding: any Encoding, outputs: Int, inputs: Int, tokens: Int) {
  let engine = FastEngine()
  Benchmark.measure(
    "linear \(encoding.name) \(outputs)x\(inputs), tokens \(tokens)",
    of: {
      (
        encoded(.seeded(rows: outputs, columns: inputs), encoding),
        Matrix.seeded(rows: tokens, columns: inputs)
      )
    },
    { weight, input in engine.linear(input, weight, bias: nil) })
}

private func measureCoding(_ encoding: any Encoding, rows: Int, columns: Int) {
  Benchmark.measure(
    "expand \(encoding.name) \(rows)x\(columns)",
    of: { encoded(.seeded(rows: rows, columns: columns), encoding) }, { $0.expanded() })
  Benchmark.measure(
    "encode \(encoding.name) \(rows)x\(columns)",
    of: { Matrix.seeded(rows: rows, columns: columns) }, { encoded($0, encoding) })
}

private func encoded(_ matrix: Matrix, _ encoding: any Encoding) -> EncodedMatrix {
  do {
    return try EncodedMatrix(matrix, encoding: encoding)
  } catch {
    fatalError("\(encoding.name) cannot hold the weights: \(error)")
  }
}
