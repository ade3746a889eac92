/// A weight matrix `[rows, columns]` in some encoding, laid out in memory as products read it.
public struct EncodedMatrix: Sendable {
  /// How the planes are to be read.
  public let encoding: any Encoding
  /// Number of rows (outputs).
  public let rows: Int
  /// Number of columns (inputs).
  public let columns: Int
  let storage: [AlignedBytes]

  init(encoding: any Encoding, rows: Int, columns: Int, storage: [AlignedBytes]) {
    self.encoding = encoding
    self.rows = rows
    self.columns = columns
    self.storage = storage
  }

  /// Lays out planes that are in memory.
  ///
  /// - Parameter planes: the planes as they are stored, row after row.
  /// - Throws: an error if an element is not one that the encoding gives.
  /// - Precondition: every plane has the bytes that its layout states.
  public init(
    encoding: any Encoding, rows: Int, columns: Int, planes: [[UInt8]]
  ) throws(QuantError) {
    self = try Self.assembly(encoding: encoding, rows: rows, columns: columns, planes: planes)
      .finished()
  }

  private static func assembly(
    encoding: any Encoding, rows: Int, columns: Int, planes: [[UInt8]]
  ) -> MatrixAssembly {
    let assembly = MatrixAssembly(encoding: encoding, rows: rows, columns: columns)
    precondition(
      planes.map(\.count) == assembly.planeBytes,
      "planes must have the size that their encoding gives")
    for (index, plane) in planes.enumerated() {
      unsafe plane.withUnsafeBytes { unsafe assembly.write($0, plane: index, at: 0) }
    }
    return assembly
  }

  /// Encodes a matrix.
  public init(_ matrix: Matrix, encoding: any Encoding) throws(QuantError) {
    try self.init(
      encoding: encoding, rows: matrix.rows, columns: matrix.columns,
      planes: encoding.encode(matrix.values, rows: matrix.rows, columns: matrix.columns))
  }

  /// The bytes of every plane as they are stored, row after row.
  public var planes: [[UInt8]] { planes(rows: 0..<rows) }

  private func planes(rows range: Range<Int>) -> [[UInt8]] {
    zip(encoding.planes, storage).map { layout, bytes in
      let stride = layout.bytesPerRow(columns)
      return unsafe bytes.withBytes { bytes in
        if layout.isShared { return range.isEmpty ? [] : unsafe Array(bytes) }
        return range.flatMap {
          unsafe layout.tiling.row($0, of: bytes, columns: columns, bytesPerRow: stride)
        }
      }
    }
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
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows outside the matrix")
    guard range.lowerBound.isMultiple(of: PlaneTiling.stripe) else {
      return Self.assembly(
        encoding: encoding, rows: range.count, columns: columns, planes: planes(rows: range)
      ).assembled()
    }
    return EncodedMatrix(
      encoding: encoding, rows: range.count, columns: columns,
      storage: zip(encoding.planes, storage).map { layout, bytes in
        let part = layout.bytes(of: range, columns: columns)
        return AlignedBytes(bytes, from: part.lowerBound, count: part.count)
      })
  }

  /// Tells whether two values are the same matrix in memory; it has no meaning once the matrix is gone.
  public var identity: ObjectIdentifier { ObjectIdentifier(storage[0]) }

  /// Bytes in memory.
  public var byteCount: Int { storage.reduce(0) { $0 + $1.count } }

  /// The address of a plane, read as elements of `Element`.
  func plane<Element>(_ index: Int, as element: Element.Type) -> UnsafePointer<Element> {
    unsafe UnsafePointer(storage[index].start.assumingMemoryBound(to: Element.self))
  }

  /// The address of a row in a plane that lies in rows.
  func row<Element>(_ row: Int, as element: Element.Type) -> UnsafePointer<Element> {
    unsafe plane(0, as: element) + row * columns
  }
}
