/// The part of a PNG file that pixels depend on: header, palette and compressed samples.
///
/// libpng gets to see these chunks alone. That keeps its parsers for text, profiles and times away from hostile
/// bytes, and it makes decoding independent of what the file says about gamma and transparency.
/// Specification: W3C Portable Network Graphics, third edition, sections 5 and 11.
struct PNGStructure {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  let width: Int
  let height: Int
  let bitDepth: UInt8
  let colorType: UInt8
  /// A complete PNG file made of the critical chunks, checksums as found.
  let essentialBytes: [UInt8]

  /// The colour types that carry alpha are 4 (grey) and 6 (colour).
  var hasAlpha: Bool { colorType & 4 != 0 }
  /// Whether samples are grey levels, not colours or places in a palette.
  var isGrey: Bool { colorType & 2 == 0 }

  /// Walks over all chunks up to the end chunk; bytes after it are ignored.
  init(of bytes: [UInt8], file: String) throws(ImageError) {
    var chunks = PNGChunkReader(bytes: bytes, file: file)
    var essential = Self.signature
    let header = try chunks.next()
    guard header.name == "IHDR", header.content.count == 13 else {
      throw .corrupt(file: file, reason: "the first chunk is not a PNG header of 13 bytes")
    }
    let fields = Array(header.content)
    width = Self.number(fields[0..<4])
    height = Self.number(fields[4..<8])
    bitDepth = fields[8]
    colorType = fields[9]
    guard width > 0, height > 0 else {
      throw .corrupt(file: file, reason: "it declares \(width) × \(height) pixels")
    }
    guard ImageLimits.accepts(width: width, height: height) else {
      throw .tooManyPixels(file: file, width: width, height: height)
    }
    essential += header.whole
    var chunk = try chunks.next()
    while chunk.name != "IEND" {
      switch chunk.name {
      case "PLTE", "IDAT": essential += chunk.whole
      case _ where chunk.isAncillary: break
      default:
        throw .corrupt(file: file, reason: "unexpected PNG chunk at byte \(chunk.whole.startIndex)")
      }
      chunk = try chunks.next()
    }
    essential += chunk.whole
    essentialBytes = essential
  }

  /// A big-endian number of four bytes.
  static func number(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.reduce(0) { $0 << 8 | Int($1) }
  }
}

/// One chunk of a PNG file.
struct PNGChunk {
  let name: String
  /// The bytes between name and checksum.
  let content: ArraySlice<UInt8>
  /// The chunk with its length, name and checksum.
  let whole: ArraySlice<UInt8>

  /// Whether a decoder may skip the chunk: bit 5 of the first letter is set.
  var isAncillary: Bool { whole[whole.startIndex + 4] & 0x20 != 0 }
}

/// Walks over the chunks of a PNG file: length, name, content, checksum.
struct PNGChunkReader {
  private let bytes: [UInt8]
  private let file: String
  private var index = PNGStructure.signature.count

  init(bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  mutating func next() throws(ImageError) -> PNGChunk {
    let start = index
    let overhead = 12
    guard bytes.count - start >= overhead else { throw truncated(at: start) }
    let length = PNGStructure.number(bytes[start..<start + 4])
    guard length <= bytes.count - start - overhead else { throw truncated(at: start) }
    index = start + overhead + length
    return PNGChunk(
      name: String(decoding: bytes[start + 4..<start + 8], as: UTF8.self),
      content: bytes[start + 8..<start + 8 + length], whole: bytes[start..<index])
  }

  private func truncated(at byte: Int) -> ImageError {
    .corrupt(file: file, reason: "it ends inside the PNG chunk at byte \(byte)")
  }
}
