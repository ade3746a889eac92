public import Format
public import Quant

/// The weights of a pack.
public struct PackWeightSource: WeightSource {
  private let reader: PackReader
  private let tensors: [ExactString: PackTensor]
  private let pool: ThreadPool

  /// Reads weights from an open pack, on that many threads.
  public init(_ reader: PackReader, threads: Int = 1) {
    self.reader = reader
    pool = ThreadPool(threads: threads)
    tensors = Dictionary(
      uniqueKeysWithValues: reader.header.tensors.map { (ExactString($0.name), $0) })
  }

  /// See `WeightSource`. Tensors of elementwise encodings may be read in any shape of as many elements.
  public func matrix(_ name: String, rows: Int, columns: Int) throws -> EncodedMatrix {
    guard let tensor = tensors[ExactString(name)] else {
      throw ModelError.missingTensor(name, file: reader.path)
    }
    let encoding = try self.encoding(of: tensor)
    let fits =
      encoding.isElementwise
      ? tensor.rows * tensor.columns == rows * columns
      : (tensor.rows, tensor.columns) == (rows, columns)
    guard fits else {
      throw ModelError.misshapenTensor(
        name, file: reader.path, found: [tensor.rows, tensor.columns], expected: [rows, columns])
    }
    let assembly = MatrixAssembly(encoding: encoding, rows: rows, columns: columns)
    let pieces = tensor.planes.enumerated().flatMap { index, plane in
      (0..<plane.blockCount).map { (plane: index, number: $0) }
    }
    _ = try pool.map(pieces.count) { index in
      let piece = pieces[index]
      try reader.withPiece(piece.number, of: tensor.planes[piece.plane], owner: name) {
        offset, bytes in
        unsafe bytes.withUnsafeBytes {
          unsafe assembly.write($0, plane: piece.plane, at: offset)
        }
      }
    }
    do {
      return try assembly.finished()
    } catch {
      throw ModelError.malformedTensor(name, file: reader.path, reason: error.description)
    }
  }

  /// A tensor in its stored shape.
  public func matrix(of tensor: PackTensor) throws -> EncodedMatrix {
    try matrix(tensor.name, rows: tensor.rows, columns: tensor.columns)
  }

  /// Rows and columns that a tensor may have; the bytes of a row cannot overflow then.
  private static let sizeLimit = 1 << 40

  /// The encoding of a tensor, after checking that its planes are what the encoding says.
  ///
  /// A header may state any shape whose product fits 63 bits, so nothing is computed from the shape of a tensor before.
  public func encoding(of tensor: PackTensor) throws(ModelError) -> any Encoding {
    guard let encoding = Encodings.named(tensor.encoding) else {
      throw .unknownEncoding(tensor.encoding, tensor: tensor.name, file: reader.path)
    }
    guard tensor.rows <= Self.sizeLimit, tensor.columns <= Self.sizeLimit else {
      throw .misshapenPlanes(tensor: tensor.name, file: reader.path)
    }
    let layouts = encoding.planes
    let agree =
      layouts.count == tensor.planes.count
      && zip(layouts, tensor.planes).allSatisfy { layout, plane in
        layout.name == plane.name
          && layout.takes(plane.bytes, rows: tensor.rows, columns: tensor.columns)
      }
    guard agree else { throw .misshapenPlanes(tensor: tensor.name, file: reader.path) }
    return encoding
  }
}
