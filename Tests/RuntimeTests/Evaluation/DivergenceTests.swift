import Foundation
import Quant
import Testing

@testable import Runtime

@Suite struct DivergenceTests {
  private func logarithms(_ probabilities: [Float]...) -> Matrix {
    Matrix(
      rows: probabilities.count, columns: probabilities[0].count,
      values: probabilities.flatMap { $0.map { log($0) } })
  }

  private func divergence(_ reference: Matrix, _ model: Matrix) -> Divergence {
    var divergence = Divergence()
    divergence.add(reference: reference, model: model)
    return divergence
  }

  @Test func `the divergence is that of the model from the reference`() {
    let found = divergence(
      logarithms([0.5, 0.25, 0.25], [0.2, 0.3, 0.5]),
      logarithms([0.25, 0.5, 0.25], [0.2, 0.3, 0.5]))
    // 0.5 ln 2 − 0.25 ln 2, and nothing.
    let first = 0.25 * log(2.0)
    #expect(abs(Double(found.values[0]) - first) < 1e-7)
    #expect(found.values[1] == 0)
    #expect(abs(found.mean.mean - first / 2) < 1e-7)
    #expect(found.agreement.mean == 0.5)
    #expect(found.agreement.count == 2)
  }

  @Test func `a token without probability adds nothing`() {
    let found = divergence(logarithms([0.5, 0.5, 0]), logarithms([0.5, 0.5, 0]))
    #expect(found.values == [0])
    let other = divergence(logarithms([0.5, 0.5, 0]), logarithms([0.25, 0.25, 0.5]))
    #expect(abs(other.mean.mean - log(2.0)) < 1e-6)
    let infinite = divergence(logarithms([0.5, 0.5]), logarithms([1, 0]))
    #expect(infinite.values == [.infinity])
  }

  @Test func `no number does not count as agreement in full`() {
    let found = divergence(
      logarithms([0.5, 0.5]), Matrix(rows: 1, columns: 2, values: [.nan, .nan]))
    #expect(found.mean.mean.isNaN)
    #expect(found.percentile99.isNaN)
  }

  @Test func `rounding does not make a divergence negative`() {
    let p = Matrix(rows: 1, columns: 2, values: [-0.693_147_3, -0.693_147_3])
    let q = Matrix(rows: 1, columns: 2, values: [-0.693_147_1, -0.693_147_1])
    #expect(divergence(p, q).values == [0])
  }

  /// Positions, and which of their sorted values 99 % do not exceed.
  @Test(arguments: [(1, 0), (2, 1), (99, 98), (100, 98), (101, 99), (200, 197), (1000, 989)])
  func `the percentile is a value that occurs`(count: Int, place: Int) {
    var parts = Divergence()
    var values = [Float]()
    // exp(0) · (0 − q) is the divergence, so that each position has its own.
    for index in 0..<count {
      let value = Float((index * 7919) % count)
      values.append(value)
      var one = Divergence()
      one.add(
        reference: Matrix(rows: 1, columns: 1, values: [0]),
        model: Matrix(rows: 1, columns: 1, values: [-value]))
      parts.add(one)
    }
    #expect(parts.values == values)
    #expect(parts.percentile99 == Double(values.sorted()[place]))
    #expect(abs(parts.mean.mean - Double(values.reduce(0, +)) / Double(count)) < 1e-9)
  }

  @Test func `nothing compared has no percentile`() {
    #expect(Divergence().percentile99.isNaN)
    #expect(Divergence().mean.mean.isNaN)
  }

  @Test func `the largest of equal values is the first`() {
    let matrix = Matrix(rows: 2, columns: 3, values: [1, 3, 3, -2, -1, -3])
    #expect(matrix.largest(inRow: 0) == 1)
    #expect(matrix.largest(inRow: 1) == 1)
  }
}

@Suite struct SampleMeanTests {
  private func mean(_ values: [Double]) -> SampleMean {
    var mean = SampleMean()
    for value in values { mean.add(value) }
    return mean
  }

  @Test func `mean and standard error are those of the sample`() {
    let sample = mean([2, 4, 4, 4, 5, 5, 7, 9])
    #expect(sample.count == 8)
    #expect(sample.mean == 5)
    // Squares of the differences add to 32: variance 32 / 7, of the mean 32 / 56.
    #expect(abs(sample.standardError - (32.0 / 56).squareRoot()) < 1e-15)
  }

  @Test func `few values have no error`() {
    #expect(SampleMean().mean.isNaN && SampleMean().standardError == 0)
    #expect(mean([3]).mean == 3 && mean([3]).standardError == 0)
    #expect(mean([0.1, 0.1, 0.1]).standardError < 1e-8)
  }

  @Test func `samples are put together`() {
    var sample = mean([1, 2])
    sample.add(mean([3, 4, 5]))
    #expect(sample == mean([1, 2, 3, 4, 5]))
    sample.add(SampleMean())
    #expect(sample == mean([1, 2, 3, 4, 5]))
  }
}
