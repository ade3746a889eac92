import CKernels

/// Symmetric codes with one half-precision scale for each row and group of columns.
///
/// `weight = scale · code`, with `scale = max|weight| / largestCode` and codes rounded to nearest. A last group may
/// be short. Codes take a byte each in a pack, where those of fewer than eight bits shrink to about their entropy, and
/// eight or six bits in memory. Planes: `codes`, int8 `[rows, columns]`, and `scales`, half `[rows, ⌈columns / groupSize⌉]`.
public struct GroupEncoding: Encoding, TileProduct {
  /// Group sizes that are offered; all divide into whole vectors.
  public static let groupSizes = [16, 32, 64, 128, 256]
  /// The group size that a bare `q8` or `q6` means.
  public static let defaultGroupSize = 64
  /// Code widths that are offered.
  public static let widths = [5, 6, 8]

  /// Bits of a code.
  public let bits: Int
  /// Columns that share a scale.
  public let groupSize: Int

  /// Describes codes of `bits` bits.
  public init(bits: Int, groupSize: Int = GroupEncoding.defaultGroupSize) {
    self.bits = bits
    self.groupSize = groupSize
  }

  /// Whether codes take a byte in memory.
  private var isWide: Bool { bits > 6 }

  /// The largest code; −largestCode is the smallest.
  var largestCode: Int { 1 << (bits - 1) - 1 }

  /// `q8`, or `q8g32` when the group size is not the usual one.
  public var name: String {
    groupSize == Self.defaultGroupSize ? "q\(bits)" : "q\(bits)g\(groupSize)"
  }

  /// `codes` and `scales`.
  public var planes: [PlaneLayout] {
    [
      PlaneLayout("codes", elementBytes: 1, tiling: isWide ? .codes : .sixes) { $0 },
      PlaneLayout("scales", elementBytes: 2, tiling: .halves) { [groupSize] in
        ($0 + groupSize - 1) / groupSize
      },
    ]
  }

  /// Rounds rows to codes.
  public func encode(_ values: [Float], rows: Int, columns: Int) throws(QuantError) -> [[UInt8]] {
    try requireRepresentable(values, columns: columns)
    var codes = [Int8](repeating: 0, count: values.count)
    var scales = [UInt16](
      repeating: 0, count: rows * ((columns + groupSize - 1) / groupSize))
    unsafe vk_q8_quantize(
      &codes, &scales, values, rows, columns, groupSize, Int32(largestCode))
    return unsafe [
      codes.withUnsafeBytes { unsafe Array($0) }, scales.withUnsafeBytes { unsafe Array($0) },
    ]
  }

  /// Multiplies codes by their scales.
  public func expand(
    _ matrix: EncodedMatrix, rows: Range<Int>, into output: UnsafeMutablePointer<Float>
  ) {
    let expand = unsafe isWide ? vk_q8_expand : vk_q6_expand
    unsafe expand(
      output, matrix.plane(0, as: UInt8.self), matrix.plane(1, as: UInt16.self), rows.lowerBound,
      rows.count, matrix.columns, groupSize)
  }

  /// See `Encoding`.
  public var product: EncodedProduct { .tiles(self) }

  /// See `TileProduct`.
  public var inputShape: RoundedInputs.Shape {
    let shared = min(groupSize, VK_SCALE_COLUMNS)
    return RoundedInputs.Shape(
      scaleColumns: shared, offsetColumns: shared, offset: isWide ? 128 : 32)
  }

  /// See `TileProduct`.
  public func multiply(
    _ matrix: EncodedMatrix, rows: Range<Int>, by inputs: RoundedInputs, token: Int, count: Int,
    into output: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let multiply = unsafe isWide ? vk_q8_multiply : vk_q6_multiply
    unsafe inputs.withInputs(from: token) { inputs in
      unsafe multiply(
        output, stride, matrix.plane(0, as: UInt8.self), matrix.plane(1, as: UInt16.self), inputs,
        count, rows.lowerBound, rows.count, matrix.columns, groupSize)
    }
  }
}

/// Refuses values that no scale can stand for.
func requireRepresentable(_ values: [Float], columns: Int, limit: Float) throws(QuantError) {
  guard unsafe vk_all_within(values, values.count, limit) == 0 else { return }
  for (index, value) in values.enumerated() where !(abs(value) <= limit) {
    let (row, column) = index.quotientAndRemainder(dividingBy: columns)
    guard value.isFinite else { throw .nonFinite(row: row, column: column) }
    throw .scaleOutOfRange(row: row, column: column, value: value, limit: limit)
  }
}
