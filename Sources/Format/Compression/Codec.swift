/// How a block is compressed. The raw value is the byte in the block table.
public enum Codec: UInt8, Sendable, CaseIterable, CustomStringConvertible {
  /// Not at all: the block can be mapped.
  case stored = 0
  /// Zlib (RFC 1950), Huffman coding only.
  case zlib = 1
  /// Zstandard (RFC 8878), level 1.
  case zstd = 2
  /// rANS (arXiv:1311.2540), byte by byte.
  case rans = 3

  static let zstandardLevel: Int32 = 1
  static let zlibLevel: Int32 = 1

  /// The codec of that name: `stored`, `zlib`, `zstd` or `rans`.
  public init?(name: String) {
    guard let codec = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = codec
  }

  /// The name used by options.
  public var name: String {
    switch self {
    case .stored: "stored"
    case .zlib: "zlib"
    case .zstd: "zstd"
    case .rans: "rans"
    }
  }

  /// The name used by options.
  public var description: String { name }

  /// The compressed bytes, or nothing if that would save less than two in a hundred.
  ///
  /// - Parameter matches: whether the bytes repeat each other.
  func compress(_ bytes: [UInt8], matches: Zstandard.Matches = .usual) -> [UInt8]? {
    let compressed: [UInt8]? =
      switch self {
      case .stored: nil
      case .zlib: Zlib.compress(bytes)
      case .zstd: Zstandard.compress(bytes, matches: matches)
      case .rans: RANS.compress(bytes)
      }
    guard let compressed, compressed.count * 50 <= bytes.count * 49 else { return nil }
    return compressed
  }

  /// The compressed bytes and their codec: this one or, for zstd where matches are rare, rANS if that takes
  /// less. Nothing if neither saves two in a hundred.
  func encode(_ bytes: [UInt8], matches: Zstandard.Matches) -> (codec: Codec, bytes: [UInt8])? {
    let candidates = self == .zstd && matches == .rare ? [.zstd, .rans] : [self]
    return candidates.compactMap { codec in
      codec.compress(bytes, matches: matches).map { (codec, $0) }
    }.min { $0.1.count < $1.1.count }
  }

  /// The content of a block, if it has exactly `length` bytes; never writes more.
  func decompress(_ bytes: RawSpan, length: Int) -> [UInt8]? {
    switch self {
    case .stored: bytes.byteCount == length ? LittleEndian.values(in: bytes) : nil
    case .zlib: Zlib.decompress(bytes, length: length)
    case .zstd: Zstandard.decompress(bytes, length: length)
    case .rans: RANS.decompress(bytes, length: length)
    }
  }
}
