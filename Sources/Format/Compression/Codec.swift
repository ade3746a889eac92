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
  /// rANS with frequencies for classes of rows or columns: for uneven codes only.
  case classedRANS = 4

  static let zstandardLevel: Int32 = 1
  static let zlibLevel: Int32 = 1

  /// The codec of that name: `stored`, `zlib`, `zstd`, `rans` or `rans-classes`.
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
    case .classedRANS: "rans-classes"
    }
  }

  /// The name used by options.
  public var description: String { name }

  /// The compressed bytes, or nothing if that would save less than two in a hundred.
  func compress(_ bytes: [UInt8], content: BlockContent = .repetitive) -> [UInt8]? {
    let compressed: [UInt8]? =
      switch (self, content) {
      case (.stored, _): nil
      case (.zlib, _): Zlib.compress(bytes)
      case (.zstd, _): Zstandard.compress(bytes, matches: content.matches)
      case (.rans, _): RANS.compress(bytes)
      case (.classedRANS, .unevenCodes(let part)): ClassedRANS.compress(bytes, of: part)
      case (.classedRANS, _): nil
      }
    guard let compressed, compressed.count * 50 <= bytes.count * 49 else { return nil }
    return compressed
  }

  /// The compressed bytes and their codec: this one or, in place of zstd for codes, the kind of rANS that takes
  /// less. Nothing if none saves two in a hundred.
  func encode(_ bytes: [UInt8], content: BlockContent) -> (codec: Codec, bytes: [UInt8])? {
    let isReplaced = self == .zstd && content != .repetitive
    let candidates = isReplaced ? [.zstd, .rans, .classedRANS] : [self]
    return candidates.compactMap { codec in
      codec.compress(bytes, content: content).map { (codec, $0) }
    }.min { $0.1.count < $1.1.count }
  }

  /// The content of a block, if it has exactly `length` bytes; never writes more.
  func decompress(_ bytes: RawSpan, length: Int) -> [UInt8]? {
    switch self {
    case .stored: bytes.byteCount == length ? LittleEndian.values(in: bytes) : nil
    case .zlib: Zlib.decompress(bytes, length: length)
    case .zstd: Zstandard.decompress(bytes, length: length)
    case .rans: RANS.decompress(bytes, length: length)
    case .classedRANS: ClassedRANS.decompress(bytes, length: length)
    }
  }
}
