/// The codes of `q4` for a matrix whose inputs are rotated before the product: `W · Rᵀ` is stored.
///
/// For inputs of which a few are much larger than the others, such as those of output projections: rotated, they are
/// alike, and so are the weights of a group. The planes are those of `SuperBlockEncoding`; `R` is the `BlockRotation` for
/// the matrix's columns. Values that are read are turned back.
public struct RotatedEncoding: Encoding, TileProduct {
  let base = SuperBlockEncoding()

  /// The encoding has no parameters.
  public init() {}

  /// `q4h`, for Hadamard.
  public var name: String { "q4h" }

  /// See `SuperBlockEncoding`.
  public var planes: [PlaneLayout] { base.planes }

  /// See `Encoding`.
  public func rotation(columns: Int) -> BlockRotation? { BlockRotation(columns: columns) }

  /// Rotates rows and rounds them.
  public func encode(_ values: [Float], rows: Int, columns: Int) throws(QuantError) -> [[UInt8]] {
    try requireRepresentable(values, columns: columns)
    let matrix = Matrix(rows: rows, columns: columns, values: values)
    return try base.encode(
      BlockRotation(columns: columns).rotated(matrix).values, rows: rows, columns: columns)
  }

  /// Multiplies codes by their scales and turns rows back.
  public func expand(
    _ matrix: EncodedMatrix, rows: Range<Int>, into output: UnsafeMutablePointer<Float>
  ) {
    unsafe base.expand(matrix, rows: rows, into: output)
    unsafe BlockRotation(columns: matrix.columns).undo(output, rows: rows.count)
  }

  /// See `Encoding`.
  public var product: EncodedProduct { .tiles(self) }

  /// See `TileProduct`.
  public var inputShape: RoundedInputs.Shape { base.inputShape }

  /// See `TileProduct`; inputs are rotated.
  public func multiply(
    _ matrix: EncodedMatrix, rows: Range<Int>, by inputs: RoundedInputs, token: Int, count: Int,
    into output: UnsafeMutablePointer<Float>, stride: Int
  ) {
    unsafe base.multiply(
      matrix, rows: rows, by: inputs, token: token, count: count, into: output, stride: stride)
  }
}
