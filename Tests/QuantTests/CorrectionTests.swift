import Foundation
import TestSupport
import Testing

@testable import Quant

/// Weights that are moved before they are rounded.
@Suite struct CorrectionTests {
  private static let pool = ThreadPool(threads: 2)
  private static let (tokens, rows, columns) = (300, 7, 40)

  /// Inputs of which every one follows the one before, and what the outputs lack: `[tokens, rows]`.
  private static let inputs: Matrix = {
    var matrix = Matrix.noise(rows: tokens, columns: columns, seed: 5)
    for index in matrix.values.indices where index % columns > 0 {
      matrix.values[index] = 0.8 * matrix.values[index - 1] + 0.6 * matrix.values[index]
    }
    return matrix
  }()
  private static let lack = Matrix.noise(rows: tokens, columns: rows, seed: 6)
  private static let weights = (0..<tokens).map { Float($0 % 3 + 1) / 2 }

  private static func moments() -> Hessian {
    var moments = Hessian(columns: columns)
    moments.add(inputs, weights: weights, threads: pool)
    return moments
  }

  private static func cross(_ lack: Matrix) -> CrossMoments {
    var cross = CrossMoments(rows: lack.columns, columns: columns)
    cross.add(lack, at: inputs, weights: weights, threads: pool)
    return cross
  }

  /// The change of a row that minimises Σ a (lack − change · x)² + Σ_k damping · H_kk · change_k², by elimination of the
  /// normal equations in double precision.
  private static func leastSquares(_ row: Int, damping: Double) -> [Double] {
    var system = [[Double]](
      repeating: [Double](repeating: 0, count: columns + 1), count: columns)
    for token in 0..<tokens {
      let x = inputs.values[token * columns..<(token + 1) * columns].map(Double.init)
      let weight = Double(weights[token])
      for i in 0..<columns {
        for j in 0..<columns { system[i][j] += weight * x[i] * x[j] }
        system[i][columns] += weight * x[i] * Double(lack.values[token * rows + row])
      }
    }
    for i in 0..<columns { system[i][i] *= 1 + damping }
    for pivot in 0..<columns {
      for i in 0..<columns where i != pivot {
        let share = system[i][pivot] / system[pivot][pivot]
        for j in pivot...columns { system[i][j] -= share * system[pivot][j] }
      }
    }
    return (0..<columns).map { system[$0][columns] / system[$0][$0] }
  }

  @Test(arguments: [0.05, 0.15])
  func `it is the damped least squares solution`(damping: Double) throws {
    let factor = try #require(FeedbackFactor(Self.moments(), damping: damping))
    #expect(factor.damping == damping)
    let found = try #require(factor.correction(Self.cross(Self.lack)))
    let expected = (0..<Self.rows).flatMap { Self.leastSquares($0, damping: damping) }
    // Panels and products in single precision; the damped moments have a condition of about a hundred.
    #expect(Difference(found.values, from: expected).norm < 1e-4)
  }

  @Test func `a lack of inputs is what the weights make of it`() throws {
    let factor = try #require(FeedbackFactor(Self.moments(), damping: 0.15))
    let missing = Matrix.noise(rows: Self.tokens, columns: Self.columns, seed: 7)
    let matrix = Matrix.noise(rows: Self.rows, columns: Self.columns, seed: 8)
    var lack = Matrix(rows: Self.tokens, columns: Self.rows)
    for token in 0..<Self.tokens {
      for row in 0..<Self.rows {
        lack.values[token * Self.rows + row] = (0..<Self.columns).reduce(0) {
          $0 + matrix.values[row * Self.columns + $1] * missing.values[token * Self.columns + $1]
        }
      }
    }
    let ofInputs = Correction.inputs(try #require(factor.correction(Self.cross(missing))))
    let ofOutputs = Correction.outputs(try #require(factor.correction(Self.cross(lack))))
    #expect(
      Difference(ofInputs.applied(to: matrix).values, from: ofOutputs.applied(to: matrix).values)
        .norm < 1e-5)
    #expect(
      Difference(
        ofOutputs.rows(2..<5).applied(to: matrix.rows(2..<5)).values,
        from: ofOutputs.applied(to: matrix).rows(2..<5).values
      ).norm == 0)
  }

  @Test func `a pivot is what the columns after it leave of a column`() throws {
    let factor = try #require(FeedbackFactor(Self.moments(), damping: 0.15))
    var damped = factor.moments.map(Double.init)
    for index in 0..<Self.columns { damped[index * (Self.columns + 1)] *= 1.15 }
    // Elimination from the last column to the first leaves the pivots on the diagonal.
    for pivot in (0..<Self.columns).reversed() {
      for row in 0..<pivot {
        let share = damped[row * Self.columns + pivot] / damped[pivot * (Self.columns + 1)]
        for column in 0...pivot {
          damped[row * Self.columns + column] -= share * damped[pivot * Self.columns + column]
        }
      }
    }
    let expected = (0..<Self.columns).map { damped[$0 * (Self.columns + 1)] }
    #expect(Difference(factor.pivots, from: expected).largest < 1e-4)
  }

  @Test func `what is lacking at inputs that are never there changes nothing`() throws {
    var inputs = Self.inputs
    for token in 0..<Self.tokens { inputs.values[token * Self.columns + 9] = 0 }
    var moments = Hessian(columns: Self.columns)
    moments.add(inputs, threads: Self.pool)
    let factor = try #require(FeedbackFactor(moments))
    #expect(factor.deadInputs == 1)
    let change = try #require(factor.correction(Self.cross(Self.lack)))
    for row in 0..<Self.rows { #expect(change.values[row * Self.columns + 9] == 0) }
  }

  @Test func `moments of rotated inputs are rotated moments`() throws {
    let rotation = BlockRotation(columns: Self.columns)
    let inputs = rotation.rotated(Self.inputs)
    var expected = Hessian(columns: Self.columns)
    expected.add(inputs, weights: Self.weights, threads: Self.pool)
    // Rotations and panels in single precision.
    #expect(
      Difference(Self.moments().rotated(by: rotation).triangle, from: expected.triangle).norm < 1e-6
    )
    for lack in [Self.lack, Self.inputs] {
      let isInputs = lack == Self.inputs
      var expected = CrossMoments(rows: lack.columns, columns: Self.columns)
      expected.add(
        isInputs ? inputs : lack, at: inputs, weights: Self.weights, threads: Self.pool)
      let found = Self.cross(lack).rotated(by: rotation, lack: isInputs)
      #expect(Difference(found.values, from: expected.values).norm < 1e-6)
    }
  }

  @Test func `a lack that is no number is not made up for`() throws {
    let factor = try #require(FeedbackFactor(Self.moments()))
    var lack = Self.lack
    lack.values[5] = .infinity
    #expect(factor.correction(Self.cross(lack)) == nil)
  }
}
