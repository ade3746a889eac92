import Quant
import TestSupport
import Testing

/// The search of `q4` against exhaustive ones.
@Suite struct SuperBlockSearchTests {
  /// Kinds of groups: usual weights, one that stands out, few values, all of one sign.
  enum Kind: CaseIterable {
    case normal, outlier, sparse, positive

    func group(_ seed: UInt64, count: Int) -> [Float] {
      var values = [Float].noise(count, seed: seed, deviation: 0.05)
      switch self {
      case .normal: break
      case .outlier: values[Int(seed) % count] *= 8
      case .sparse: for index in values.indices where index % 4 != 0 { values[index] = 0 }
      case .positive: values = values.map(abs)
      }
      return values
    }
  }

  private func error(_ values: [Float], step: Double) -> Double {
    values.reduce(0) { sum, value in
      let code = (Double(value) / step).rounded(.toNearestOrEven)
      let difference = Double(value) - min(max(code, -8), 7) * step
      return sum + difference * difference
    }
  }

  private func encodedError(_ values: [Float]) throws -> Double {
    let matrix = Matrix(rows: 1, columns: values.count, values: values)
    let expanded = try EncodedMatrix(matrix, encoding: SuperBlockEncoding()).expanded().values
    return zip(values, expanded).reduce(0) { sum, pair in
      sum + (Double(pair.0) - Double(pair.1)) * (Double(pair.0) - Double(pair.1))
    }
  }

  /// The least error over 20,000 steps from half to one and a half of what reaches the largest weight, of both signs.
  private func bestError(_ values: [Float]) -> Double {
    let largest = values.reduce(0.0) { max($0, abs(Double($1))) }
    return (0..<10_000).reduce(.infinity) { best, index in
      let step = largest / 7.5 * (0.5 + Double(index) / 10_000)
      return min(best, error(values, step: step), error(values, step: -step))
    }
  }

  @Test(arguments: Kind.allCases)
  func `a group is within one per cent of the best step`(kind: Kind) throws {
    var found = 0.0
    var best = 0.0
    var worst = 0.0
    for seed in 1...60 as ClosedRange<UInt64> {
      let values = kind.group(seed, count: [16, 16, 5, 2][Int(seed % 4)])
      let (own, least) = (try encodedError(values), bestError(values))
      found += own
      best += least
      worst = max(worst, own / least)
    }
    #expect(found <= 1.01 * best, "\(found / best) of the best, worst group \(worst)")
  }

  @Test(arguments: Kind.allCases)
  func `a group is never worse than rounding by its largest weight`(kind: Kind) throws {
    var worst = 0.0
    for seed in 1...500 as ClosedRange<UInt64> {
      let values = kind.group(seed, count: 16)
      let largest = values.reduce(0.0) { max($0, abs(Double($1))) }
      worst = max(worst, try encodedError(values) / error(values, step: largest / 7))
    }
    // The best step may be that one; in half precision, a relative 2⁻¹² away, it costs a little.
    #expect(worst <= 1.0001, "\(worst) times the error")
  }

  @Test(arguments: Kind.allCases)
  func `a super-block is better than rounding each group by its largest weight`(
    kind: Kind
  ) throws {
    for seed in 1...40 as ClosedRange<UInt64> {
      let values = kind.group(seed, count: 256)
      let plain = stride(from: 0, to: 256, by: 16).reduce(0.0) { sum, start in
        let group = Array(values[start..<start + 16])
        let largest = group.reduce(0.0) { max($0, abs(Double($1))) }
        return largest == 0 ? sum : sum + error(group, step: largest / 7)
      }
      let own = try encodedError(values)
      // Sub-scales of six bits under a common half cost less than the search gains.
      #expect(own <= plain, "seed \(seed): \(own / plain)")
    }
  }

  @Test func `the code that has no positive twin is used`() throws {
    // Eight steps down and up: only a negative sub-scale reaches +8.
    for sign in [Float(1), -1] {
      let values = (0..<16).map { sign * (8 - Float($0)) }
      let matrix = Matrix(rows: 1, columns: 16, values: values)
      let expanded = try EncodedMatrix(matrix, encoding: SuperBlockEncoding()).expanded().values
      // The step is a product of a half and at most 31: relative precision 2⁻¹¹.
      #expect(Difference(expanded, from: values).largest <= 0x1p-11)
    }
  }
}
