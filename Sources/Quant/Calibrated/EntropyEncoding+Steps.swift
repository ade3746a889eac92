import CKernels

extension EntropyEncoding: SteppedEncoding {
  /// See `SteppedEncoding`.
  public var codes: ClosedRange<Int> { -127...127 }
  /// More than any row has.
  public var groupColumns: Int { 1 << 40 }
  /// More than any row has.
  public var blockColumns: Int { 1 << 40 }

  /// A scale for each row, as without calibration; units are 1.
  public func scales(
    for values: [Float], importance: [Float], rows: Int, columns: Int
  ) -> (scales: [UInt16], units: [Int8]) {
    (
      rowScales(values, rows: rows, columns: columns, factors: nil),
      [Int8](repeating: 1, count: rows)
    )
  }

  /// The step of each row times its factor, and more where its largest weight would have a code above 127.
  func rowScales(_ values: [Float], rows: Int, columns: Int, factors: [Float]?) -> [UInt16] {
    let wanted = (0..<rows).map { row in
      let weights = values[row * columns..<(row + 1) * columns]
      let square = weights.reduce(0.0) { $0 + Double($1) * Double($1) }
      let largest = weights.reduce(0) { max($0, abs($1)) }
      let deviation = Float((square / Double(max(1, columns))).squareRoot())
      return max(step * deviation * (factors?[row] ?? 1), largest / Self.usualLimit)
    }
    var scales = [UInt16](repeating: 0, count: rows)
    unsafe vk_coarse_halves(&scales, wanted, rows)
    return scales
  }

  /// Codes of weights before they are compensated; what feedback adds has room up to 127.
  private static let usualLimit: Float = 118

  /// See `SteppedEncoding`.
  public func requireRepresentable(_ values: [Float], columns: Int) throws(QuantError) {
    try Quant.requireRepresentable(values, columns: columns, limit: 65504 * Self.usualLimit)
  }

  /// With column steps of 1.
  public func planes(_ rows: SteppedRows) -> [[UInt8]] {
    planes(rows, columnSteps: [UInt16](repeating: Float16(1).bitPattern, count: rows.columns))
  }

  func planes(_ rows: SteppedRows, columnSteps: [UInt16]) -> [[UInt8]] {
    unsafe [
      rows.codes.withUnsafeBytes { unsafe Array($0) },
      rows.scales.withUnsafeBytes { unsafe Array($0) },
      columnSteps.withUnsafeBytes { unsafe Array($0) },
    ]
  }
}
