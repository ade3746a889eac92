import CKernels

/// Four-bit codes in groups of 16 columns, with 6-bit signed sub-scales under one half-precision scale for 256 columns.
///
/// `weight = superScale · subScale · code`, codes −8…7, sub-scales −31…31 and never 0 in a group that is not all zero.
/// The sign of the sub-scale is searched because −8 has no positive twin. About 4.4 bits a weight.
/// Planes: `codes`, two to a byte with `code + 8`, even column in the low half; `subScales`, int8; `superScales`, half.
/// A last group or super-block may be short.
public struct SuperBlockEncoding: Encoding, TileProduct {
  /// Columns of a group.
  public static let groupSize = 16
  /// Columns of a super-block.
  public static let superBlockSize = 256

  /// The encoding has no parameters.
  public init() {}

  /// `q4`.
  public var name: String { "q4" }

  /// `codes`, `subScales` and `superScales`.
  public var planes: [PlaneLayout] {
    [
      PlaneLayout("codes", elementBytes: 1, tiling: .nibbles) { ($0 + 1) / 2 },
      PlaneLayout("subScales", elementBytes: 1, tiling: .bytes) {
        ($0 + Self.groupSize - 1) / Self.groupSize
      },
      PlaneLayout("superScales", elementBytes: 2, tiling: .halves) {
        ($0 + Self.superBlockSize - 1) / Self.superBlockSize
      },
    ]
  }

  /// Searches scales and rounds.
  public func encode(_ values: [Float], rows: Int, columns: Int) throws(QuantError) -> [[UInt8]] {
    try requireRepresentable(values, columns: columns)
    let layouts = planes
    var codes = [UInt8](repeating: 0, count: rows * layouts[0].bytesPerRow(columns))
    var subScales = [Int8](repeating: 0, count: rows * layouts[1].bytesPerRow(columns))
    var superScales = [UInt16](repeating: 0, count: rows * layouts[2].bytesPerRow(columns) / 2)
    unsafe vk_q4_quantize(&codes, &subScales, &superScales, values, nil, rows, columns)
    return unsafe [
      codes, subScales.withUnsafeBytes { unsafe Array($0) },
      superScales.withUnsafeBytes { unsafe Array($0) },
    ]
  }

  /// Multiplies codes by their scales.
  public func expand(
    _ matrix: EncodedMatrix, rows: Range<Int>, into output: UnsafeMutablePointer<Float>
  ) {
    unsafe vk_q4_expand(
      output, matrix.plane(0, as: UInt8.self), matrix.plane(1, as: Int8.self),
      matrix.plane(2, as: UInt16.self), rows.lowerBound, rows.count, matrix.columns)
  }

  /// See `Encoding`.
  public var product: EncodedProduct { .tiles(self) }

  /// See `TileProduct`.
  public var inputShape: RoundedInputs.Shape {
    RoundedInputs.Shape(
      scaleColumns: VK_SCALE_COLUMNS, offsetColumns: Self.groupSize, offset: 8)
  }

  /// See `TileProduct`.
  public func multiply(
    _ matrix: EncodedMatrix, rows: Range<Int>, by inputs: RoundedInputs, token: Int, count: Int,
    into output: UnsafeMutablePointer<Float>, stride: Int
  ) {
    unsafe inputs.withInputs(from: token) { inputs in
      unsafe vk_q4_multiply(
        output, stride, matrix.plane(0, as: UInt8.self), matrix.plane(1, as: Int8.self),
        matrix.plane(2, as: UInt16.self), inputs, count, rows.lowerBound, rows.count,
        matrix.columns)
    }
  }
}
