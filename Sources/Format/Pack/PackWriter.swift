/// Writes a pack: planes stream in, the index follows, the file gets its name last.
///
/// The bytes depend only on what is written, in which order and with which codec; not on the number
/// of threads nor on how the bytes of a plane are divided into calls. After an error, only
/// `discard()` is of use.
public final class PackWriter {
  private let file: any PackOutput
  private let codec: Codec
  private let encoder: BlockEncoder
  private var store: BlockStore
  private var tensors = [PackTensor]()
  private var assets = [PackAsset]()
  private var tensorNames = Set<ExactString>()
  /// The open tensor; its description lacks the planes.
  private var current: (description: PackTensor, planes: PlaneGroup)?
  private var digest: SHA256Digest?

  /// Creates the unfinished file.
  ///
  /// - Parameters:
  ///   - output: the name the file will have.
  ///   - codec: for all blocks that gain by it.
  ///   - overwrite: whether a file of that name may be replaced.
  ///   - threads: how many blocks are compressed at a time, at least 1.
  /// - Throws: `outputExists`, `cannotCreate` or `writeFailed`.
  public convenience init(
    output: String, codec: Codec, overwrite: Bool, threads: Int = 2
  ) throws(FormatError) {
    try self.init(
      AtomicFile(path: output, overwrite: overwrite), codec: codec, threads: threads)
  }

  /// Counts the bytes that a pack would have, without writing any.
  public convenience init(counting codec: Codec, threads: Int = 2) throws(FormatError) {
    try self.init(CountedOutput(), codec: codec, threads: threads)
  }

  private init(_ output: any PackOutput, codec: Codec, threads: Int) throws(FormatError) {
    self.codec = codec
    encoder = BlockEncoder(threads: threads)
    file = output
    store = BlockStore(file: file)
    // Zeros are no preamble: until it is sealed, the file is no pack.
    try file.append([UInt8](repeating: 0, count: PackLimits.preambleSize))
  }

  /// Where the unfinished file is; once sealed, it can be read.
  public var temporaryPath: String { file.temporaryPath }

  /// The size so far.
  public var byteCount: Int { file.byteCount }

  /// Starts a tensor.
  ///
  /// A tensor streams in row blocks. The blocks of its first plane go to the file as they fill;
  /// those of the others are kept, compressed, until the tensor ends.
  ///
  /// - Throws: `malformed` if the name is taken, a plane's size is negative or not a multiple of
  ///   the transform's width, or the matrix does not have the elements of the shape.
  /// - Precondition: no other tensor is open and the pack is not sealed.
  public func beginTensor(
    name: String, source: String, role: String, shape: [Int], rows: Int, columns: Int,
    encoding: String, reason: String, calibration: JSON? = nil,
    planes: [PlannedPlane]
  ) throws(FormatError) {
    precondition(current == nil && digest == nil)
    guard tensorNames.insert(ExactString(name)).inserted else {
      throw refusal("the name of a tensor", "\(name), twice", "each name once")
    }
    guard let count = shape.elementCount, [rows, columns].elementCount == count else {
      throw refusal(
        "the matrix of tensor \(name)", "\(rows) × \(columns)",
        "as many elements as its shape \(shape)")
    }
    for plane in planes {
      guard plane.byteCount >= 0, plane.byteCount.isMultiple(of: plane.transform.width) else {
        throw refusal(
          "the size of plane \(plane.name) of tensor \(name)", "\(plane.byteCount)",
          "a multiple of \(plane.transform.width)")
      }
    }
    let description = PackTensor(
      name: name, source: source, role: role, shape: shape, rows: rows, columns: columns,
      encoding: encoding, reason: reason, calibration: calibration, planes: [])
    let assemblies = planes.map { PlaneAssembly($0, ofTensor: true) }
    current = (
      description,
      PlaneGroup(owner: "tensor \(name)", planes: assemblies, codec: codec, encoder: encoder)
    )
  }

  /// Adds bytes to every plane of the open tensor.
  ///
  /// - Throws: `wrongByteCount` if a plane is given more than announced, `writeFailed`.
  /// - Precondition: a tensor is open; there is one array for each of its planes, which may be
  ///   empty.
  public func append(_ planeBytes: [[UInt8]]) throws(FormatError) {
    guard current != nil else { preconditionFailure("no tensor is open") }
    try current?.planes.append(planeBytes, to: &store)
  }

  /// Ends the open tensor.
  ///
  /// - Returns: the bytes that its blocks take in the file.
  /// - Throws: `wrongByteCount` if bytes of a plane are missing, `writeFailed`.
  /// - Precondition: a tensor is open.
  @discardableResult
  public func endTensor() throws(FormatError) -> Int {
    guard var (tensor, planes) = current.take() else { preconditionFailure("no tensor is open") }
    tensor.planes = try planes.finish(to: &store)
    tensors.append(tensor)
    return planes.storedBytes
  }

  /// Adds a file, such as `tokenizer.json`.
  ///
  /// - Throws: `writeFailed`. A name that is taken or no file name is refused by `seal`.
  /// - Precondition: no tensor is open and the pack is not sealed.
  public func addAsset(name: String, mediaType: String, bytes: [UInt8]) throws(FormatError) {
    precondition(current == nil && digest == nil)
    let plane = PlaneAssembly(PlannedPlane("content", bytes: bytes.count), ofTensor: false)
    var group = PlaneGroup(
      owner: "asset \(name)", planes: [plane], codec: codec, encoder: encoder)
    try group.append([bytes], to: &store)
    assets += try group.finish(to: &store).map {
      PackAsset(name: name, mediaType: mediaType, plane: $0)
    }
  }

  /// Writes the index and the preamble. May be called again with other contents, which replaces the
  /// index.
  ///
  /// - Throws: `malformed` or `tooLarge` if the reader would refuse the index, `writeFailed`.
  /// - Precondition: no tensor is open.
  public func seal(
    model: JSON, recipe: JSON, provenance: JSON, evaluation: JSON, activations: JSON? = nil
  ) throws(FormatError) {
    precondition(current == nil)
    let header = PackHeader(
      tensors: tensors, assets: assets, model: model, recipe: recipe, provenance: provenance,
      evaluation: evaluation, activations: activations)
    let raw = PackIndex(header: header, blocks: store.blocks).encoded
    let readBack = try PackIndex(decoding: raw, file: file.path)
    _ = try PackValidation(index: readBack, file: file.path).run(indexOffset: store.end)
    guard let stored = Zstandard.compress(raw) else {
      throw .writeFailed(file: file.path, reason: "zstd cannot compress the index")
    }
    let preamble = PackPreamble(
      index: store.end..<store.end + stored.count, digest: sha256(stored))
    try file.truncate(to: store.end)
    try file.write(stored, at: store.end)
    try file.write(preamble.encoded, at: 0)
    digest = preamble.digest
  }

  /// Gives the sealed file its name.
  ///
  /// - Returns: its size and its model id, the SHA-256 of the stored index.
  /// - Throws: `outputExists`, `cannotCreate` or `writeFailed`.
  /// - Precondition: the pack is sealed, and written rather than counted.
  @discardableResult
  public func publish() throws(FormatError) -> (byteCount: Int, modelID: String) {
    guard let digest else { preconditionFailure("the pack is not sealed") }
    try file.publish()
    return (file.byteCount, digest.hexText)
  }

  /// Removes the unfinished file; does nothing after `publish()`.
  public func discard() { file.discard() }

  private func refusal(_ item: String, _ found: String, _ expected: String) -> FormatError {
    .malformed(file: file.path, item: item, found: found, expected: expected)
  }
}
