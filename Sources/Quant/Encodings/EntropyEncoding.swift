import CKernels
import Foundation

/// Codes on a uniform grid whose step is fine, with one scale for each row and one step for each column.
///
/// `weight = rowScale · code · columnStep`. Codes take a byte in memory, and about their entropy in a pack: at equal bytes
/// of the file a fine uniform grid with entropy coding loses least (Gish and Pierce, 1968). Planes: `codes`, int8
/// `[rows, columns]`; `rowScales`, half `[rows]`; `columnSteps`, half `[columns]`, for all rows. Column steps come from
/// calibration (WaterSIC, arXiv:2603.04956); this encoder, which sees weights alone, makes them 1.
public struct EntropyEncoding: Encoding, TileProduct {
  /// The bits of a code that are offered, in thousandths.
  public static let thousandths = 2000...7000

  /// Thousandths of a bit that a code takes, about.
  public let thousandths: Int
  /// The step of the grid, in units of the root mean square of a row.
  let step: Float

  /// Describes codes that take about so many thousandths of a bit each once they are compressed; the nearest offered.
  ///
  /// This is the entropy of normal weights on a fine grid; heavier tails take less. It is a property of what
  /// is written and not of its layout: whoever reads needs not know it.
  public init(thousandths: Int = 4000) {
    let offered = Self.thousandths
    self.thousandths = min(max(thousandths, offered.lowerBound), offered.upperBound)
    // The entropy of a normal distribution is log2(√(2πe)) bits above that of its step.
    step = Float(
      (2 * .pi * exp(1)).squareRoot() * exp2(-Double(self.thousandths) / 1000))
  }

  /// The tier of that name: `e4`, `e3.5` and `e3.525` are so many bits a code, without zeros at the end.
  public init?(tier name: String) {
    guard name.count <= 6, name.first == "e", let bits = Double(name.dropFirst()),
      (1...10).contains(bits)
    else { return nil }
    self.init(thousandths: Int((bits * 1000).rounded()))
    guard tier == name else { return nil }
  }

  /// The name of the tier.
  public var tier: String {
    let (bits, rest) = thousandths.quotientAndRemainder(dividingBy: 1000)
    guard rest > 0 else { return "e\(bits)" }
    let digits = String(1000 + rest).dropFirst()
    return "e\(bits)." + digits.prefix(through: digits.lastIndex { $0 != "0" } ?? digits.startIndex)
  }

  /// `e`, whatever the step.
  public var name: String { "e" }

  /// `codes`, `rowScales` and `columnSteps`.
  public var planes: [PlaneLayout] {
    [
      PlaneLayout("codes", elementBytes: 1, tiling: .codes, isUneven: true) { $0 },
      PlaneLayout("rowScales", elementBytes: 2, tiling: .halves) { _ in 1 },
      PlaneLayout(shared: "columnSteps", elementBytes: 2),
    ]
  }

  /// Rounds rows to codes. The step of a row grows where its largest weight would have a code above 127.
  public func encode(_ values: [Float], rows: Int, columns: Int) throws(QuantError) -> [[UInt8]] {
    try Quant.requireRepresentable(values, columns: columns, limit: 65504 * 127)
    var codes = [Int8](repeating: 0, count: values.count)
    var scales = [UInt16](repeating: 0, count: rows)
    unsafe vk_e_quantize(&codes, &scales, values, rows, columns, step)
    let steps = [UInt16](repeating: Float16(1).bitPattern, count: rows == 0 ? 0 : columns)
    return unsafe [
      codes.withUnsafeBytes { unsafe Array($0) }, scales.withUnsafeBytes { unsafe Array($0) },
      steps.withUnsafeBytes { unsafe Array($0) },
    ]
  }

  /// The columns that share a scale in kernels that take groups: all of a row.
  private func wholeRow(_ columns: Int) -> Int {
    max(1, (columns + VK_SCALE_COLUMNS - 1) / VK_SCALE_COLUMNS) * VK_SCALE_COLUMNS
  }

  /// Multiplies codes by the scale of their row, then by the step of their column.
  public func expand(
    _ matrix: EncodedMatrix, rows: Range<Int>, into output: UnsafeMutablePointer<Float>
  ) {
    unsafe vk_q8_expand(
      output, matrix.plane(0, as: UInt8.self), matrix.plane(1, as: UInt16.self), rows.lowerBound,
      rows.count, matrix.columns, wholeRow(matrix.columns))
    unsafe vk_multiply_columns(
      output, output, matrix.plane(2, as: UInt16.self), rows.count, matrix.columns)
  }

  /// See `Encoding`.
  public var product: EncodedProduct { .tiles(self) }

  /// See `TileProduct`.
  public var inputShape: RoundedInputs.Shape {
    RoundedInputs.Shape(
      scaleColumns: VK_SCALE_COLUMNS, offsetColumns: VK_SCALE_COLUMNS, offset: 128)
  }

  /// See `TileProduct`.
  public func columnSteps(of matrix: EncodedMatrix) -> ColumnSteps? {
    ColumnSteps(matrix.storage[2])
  }

  /// See `TileProduct`.
  public func multiply(
    _ matrix: EncodedMatrix, rows: Range<Int>, by inputs: RoundedInputs, token: Int, count: Int,
    into output: UnsafeMutablePointer<Float>, stride: Int
  ) {
    unsafe inputs.withInputs(from: token) { inputs in
      unsafe vk_q8_multiply(
        output, stride, matrix.plane(0, as: UInt8.self), matrix.plane(1, as: UInt16.self), inputs,
        count, rows.lowerBound, rows.count, matrix.columns, wholeRow(matrix.columns))
    }
  }
}
