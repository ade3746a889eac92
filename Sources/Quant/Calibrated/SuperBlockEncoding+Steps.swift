import CKernels

extension SuperBlockEncoding: SteppedEncoding {
  /// See `SteppedEncoding`.
  public var codes: ClosedRange<Int> { -8...7 }
  /// See `SteppedEncoding`.
  public var groupColumns: Int { Self.groupSize }
  /// See `SteppedEncoding`.
  public var blockColumns: Int { Self.superBlockSize }

  /// Searches super-scales and sub-scales.
  public func scales(
    for values: [Float], importance: [Float], rows: Int, columns: Int
  ) -> (scales: [UInt16], units: [Int8]) {
    var codes = [UInt8](repeating: 0, count: rows * ((columns + 1) / 2))
    var units = [Int8](
      repeating: 0, count: rows * ((columns + Self.groupSize - 1) / Self.groupSize))
    var scales = [UInt16](repeating: 0, count: rows)
    unsafe vk_q4_quantize(&codes, &units, &scales, values, importance, rows, columns)
    return (scales, units)
  }

  /// What the largest scales make of the largest code.
  var largestWeight: Float { 65504 * 31 * 7 }

  /// See `SteppedEncoding`.
  public func requireRepresentable(_ values: [Float], columns: Int) throws(QuantError) {
    try Quant.requireRepresentable(values, columns: columns, limit: largestWeight)
  }

  /// See `SteppedEncoding`.
  public func planes(_ rows: SteppedRows) -> [[UInt8]] {
    unsafe [
      nibbles(rows.codes, columns: rows.columns),
      rows.units.withUnsafeBytes { unsafe Array($0) },
      rows.scales.withUnsafeBytes { unsafe Array($0) },
    ]
  }

  /// Two codes to a byte, the even column in the low half; an unused half holds the code 0.
  private func nibbles(_ codes: [Int8], columns: Int) -> [UInt8] {
    var bytes = [UInt8]()
    bytes.reserveCapacity((codes.count + 1) / 2)
    for start in stride(from: 0, to: codes.count, by: max(1, columns)) {
      for column in stride(from: start, to: start + columns, by: 2) {
        let low = UInt8(codes[column] + 8)
        let high = column + 1 < start + columns ? UInt8(codes[column + 1] + 8) : 8
        bytes.append(low | high << 4)
      }
    }
    return bytes
  }
}
