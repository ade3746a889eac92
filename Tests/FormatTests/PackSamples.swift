@testable import Format

/// A tensor to be written by a test.
struct SampleTensor: Sendable {
  var name = "language.head.weight"
  var shape = [1]
  var planes: [(name: String, transform: PlaneTransform, bytes: [UInt8])]

  /// Writes it in pieces of the given size.
  func write(to writer: PackWriter, piece: Int = .max) throws {
    let count = shape.reduce(1, *)
    try writer.beginTensor(
      name: name, source: "lm_head.weight", role: "head", shape: shape, rows: 1, columns: count,
      encoding: "q8", reason: "default",
      planes: planes.map { PlannedPlane($0.name, $0.transform, bytes: $0.bytes.count) })
    var start = 0
    let longest = planes.map(\.bytes.count).max() ?? 0
    while start < longest {
      let end = start + min(piece, longest - start)
      try writer.append(
        planes.map { Array($0.bytes[min(start, $0.bytes.count)..<min(end, $0.bytes.count)]) })
      start = end
    }
    try writer.endTensor()
  }
}

extension PackWriter {
  func sealSample(evaluation: JSON = .null) throws {
    try seal(
      model: ["kind": .string("test")], recipe: ["rules": .array([])],
      provenance: ["tool": .string("test")], evaluation: evaluation)
  }
}

extension JSON: ExpressibleByDictionaryLiteral {
  /// An object; of a key given twice, the first counts.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self = .dictionary(Dictionary(elements) { first, _ in first })
  }
}

/// A small pack with everything in it: a compressed plane, a shuffled one, a stored one behind
/// padding, an empty one, an asset.
func writeSmallPack(to path: String) throws {
  let writer = try PackWriter(output: path, codec: .zstd, overwrite: true)
  try SampleTensor(
    name: "first", shape: [2, 500],
    planes: [
      ("codes", .none, mildNoise(1000)), ("scales", .shuffle2, mildNoise(400, seed: 2)),
    ]
  ).write(to: writer)
  try SampleTensor(name: "second", shape: [4100], planes: [("values", .none, noise(4100))])
    .write(to: writer)
  try SampleTensor(name: "third", shape: [0], planes: [("values", .none, [])]).write(to: writer)
  try writer.addAsset(
    name: "tokenizer.json", mediaType: "application/json", bytes: Array("{\"a\": 1}".utf8))
  try writer.sealSample()
  try writer.publish()
}

/// Rebuilds a pack around an index that was tampered with, with the right checksum, as a forger
/// would.
func forge(
  _ pack: [UInt8], rawIndex change: (inout [UInt8]) throws -> Void
) throws -> [UInt8] {
  let offset = Int(LittleEndian.value(in: pack, at: 16, as: UInt64.self))
  let stored = Array(pack[offset...])
  guard let length = Zstandard.statedLength(of: stored.span.bytes),
    var raw = Zstandard.decompress(stored.span.bytes, length: Int(length))
  else { throw JSONError.mismatch("the sample's index") }
  try change(&raw)
  return try withStoredIndex(pack, Zstandard.compress(raw) ?? [])
}

/// Replaces the stored index and corrects the preamble.
func withStoredIndex(_ pack: [UInt8], _ stored: [UInt8]) throws -> [UInt8] {
  let offset = Int(LittleEndian.value(in: pack, at: 16, as: UInt64.self))
  let preamble = PackPreamble(index: offset..<offset + stored.count, digest: sha256(stored))
  return preamble.encoded + pack[64..<offset] + stored
}

/// Rebuilds a pack around a changed header.
func forge(_ pack: [UInt8], header change: (JSON) throws -> JSON) throws -> [UInt8] {
  try forge(pack) { (raw: inout [UInt8]) in
    let end = 8 + Int(LittleEndian.value(in: raw, at: 0, as: UInt64.self))
    let text = Array(try change(JSON(parsing: Array(raw[8..<end]))).canonicalText.utf8)
    raw = UInt64(text.count).littleEndianBytes + text + raw[end...]
  }
}

/// Rebuilds a pack with bytes of one row of the block table replaced.
func forge(_ pack: [UInt8], block: Int, at position: Int, _ bytes: [UInt8]) throws -> [UInt8] {
  try forge(pack) { (raw: inout [UInt8]) in
    let table = 8 + Int(LittleEndian.value(in: raw, at: 0, as: UInt64.self))
    let start = table + block * PackBlock.encodedSize + position
    raw.replaceSubrange(start..<start + bytes.count, with: bytes)
  }
}

extension JSON {
  /// The value with the part at a path such as `tensors/0/name` replaced, or removed if there is no
  /// replacement.
  func replacing(_ path: String, with replacement: JSON?) -> JSON {
    let keys = path.split(separator: "/", maxSplits: 1).map(String.init)
    guard let key = keys.first else { return replacement ?? .null }
    let rest = keys.count > 1 ? keys[1] : ""
    switch self {
    case .object(var members):
      let inner = members[ExactString(key)] ?? .null
      members[ExactString(key)] =
        rest.isEmpty ? replacement : inner.replacing(rest, with: replacement)
      return .object(members)
    case .array(var elements):
      guard let index = Int(key), elements.indices.contains(index) else { return self }
      elements[index] = elements[index].replacing(rest, with: replacement)
      return .array(elements)
    default: return self
    }
  }
}
