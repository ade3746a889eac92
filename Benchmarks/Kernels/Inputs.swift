import Quant

extension Matrix {
  /// Numbers spread evenly between -1 and 1, the same ones every time.
  static func seeded(rows: Int, columns: Int) -> Matrix {
    var state: UInt64 = 1
    return Matrix(
      rows: rows, columns: columns,
      values: (0..<rows * columns).map { _ in
        // Knuth's linear congruential generator; its high bits are the better ones.
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648
      })
  }
}
