import CKernels
import Foundation
import Testing

@Suite struct NormalizationTests {
  static let shapes = Shape.ragged.filter { $0.columns > 0 } + [Shape(2, 5120)]

  @Test(arguments: InstructionSet.all, shapes)
  func `norms`(set: InstructionSet, shape: Shape) throws {
    let kernels = try set.kernels
    let (rows, columns) = (shape.rows, shape.columns)
    var random = Seeded(shape.count)
    let x = random.normals(shape.count).map { $0 + 2 }, bias = random.normals(columns)
    let weight = random.normals(columns)
    let rms = filled(shape.count) { kernels.rms_normalize($0, x, weight, 1e-5, rows, columns) }
    let layer = filled(shape.count) {
      kernels.layer_normalize($0, x, weight, bias, 1e-5, rows, columns)
    }
    var rmsTruth = [Double](), layerTruth = [Double](), magnitudes = [Double]()
    for row in 0..<rows {
      let values = x[row * columns..<(row + 1) * columns].map(Double.init)
      let mean = values.reduce(0, +) / Double(columns)
      let square = values.reduce(0) { $0 + $1 * $1 } / Double(columns)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
      let deviation = (variance + Double(Float(1e-5))).squareRoot()
      for (column, value) in values.enumerated() {
        let factor = Double(weight[column])
        rmsTruth.append(factor * value / (square + Double(Float(1e-5))).squareRoot())
        layerTruth.append(factor * (value - mean) / deviation + Double(bias[column]))
        // The mean is exact to some roundings of its own size.
        magnitudes.append(
          abs(factor) * (abs(value) + abs(mean)) / deviation + abs(Double(bias[column])))
      }
    }
    let roundings = Double(columns / 16 + 12) * unitRoundoff
    expectClose(rms, rmsTruth) { roundings * abs(rmsTruth[$0]) }
    expectClose(layer, layerTruth) { roundings * magnitudes[$0] }
  }

  @Test(arguments: InstructionSet.all, shapes)
  func `softmax and its logarithm`(set: InstructionSet, shape: Shape) throws {
    let kernels = try set.kernels
    let (rows, columns) = (shape.rows, shape.columns)
    var random = Seeded(shape.count)
    let x = random.normals(shape.count).map { $0 * 6 }
    let scale: Float = 0.25
    var softmax = x
    kernels.softmax_rows(&softmax, scale, rows, columns)
    let logarithms = filled(shape.count) { kernels.log_softmax_rows($0, x, rows, columns) }
    var truth = [Double](), logTruth = [Double]()
    for row in 0..<rows {
      let values = x[row * columns..<(row + 1) * columns].map(Double.init)
      let sum = values.reduce(0) { $0 + exp($1 * Double(scale)) }
      let logSum = log(values.reduce(0) { $0 + exp($1) })
      truth += values.map { exp($0 * Double(scale)) / sum }
      logTruth += values.map { $0 - logSum }
    }
    // The difference from the largest is at most 12 or so, rounded once before the exponential.
    let roundings = Double(columns / 16 + 40) * unitRoundoff
    expectClose(softmax, truth) { roundings * truth[$0] }
    expectClose(logarithms, logTruth) { 1e-6 + 2 * unitRoundoff * abs(logTruth[$0]) }
  }

  @Test(arguments: InstructionSet.all)
  func `softmax of huge and of excluded scores stays finite`(set: InstructionSet) throws {
    let kernels = try set.kernels
    var row: [Float] = [3e38, -.infinity, 3e38, -3e38] + [Float](repeating: -.infinity, count: 15)
    kernels.softmax_rows(&row, 1, 1, row.count)
    #expect(row == [0.5, 0, 0.5] + [Float](repeating: 0, count: 16))
    let far = filled(2) { kernels.log_softmax_rows($0, [1e4, -1e4], 1, 2) }
    #expect(far == [0, -2e4])
    var broken: [Float] = [1, .nan, 2]
    kernels.softmax_rows(&broken, 1, 1, 3)
    #expect(broken.allSatisfy { $0.isNaN })
    let brokenLogarithms = filled(3) { kernels.log_softmax_rows($0, [1, .nan, 2], 1, 3) }
    #expect(brokenLogarithms.allSatisfy { $0.isNaN })
  }
}
