/// Decodes a stream of ids to text, holding back incomplete UTF-8 sequences.
///
/// The texts handed out, joined, are what `Tokenizer.decode` makes of all ids.
public struct StreamingDecoder: Sendable {
  private let tokenizer: Tokenizer
  /// The start of a character whose end has not come yet: at most three bytes.
  private var pending = [UInt8]()

  /// Starts a stream.
  public init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

  /// Adds a token and returns the text that is complete now, which may be empty.
  public mutating func append(_ id: Int) -> String {
    guard let bytes = tokenizer.bytes(of: id) else { return "" }
    pending += bytes
    let complete = pending.count - Self.incompleteTail(of: pending)
    let text = String(decoding: pending[..<complete], as: UTF8.self)
    pending.removeFirst(complete)
    return text
  }

  /// Ends the stream and returns what was held back, with U+FFFD for an incomplete character.
  public mutating func finish() -> String {
    let text = String(decoding: pending, as: UTF8.self)
    pending.removeAll()
    return text
  }

  /// How many bytes at the end may be the start of a longer sequence.
  private static func incompleteTail(of bytes: [UInt8]) -> Int {
    for (distance, byte) in bytes.suffix(3).reversed().enumerated() {
      if byte & 0xC0 == 0x80 { continue }
      let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
      return distance + 1 < length ? distance + 1 : 0
    }
    return 0
  }
}
