import Foundation
import TestSupport
import Testing

@testable import Quant

/// Rounding with knowledge of the inputs.
@Suite struct CalibratedMatrixTests {
  private static let pool = ThreadPool(threads: 2)

  /// Inputs of which every one follows the one before: `[tokens, columns]`.
  private static func inputs(_ columns: Int, tokens: Int = 600) -> Matrix {
    var matrix = Matrix.noise(rows: tokens, columns: columns, seed: 5)
    for token in 0..<tokens {
      for column in 1..<columns {
        let index = token * columns + column
        matrix.values[index] = 0.8 * matrix.values[index - 1] + 0.6 * matrix.values[index]
      }
    }
    return matrix
  }

  private static func factor(
    _ columns: Int, _ rotation: BlockRotation? = nil
  ) throws -> FeedbackFactor {
    var moments = Hessian(columns: columns)
    let inputs = inputs(columns)
    moments.add(rotation?.rotated(inputs) ?? inputs, threads: pool)
    return try #require(FeedbackFactor(moments))
  }

  private static func encoding(_ name: String) throws -> any SteppedEncoding {
    try #require(Encodings.requested(name) as? any SteppedEncoding)
  }

  /// The squared error of outputs on the inputs themselves, summed in double precision.
  private static func outputError(_ encoded: Matrix, _ weights: Matrix) -> Double {
    let inputs = inputs(weights.columns)
    var sum = 0.0
    for token in 0..<inputs.rows {
      for row in 0..<weights.rows {
        var error = 0.0
        for column in 0..<weights.columns {
          let difference =
            encoded.values[row * weights.columns + column]
            - weights.values[row * weights.columns + column]
          error += Double(difference) * Double(inputs.values[token * weights.columns + column])
        }
        sum += error * error
      }
    }
    return sum
  }

  private static func planes(
    _ name: String, _ weights: Matrix, threads: Int = 2
  ) throws -> [[UInt8]] {
    let pool = ThreadPool(threads: threads)
    let factor = try factor(
      weights.columns, encoding(name).rotation(columns: weights.columns))
    if let entropy = try encoding(name) as? EntropyEncoding {
      return try EntropyMatrix(
        weights.values, rows: weights.rows, columns: weights.columns, encoding: entropy,
        factor: factor, threads: pool
      ).planes
    }
    return try CalibratedMatrix(
      weights.values, rows: weights.rows, columns: weights.columns, encoding: encoding(name),
      inputs: .moments(factor), threads: pool
    ).planes
  }

  @Test(arguments: ["q4", "q4h", "q6", "q8g32", "e4", "e2.5"])
  func `outputs come nearer than by rounding alone`(name: String) throws {
    let weights = Matrix.noise(rows: 90, columns: 300, seed: 1)
    let encoding = try Self.encoding(name)
    let plain = try EncodedMatrix(weights, encoding: encoding).expanded()
    let fitted = try EncodedMatrix(
      encoding: encoding, rows: 90, columns: 300, planes: Self.planes(name, weights)
    ).expanded()
    let ratio = Self.outputError(fitted, weights) / Self.outputError(plain, weights)
    // Neighbours correlated by 0.8 leave a column 1 − 0.8² of its variance: 0.36 of the error where feedback reaches all.
    #expect(ratio < 0.6, "\(name): \(ratio)")
  }

  @Test(arguments: ["q4", "q4h", "q6", "e4"])
  func `bytes do not depend on threads`(name: String) throws {
    let weights = Matrix.noise(rows: 150, columns: 280, seed: 2)
    #expect(
      try Self.planes(name, weights, threads: 1) == Self.planes(name, weights, threads: 3))
  }

  /// What column `k` should be once the columns before it are rounded: the least squares solution for all that are left,
  /// by elimination in double precision.
  private static func compensated(
    _ weights: [Double], _ rounded: [Double], _ moments: [Double], from k: Int
  ) -> Double {
    let (all, left) = (weights.count, weights.count - k)
    var system = [[Double]](
      repeating: [Double](repeating: 0, count: left + 1), count: left)
    for row in 0..<left {
      for column in 0..<left { system[row][column] = moments[(row + k) * all + column + k] }
      for column in 0..<k {
        system[row][left] +=
          moments[(row + k) * all + column] * (weights[column] - rounded[column])
      }
    }
    for pivot in (0..<left).reversed() {
      for row in 0..<pivot {
        let share = system[row][pivot] / system[pivot][pivot]
        for column in 0...left { system[row][column] -= share * system[pivot][column] }
      }
    }
    return weights[k] + system[0][left] / system[0][0]
  }

  @Test func `every column is what least squares makes of the errors before it`() throws {
    let (rows, columns) = (12, 40)
    let weights = Matrix.noise(rows: rows, columns: columns, seed: 3)
    let encoding = try #require(EntropyEncoding(tier: "e4"))
    let factor = try Self.factor(columns)
    var damped = factor.moments.map(Double.init)
    for index in 0..<columns { damped[index * columns + index] *= 1 + factor.damping }
    let result = FeedbackRounding(
      encoding: encoding, importance: factor.importance, factor: factor)(
        weights.values, rows: rows)
    let steps = result.steps
    for row in 0..<rows {
      let values = weights.values[row * columns..<(row + 1) * columns].map(Double.init)
      var rounded = [Double]()
      for column in 0..<columns {
        let wanted = Self.compensated(values, rounded, damped, from: column)
        let code = Double(result.codes[row * columns + column])
        // Half a step, and single precision of sums of forty terms.
        #expect(abs(wanted / Double(steps[row]) - code) < 0.5 + 1e-3)
        rounded.append(code * Double(steps[row]))
      }
    }
  }

  @Test func `inputs that have nothing in common are rounded by themselves`() throws {
    let columns = 64
    var moments = Hessian(columns: columns)
    var unit = Matrix(
      rows: columns, columns: columns,
      values: [Float](repeating: 0, count: columns * columns))
    for index in 0..<columns { unit.values[index * columns + index] = 1 }
    moments.add(unit, threads: Self.pool)
    let factor = try #require(FeedbackFactor(moments))
    let weights = Matrix.noise(rows: 20, columns: columns, seed: 4)
    let encoding = try #require(EntropyEncoding(tier: "e4"))
    let fitted = try EntropyMatrix(
      weights.values, rows: 20, columns: columns, encoding: encoding, factor: factor,
      threads: Self.pool)
    #expect(
      try fitted.planes == encoding.encode(weights.values, rows: 20, columns: columns))
  }

  @Test func `moments without a factor are told of`() {
    #expect(FeedbackFactor(Hessian(columns: 8)) == nil)
    var broken = Hessian(columns: 8)
    broken.add(
      Matrix(rows: 1, columns: 8, values: [Float](repeating: .nan, count: 8)), threads: Self.pool)
    #expect(FeedbackFactor(broken) == nil)
  }
}
