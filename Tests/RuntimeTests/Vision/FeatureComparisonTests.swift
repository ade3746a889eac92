import Quant
import Testing

@testable import Runtime

@Suite struct FeatureComparisonTests {
  static func row(_ values: [Float]) -> Matrix {
    Matrix(rows: 1, columns: values.count, values: values)
  }

  @Test(
    arguments: [
      ([1, 2, 2], [1, 2, 2], 1, 0), ([2, 4, 4], [1, 2, 2], 1, 1), ([0, 3], [4, 0], 0, 1.25),
      ([0, 0], [0, 0], 1, 0), ([-1, 0], [1, 0], -1, 2),
    ] as [([Float], [Float], Double, Double)])
  func `cosine and relative error are those of the vectors`(
    features: [Float], reference: [Float], cosine: Double, error: Double
  ) throws {
    let comparison = try FeatureComparison(Self.row(features), against: Self.row(reference))
    #expect(abs(comparison.cosine - cosine) < 1e-12)
    #expect(abs(comparison.relativeError - error) < 1e-12)
  }

  @Test func `features of different shapes are refused`() {
    #expect(
      throws: ModelError.contradiction(
        "the models give features [1, 2] and [1, 3] for the same image")
    ) { try FeatureComparison(Self.row([1, 2]), against: Self.row([1, 2, 3])) }
  }
}
