import CKernels

/// Numbers on a grid that is the same for all of them, `value = code · 2^(−fractionBits)`.
///
/// For parameters that are few but whose values no row has in common, such as decays and biases: a float spends 24 bits
/// where a few matter, and what is left of them when a pack is compressed is about the entropy of the codes. Plane:
/// `codes`, 32 bits `[rows, columns]`, the sign in the lowest bit (0, −1, 1, −2, …), so that upper bytes are zeros.
public struct FixedPointEncoding: Encoding, RowProduct {
  /// The numbers of bits behind the point that are offered.
  public static let offered = 4...14

  /// Bits behind the point.
  public let fractionBits: Int

  /// Describes numbers with so many bits behind the point.
  public init(fractionBits: Int) { self.fractionBits = fractionBits }

  /// `fixed8` for eight bits.
  public var name: String { "fixed\(fractionBits)" }

  /// One plane, `codes`.
  public var planes: [PlaneLayout] { [PlaneLayout("codes", elementBytes: 4) { $0 }] }

  /// See `Encoding`.
  public var isElementwise: Bool { true }

  private var unit: Float { Float(sign: .plus, exponent: -fractionBits, significand: 1) }

  /// Rounds to nearest, ties to even.
  public func encode(_ values: [Float], rows: Int, columns: Int) throws(QuantError) -> [[UInt8]] {
    // Floats of 2³⁰ and less have codes of 31 bits and a sign.
    try requireRepresentable(values, columns: columns, limit: 0x1p30 * unit)
    let codes = values.map { value in
      let code = Int32((value / unit).rounded(.toNearestOrEven))
      return UInt32(bitPattern: code << 1 ^ code >> 31)
    }
    return [unsafe codes.withUnsafeBytes { unsafe Array($0) }]
  }

  /// Multiplies codes by their unit.
  public func expand(
    _ matrix: EncodedMatrix, rows: Range<Int>, into output: UnsafeMutablePointer<Float>
  ) {
    let codes = unsafe matrix.row(rows.lowerBound, as: UInt32.self)
    for index in 0..<rows.count * matrix.columns {
      let code = unsafe codes[index]
      let number = Int32(bitPattern: code >> 1) ^ -Int32(bitPattern: code & 1)
      unsafe output[index] = Float(number) * unit
    }
  }

  /// See `Encoding`.
  public var product: EncodedProduct { .rows(self) }

  /// Multiplies rows by a vector in single precision.
  public func multiply(
    _ matrix: EncodedMatrix, rows: Range<Int>, by vector: UnsafePointer<Float>,
    into output: UnsafeMutablePointer<Float>
  ) {
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: matrix.columns) { values in
      guard let values = values.baseAddress else { return }
      for (index, row) in rows.enumerated() {
        unsafe expand(matrix, rows: row..<row + 1, into: values)
        unsafe vk_f32_matvec(output + index, values, vector, 1, matrix.columns)
      }
    }
  }
}
