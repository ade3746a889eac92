/// A weight matrix `[rows, columns]` in some encoding.
public struct EncodedMatrix: Sendable {
  /// How the planes are to be read.
  public let encoding: any Encoding
  /// Number of rows (outputs).
  public let rows: Int
  /// Number of columns (inputs).
  public let columns: Int
  /// The bytes of every plane of the encoding.
  public let planes: [[UInt8]]

  /// Wraps planes.
  ///
  /// - Precondition: every plane has `rows` times the bytes that its layout takes for a row.
  public init(encoding: any Encoding, rows: Int, columns: Int, planes: [[UInt8]]) {
    precondition(
      zip(encoding.planes, planes).allSatisfy { $1.count == $0.bytesPerRow(columns) * rows }
        && planes.count == encoding.planes.count,
      "planes must have the size that their encoding gives")
    self.encoding = encoding
    self.rows = rows
    self.columns = columns
    self.planes = planes
  }

  /// Encodes a matrix.
  public init(_ matrix: Matrix, encoding: any Encoding) throws(QuantError) {
    self.init(
      encoding: encoding, rows: matrix.rows, columns: matrix.columns,
      planes: try encoding.encode(matrix.values, rows: matrix.rows, columns: matrix.columns))
  }

  /// The values of some rows: `[rows.count, columns]`.
  ///
  /// - Precondition: the range lies inside the matrix.
  public func expanded(rows range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows outside the matrix")
    let values = unsafe [Float](unsafeUninitializedCapacity: range.count * columns) {
      buffer, count in
      if let start = buffer.baseAddress {
        unsafe encoding.expand(self, rows: range, into: start)
      }
      count = range.count * columns
    }
    return Matrix(rows: range.count, columns: columns, values: values)
  }

  /// All values.
  public func expanded() -> Matrix { expanded(rows: 0..<rows) }

  /// A copy of some rows, still encoded.
  ///
  /// - Precondition: the range lies inside the matrix.
  public func rows(_ range: Range<Int>) -> EncodedMatrix {
    EncodedMatrix(
      encoding: encoding, rows: range.count, columns: columns,
      planes: zip(encoding.planes, planes).map { layout, plane in
        let stride = layout.bytesPerRow(columns)
        return Array(plane[range.lowerBound * stride..<range.upperBound * stride])
      })
  }

  /// Bytes in memory.
  public var byteCount: Int { planes.reduce(0) { $0 + $1.count } }

  /// Calls `body` with the address of a row in a plane, read as elements of `Element`.
  ///
  /// Planes of wider elements are arrays of whole elements and their storage is aligned to 16 bytes.
  func withPlane<Element, Result>(
    _ plane: Int, row: Int, as element: Element.Type,
    _ body: (UnsafePointer<Element>) -> Result
  ) -> Result {
    let stride = encoding.planes[plane].bytesPerRow(columns)
    return unsafe planes[plane].withUnsafeBytes { bytes in
      // An empty plane has no address; kernels then read nothing from it.
      let start = unsafe bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped
      return unsafe body((start + row * stride).assumingMemoryBound(to: Element.self))
    }
  }
}
