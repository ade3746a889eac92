import CKernels
import Foundation
import Testing

/// Backward loops against central differences in double precision.
@Suite struct GradientTests {
  /// Derivatives of `loss` in some numbers.
  private static func differences(
    _ numbers: [Float], _ loss: ([Double]) -> Double
  ) -> [Double] {
    let start = numbers.map(Double.init)
    return start.indices.map { index in
      var changed = start
      changed[index] = start[index] + 1e-5
      let above = loss(changed)
      changed[index] = start[index] - 1e-5
      return (above - loss(changed)) / 2e-5
    }
  }

  /// Relative to the largest: sums of up to some hundred terms in single precision, and 1e-8 of the differences.
  private static func expect(
    _ found: [Float], _ expected: [Double], _ location: SourceLocation = #_sourceLocation
  ) {
    let largest = expected.reduce(0) { max($0, abs($1)) }
    expectClose(found, expected, bound: { _ in 1e-5 * largest + 1e-8 }, sourceLocation: location)
  }

  private static func sum(_ a: [Double], _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * Double($1.1) }
  }

  private static func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }

  @Test(arguments: InstructionSet.all)
  func `silu`(set: InstructionSet) throws {
    var random = Seeded(1)
    let (x, dy) = (random.normals(37).map { 4 * $0 }, random.normals(37))
    let dx = filled(37) { (try? set.kernels)?.silu_gradient($0, x, dy, 37) }
    Self.expect(dx, Self.differences(x) { Self.sum($0.map(Self.silu), dy) })
  }

  @Test(arguments: InstructionSet.all, [(1, 3), (3, 16), (4, 37)])
  func `normalization by the root mean square`(
    set: InstructionSet, size: (rows: Int, columns: Int)
  ) throws {
    let kernels = try set.kernels
    var random = Seeded(size.columns)
    let count = size.rows * size.columns
    let (x, w, dy) = (random.normals(count), random.normals(size.columns), random.normals(count))
    func loss(_ x: [Double], _ w: [Double]) -> Double {
      (0..<size.rows).reduce(0) { total, row in
        let range = row * size.columns..<(row + 1) * size.columns
        let mean = x[range].reduce(0) { $0 + $1 * $1 } / Double(size.columns)
        let scale = 1 / (mean + Double(Float(1e-3))).squareRoot()
        return total
          + range.reduce(0) {
            $0 + x[$1] * scale * w[$1 - range.lowerBound] * Double(dy[$1])
          }
      }
    }
    var dw = [Float](repeating: 0, count: size.columns)
    let dx = filled(count) {
      kernels.rms_gradient($0, &dw, x, w, dy, 1e-3, size.rows, size.columns)
    }
    Self.expect(dx, Self.differences(x) { loss($0, w.map(Double.init)) })
    Self.expect(dw, Self.differences(w) { loss(x.map(Double.init), $0) })
  }

  @Test(arguments: InstructionSet.all, [(1, 1, 1), (2, 20, 4), (9, 35, 3), (6, 16, 5)])
  func `causal convolution with SiLU`(
    set: InstructionSet, size: (tokens: Int, channels: Int, taps: Int)
  ) throws {
    let kernels = try set.kernels
    var random = Seeded(size.channels)
    let (tokens, channels, taps) = size
    let (x, w) = (random.normals(tokens * channels), random.normals(channels * taps))
    let (b, dy) = (random.normals(channels), random.normals(tokens * channels))
    func loss(_ x: [Double], _ w: [Double], _ b: [Double]) -> Double {
      var total = 0.0
      for token in 0..<tokens {
        for channel in 0..<channels {
          var sum = b[channel]
          for tap in max(0, taps - 1 - token)..<taps {
            sum += w[channel * taps + tap] * x[(token + tap - taps + 1) * channels + channel]
          }
          total += Self.silu(sum) * Double(dy[token * channels + channel])
        }
      }
      return total
    }
    let (wideX, wideW, wideB) = (x.map(Double.init), w.map(Double.init), b.map(Double.init))
    var (dw, db) = (
      [Float](repeating: 0, count: w.count), [Float](repeating: 0, count: channels)
    )
    let dx = filled(x.count) {
      kernels.causal_convolution_silu_gradient(
        $0, &dw, &db, x, w, b, dy, tokens, channels, taps)
    }
    Self.expect(dx, Self.differences(x) { loss($0, wideW, wideB) })
    Self.expect(dw, Self.differences(w) { loss(wideX, $0, wideB) })
    Self.expect(db, Self.differences(b) { loss(wideX, wideW, $0) })
  }

  @Test(arguments: InstructionSet.all, [(1, 1), (3, 15), (2, 40)])
  func `divergence`(set: InstructionSet, size: (rows: Int, columns: Int)) throws {
    let kernels = try set.kernels
    var random = Seeded(size.columns)
    for _ in 0..<size.rows {
      let (logits, other) = (random.normals(size.columns), random.normals(size.columns))
      func logarithms(_ row: [Double]) -> [Double] {
        let total = log(row.reduce(0) { $0 + exp($1) })
        return row.map { $0 - total }
      }
      let p = logarithms(other.map(Double.init)).map { Float($0) }
      let q = logarithms(logits.map(Double.init)).map { Float($0) }
      func loss(_ logits: [Double]) -> Double {
        zip(p, logarithms(logits)).reduce(0) {
          $0 + exp(Double($1.0)) * (Double($1.0) - $1.1)
        }
      }
      var value = 0.0
      let found = filled(size.columns) {
        value = kernels.divergence_gradient($0, q, p, 0.5, size.columns)
      }
      let truth = loss(logits.map(Double.init))
      #expect(abs(value - truth) < 1e-6 * (1 + abs(truth)))
      Self.expect(found, Self.differences(logits) { 0.5 * loss($0) })
    }
  }

  @Test func `a reference without probability for a token asks nothing of it`() throws {
    for set in InstructionSet.all {
      let kernels = try set.kernels
      let (p, q): ([Float], [Float]) = ([-.infinity, 0], [-2, -0.145_413_46])
      let found = filled(2) {
        #expect(abs(kernels.divergence_gradient($0, q, p, 1, 2) - 0.145_413_46) < 1e-6)
      }
      #expect(abs(found[0] - exp(-2)) < 1e-6)
    }
  }
}
