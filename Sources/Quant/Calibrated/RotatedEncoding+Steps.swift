/// Steps of rotated rows: whoever chooses codes rotates weights and inputs first.
extension RotatedEncoding: SteppedEncoding {
  /// See `SteppedEncoding`.
  public var codes: ClosedRange<Int> { base.codes }
  /// See `SteppedEncoding`.
  public var groupColumns: Int { base.groupColumns }
  /// See `SteppedEncoding`.
  public var blockColumns: Int { base.blockColumns }

  /// See `SteppedEncoding`.
  public func scales(
    for values: [Float], importance: [Float], rows: Int, columns: Int
  ) -> (scales: [UInt16], units: [Int8]) {
    base.scales(for: values, importance: importance, rows: rows, columns: columns)
  }

  /// See `SteppedEncoding`. A rotated weight is at most √128 times the largest of its block.
  public func requireRepresentable(_ values: [Float], columns: Int) throws(QuantError) {
    try Quant.requireRepresentable(
      values, columns: columns,
      limit: base.largestWeight / Float(BlockRotation.largestBlock).squareRoot())
  }

  /// See `SteppedEncoding`.
  public func planes(_ rows: SteppedRows) -> [[UInt8]] { base.planes(rows) }
}
