/// A way to keep a weight matrix in bytes.
///
/// Rows are encoded independently of each other, so a matrix may be encoded in blocks of rows, on any number of
/// threads, and gives the same bytes. A plane holds the same number of bytes for each row, or belongs to all of them.
public protocol Encoding: Sendable {
  /// The name in recipes and packs; never reused for another layout.
  var name: String { get }

  /// The planes, in the order that `encode` returns them.
  var planes: [PlaneLayout] { get }

  /// Encodes `rows` rows of `columns` values, row-major.
  ///
  /// - Returns: the bytes of every plane; a shared plane is the same whatever the rows, unless there are none.
  func encode(_ values: [Float], rows: Int, columns: Int) throws(QuantError) -> [[UInt8]]

  /// Writes the values of some rows to `output`, row-major, `rows.count * columns` of them.
  func expand(_ matrix: EncodedMatrix, rows: Range<Int>, into output: UnsafeMutablePointer<Float>)

  /// Whether every element is encoded by itself, so that a tensor may be read in any shape, and parameters that are no
  /// matrix may be encoded.
  var isElementwise: Bool { get }

  /// What is done to inputs of so many columns before they are multiplied by tiles, if anything; stored rows are rotated
  /// alike.
  func rotation(columns: Int) -> BlockRotation?

  /// How products with the encoding's matrices are computed.
  var product: EncodedProduct { get }
}

/// The two ways to multiply an encoded matrix.
public enum EncodedProduct: Sendable {
  /// Row by row, with floats.
  case rows(any RowProduct)
  /// In tiles of 16 rows, with inputs as bytes.
  case tiles(any TileProduct)
}

/// An encoding whose rows are multiplied by floats.
public protocol RowProduct: Sendable {
  /// Multiplies some rows by a vector of `matrix.columns` values; writes `rows.count` results.
  func multiply(
    _ matrix: EncodedMatrix, rows: Range<Int>, by vector: UnsafePointer<Float>,
    into output: UnsafeMutablePointer<Float>)
}

/// An encoding whose tiles are multiplied by inputs as bytes.
public protocol TileProduct: Sendable {
  /// What the kernels expect of the inputs.
  var inputShape: RoundedInputs.Shape { get }

  /// What inputs are multiplied by before they are rounded, if anything.
  func columnSteps(of matrix: EncodedMatrix) -> ColumnSteps?

  /// Multiplies some rows, the first of which is the first of a tile, by `count` rows of inputs from that of
  /// `token` on, a multiple of eight as the end of the range is, unless it is the end of the inputs. The results of
  /// an input row lie together, `stride` from one input row to the next.
  func multiply(
    _ matrix: EncodedMatrix, rows: Range<Int>, by inputs: RoundedInputs, token: Int, count: Int,
    into output: UnsafeMutablePointer<Float>, stride: Int)
}

extension TileProduct {
  /// Nothing.
  public func columnSteps(of matrix: EncodedMatrix) -> ColumnSteps? { nil }
}

extension Encoding {
  /// Elements of a row share scales, unless an encoding says otherwise.
  public var isElementwise: Bool { false }

  /// None, unless an encoding says otherwise.
  public func rotation(columns: Int) -> BlockRotation? { nil }

  /// Bytes in memory that a matrix of this shape takes.
  public func byteCount(rows: Int, columns: Int) -> Int {
    planes.reduce(0) { $0 + $1.byteCount(rows: rows, columns: columns) }
  }

  /// Bits a weight takes in memory, scales included.
  public func bitsPerWeight(rows: Int, columns: Int) -> Double {
    Double(byteCount(rows: rows, columns: columns) * 8) / Double(max(1, rows * columns))
  }
}
