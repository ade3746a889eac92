import CKernels

/// Weights as floating-point numbers: one plane `values`, little-endian.
public enum FloatEncoding: String, Encoding, RowProduct, CaseIterable {
  /// IEEE single precision.
  case f32
  /// IEEE half precision.
  case f16
  /// The upper half of a single.
  case bf16

  /// `f32`, `f16` or `bf16`.
  public var name: String { rawValue }

  /// See `Encoding`.
  public var isElementwise: Bool { true }

  private var elementBytes: Int { self == .f32 ? 4 : 2 }

  /// One plane, `values`.
  public var planes: [PlaneLayout] {
    [PlaneLayout("values", elementBytes: elementBytes) { $0 }]
  }

  /// The largest finite value, and the bits that are all set in an infinity.
  private var range: (largest: Float, infinity: UInt16) {
    self == .f16 ? (65504, 0x7c00) : (0x1.fep127, 0x7f80)
  }

  /// Rounds to nearest, ties to even. Finite values that would become infinite are refused.
  public func encode(_ values: [Float], rows: Int, columns: Int) throws(QuantError) -> [[UInt8]] {
    guard self != .f32 else { return [bytes(of: values)] }
    var narrowed = [UInt16](repeating: 0, count: values.count)
    if self == .f16 {
      unsafe vk_narrow_f16(&narrowed, values, values.count)
    } else {
      unsafe vk_narrow_bf16(&narrowed, values, values.count)
    }
    let (largest, infinity) = range
    for (index, code) in narrowed.enumerated() where code & 0x7fff == infinity {
      guard values[index].isFinite else { continue }
      throw .scaleOutOfRange(
        row: index / columns, column: index % columns, value: values[index], limit: largest)
    }
    return [bytes(of: narrowed)]
  }

  private func bytes<Element>(of values: [Element]) -> [UInt8] {
    unsafe values.withUnsafeBytes { unsafe Array($0) }
  }

  /// Widens rows; exact.
  public func expand(
    _ matrix: EncodedMatrix, rows: Range<Int>, into output: UnsafeMutablePointer<Float>
  ) {
    let count = rows.count * matrix.columns
    switch self {
    case .f32:
      unsafe output.update(from: matrix.row(rows.lowerBound, as: Float.self), count: count)
    case .f16:
      unsafe vk_widen_f16(output, matrix.row(rows.lowerBound, as: UInt16.self), count)
    case .bf16:
      unsafe vk_widen_bf16(output, matrix.row(rows.lowerBound, as: UInt16.self), count)
    }
  }

  /// See `Encoding`.
  public var product: EncodedProduct { .rows(self) }

  /// Multiplies rows by a vector in single precision.
  public func multiply(
    _ matrix: EncodedMatrix, rows: Range<Int>, by vector: UnsafePointer<Float>,
    into output: UnsafeMutablePointer<Float>
  ) {
    switch self {
    case .f32:
      unsafe vk_f32_matvec(
        output, matrix.row(rows.lowerBound, as: Float.self), vector, rows.count, matrix.columns)
    case .f16:
      unsafe vk_f16_matvec(
        output, matrix.row(rows.lowerBound, as: UInt16.self), vector, rows.count, matrix.columns)
    case .bf16:
      unsafe vk_bf16_matvec(
        output, matrix.row(rows.lowerBound, as: UInt16.self), vector, rows.count, matrix.columns)
    }
  }
}
