import Foundation
import Quant
import Testing

@testable import Runtime

@Suite struct CubicResamplingTests {
  typealias Interpolation = VisionPositionDescription.Interpolation

  /// Single precision rounds each of the eight products of a position once.
  static let bound = 1e-6

  @Test(
    arguments: [Interpolation.bicubic, .antialiasedBicubic],
    [(5, 5, 4, 7), (5, 5, 2, 2), (3, 3, 11, 1), (1, 1, 3, 2), (37, 37, 27, 27), (4, 6, 6, 4)])
  func `a resampled table is what the two-dimensional sum gives`(
    interpolation: Interpolation, sizes: (Int, Int, Int, Int)
  ) throws {
    let (source, wanted) = (
      PatchGrid(rows: sizes.0, columns: sizes.1), PatchGrid(rows: sizes.2, columns: sizes.3)
    )
    let width = 3
    let values = (0..<source.count * width).map { Float(sin(Double($0 * $0) * 0.7)) }
    let table = PositionTable(
      classToken: nil, grid: source,
      values: Matrix(rows: source.count, columns: width, values: values),
      interpolation: interpolation)
    let resampled = table.patches(wanted)
    #expect(resampled.rows == wanted.count)
    var largest = 0.0
    for row in 0..<wanted.rows {
      for column in 0..<wanted.columns {
        for channel in 0..<width {
          let expected = Oracle(interpolation).value(
            values.map(Double.init), source, wanted, row, column, channel, width)
          let found = resampled.values[(row * wanted.columns + column) * width + channel]
          largest = max(largest, abs(expected - Double(found)))
        }
      }
    }
    #expect(largest < Self.bound, "largest difference \(largest)")
  }

  @Test(arguments: [Interpolation.bicubic, .antialiasedBicubic])
  func `a table keeps its values when the grid is its own`(interpolation: Interpolation) throws {
    let resampling = try #require(CubicResampling(interpolation))
    for (index, taps) in resampling.taps(from: 5, to: 5).enumerated() {
      let weights = taps.reduce(into: [Int: Double]()) { $0[$1.index, default: 0] += $1.weight }
      #expect(weights[index] == 1)
      #expect(weights.filter { $0.key != index }.values.allSatisfy { $0 == 0 })
    }
  }

  @Test(
    arguments: [Interpolation.bicubic, .antialiasedBicubic],
    [(1, 3), (2, 1), (2, 40), (5, 1), (5, 16), (37, 1), (37, 16), (37, 40)])
  func `the weights of every element sum to one and stay inside the table`(
    interpolation: Interpolation, sizes: (Int, Int)
  ) throws {
    let (source, result) = sizes
    let resampling = try #require(CubicResampling(interpolation))
    for taps in resampling.taps(from: source, to: result) {
      #expect(abs(taps.reduce(0) { $0 + $1.weight } - 1) < 1e-12)
      #expect(taps.allSatisfy { (0..<source).contains($0.index) })
    }
  }

  /// PyTorch's values for the row 0, 1, 4, 9, 16 brought to three elements.
  @Test(
    arguments: zip(
      [Interpolation.bicubic, .antialiasedBicubic],
      [[0.148149, 4, 14.074071], [0.169231, 4.195349, 13.338459]]))
  func `known values come out`(interpolation: Interpolation, expected: [Double]) throws {
    let row = [0.0, 1, 4, 9, 16]
    let resampling = try #require(CubicResampling(interpolation))
    let found = resampling.taps(from: 5, to: 3).map { taps in
      taps.reduce(0) { $0 + $1.weight * row[$1.index] }
    }
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-5, "\(found)") }
  }
}

/// The definition in double precision, without separating the axes.
private struct Oracle {
  let isAntialiased: Bool

  init(_ interpolation: VisionPositionDescription.Interpolation) {
    isAntialiased = interpolation == .antialiasedBicubic
  }

  private func kernel(_ distance: Double) -> Double {
    let (x, a) = (abs(distance), isAntialiased ? -0.5 : -0.75)
    if x <= 1 { return (a + 2) * x * x * x - (a + 3) * x * x + 1 }
    return x < 2 ? a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a : 0
  }

  /// The weight of every element, also of repeated edges.
  private func weights(_ position: Int, from source: Int, to result: Int) -> [Double] {
    let scale = Double(source) / Double(result)
    let center = (Double(position) + 0.5) * scale - 0.5
    var weights = [Double](repeating: 0, count: source)
    if isAntialiased {
      let widening = max(1, scale)
      for index in 0..<source { weights[index] = kernel((Double(index) - center) / widening) }
      let total = weights.reduce(0, +)
      return weights.map { $0 / total }
    }
    for index in -3..<source + 3 {
      weights[min(max(index, 0), source - 1)] += kernel(Double(index) - center)
    }
    return weights
  }

  func value(
    _ values: [Double], _ source: PatchGrid, _ wanted: PatchGrid, _ row: Int, _ column: Int,
    _ channel: Int, _ width: Int
  ) -> Double {
    let down = weights(row, from: source.rows, to: wanted.rows)
    let across = weights(column, from: source.columns, to: wanted.columns)
    var sum = 0.0
    for y in 0..<source.rows {
      for x in 0..<source.columns {
        sum += down[y] * across[x] * values[(y * source.columns + x) * width + channel]
      }
    }
    return sum
  }
}
