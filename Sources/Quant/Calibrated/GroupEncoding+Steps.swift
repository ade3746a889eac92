import CKernels

extension GroupEncoding: SteppedEncoding {
  /// See `SteppedEncoding`.
  public var codes: ClosedRange<Int> { -largestCode...largestCode }
  /// See `SteppedEncoding`.
  public var groupColumns: Int { groupSize }
  /// See `SteppedEncoding`.
  public var blockColumns: Int { groupSize }

  /// Searches a scale for each row; units are 1.
  public func scales(
    for values: [Float], importance: [Float], rows: Int, columns: Int
  ) -> (scales: [UInt16], units: [Int8]) {
    var scales = [UInt16](repeating: 0, count: rows)
    unsafe vk_q8_scales(
      &scales, values, importance, rows, columns, groupSize, Int32(largestCode))
    return (scales, [Int8](repeating: 1, count: rows))
  }

  /// See `SteppedEncoding`.
  public func requireRepresentable(_ values: [Float], columns: Int) throws(QuantError) {
    try Quant.requireRepresentable(values, columns: columns, limit: 65504 * Float(largestCode))
  }

  /// See `SteppedEncoding`.
  public func planes(_ rows: SteppedRows) -> [[UInt8]] {
    unsafe [
      rows.codes.withUnsafeBytes { unsafe Array($0) },
      rows.scales.withUnsafeBytes { unsafe Array($0) },
    ]
  }
}
