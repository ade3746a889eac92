/// An encoding whose scales can be multiplied by factors close to one while its codes stay.
public protocol RescalableEncoding: SteppedEncoding {
  /// The plane of the scales, halves: one for each row and block of `blockColumns` columns.
  var scalePlane: Int { get }
  /// The plane of the factors of columns, halves, if there is one.
  var columnStepPlane: Int? { get }
  /// Significant bits of a scale that was multiplied; fewer take less room in a compressed pack.
  var scaleBits: Int { get }
}

extension RescalableEncoding {
  /// Whether columns have factors of their own, for all rows.
  public var hasColumnSteps: Bool { columnStepPlane != nil }

  /// Scales of a row.
  public func blocks(columns: Int) -> Int {
    columns / blockColumns + (columns.isMultiple(of: blockColumns) ? 0 : 1)
  }

  /// The planes with other scales and the same codes.
  ///
  /// - Parameters:
  ///   - factors: what each scale is multiplied by, `[rows, blocks]`.
  ///   - columnFactors: what each column step is multiplied by; empty if there are none.
  public func rescaled(
    _ planes: [[UInt8]], factors: [Float], columnFactors: [Float]
  ) -> [[UInt8]] {
    var planes = planes
    planes[scalePlane] = Self.multiplied(planes[scalePlane], by: factors, bits: scaleBits)
    if let columnStepPlane {
      planes[columnStepPlane] = Self.multiplied(
        planes[columnStepPlane], by: columnFactors, bits: Float16.significandBitCount + 1)
    }
    return planes
  }

  /// Halves multiplied and rounded to some significant bits. What is not multiplied, or would be infinite, stays as it was.
  private static func multiplied(_ halves: [UInt8], by factors: [Float], bits: Int) -> [UInt8] {
    var result = [UInt8]()
    result.reserveCapacity(halves.count)
    let dropped = Float16.significandBitCount + 1 - bits
    let half = UInt16((1 << dropped) / 2)
    for (index, factor) in factors.enumerated() {
      let old = UInt16(halves[2 * index]) | UInt16(halves[2 * index + 1]) << 8
      let value = Float16(Float(Float16(bitPattern: old)) * factor)
      let rounded = ((value.bitPattern &+ half) >> dropped) << dropped
      let isUsable = factor != 1 && value.isFinite && Float16(bitPattern: rounded).isFinite
      let new = isUsable ? rounded : old
      result.append(UInt8(truncatingIfNeeded: new))
      result.append(UInt8(truncatingIfNeeded: new >> 8))
    }
    return result
  }
}

extension EntropyEncoding: RescalableEncoding {
  /// See `RescalableEncoding`.
  public var scalePlane: Int { 1 }
  /// See `RescalableEncoding`.
  public var columnStepPlane: Int? { 2 }
  /// Within 0.2 %.
  public var scaleBits: Int { 8 }
}

extension GroupEncoding: RescalableEncoding {
  /// See `RescalableEncoding`.
  public var scalePlane: Int { 1 }
  /// None.
  public var columnStepPlane: Int? { nil }
  /// All of a half.
  public var scaleBits: Int { 11 }
}

extension SuperBlockEncoding: RescalableEncoding {
  /// See `RescalableEncoding`.
  public var scalePlane: Int { 2 }
  /// None.
  public var columnStepPlane: Int? { nil }
  /// All of a half.
  public var scaleBits: Int { 11 }
}
