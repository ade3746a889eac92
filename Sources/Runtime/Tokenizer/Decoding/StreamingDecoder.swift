/// Decodes a stream of ids to text, holding back what may still change.
///
/// The texts handed out, joined, are what `Tokenizer.decode` makes of all ids. Held back are incomplete UTF-8
/// sequences and, where tokens such as `<0x0A>` stand for bytes, a run of these, which is text only as a whole.
public struct StreamingDecoder: Sendable {
  private let tokenizer: Tokenizer
  private let decoder: TokenDecoder
  private var pending = [UInt8]()
  private var isFirst = true
  /// How many characters at the start of the text may still be taken away.
  private var strips: Int

  /// Starts a stream.
  public init(_ tokenizer: Tokenizer) {
    self.tokenizer = tokenizer
    decoder = tokenizer.decoder
    strips = decoder.textStrip?.start ?? 0
  }

  /// Adds a token and returns the text that is complete now, which may be empty.
  public mutating func append(_ id: Int) -> String { text(appendBytes(id)) }

  /// Ends the stream and returns what was held back, with U+FFFD for what is no UTF-8.
  public mutating func finish() -> String { text(finishBytes()) }

  /// Adds a token and returns the bytes that are complete now; not all of them need be UTF-8 in byte-level files.
  private mutating func appendBytes(_ id: Int) -> [UInt8] {
    guard let output = tokenizer.output(of: id, isFirst: isFirst) else { return [] }
    isFirst = false
    switch output {
    case .bytes(let bytes):
      pending += bytes
      guard case .alphabet = decoder.byteSource else { return [] }
      let complete = pending.count - Self.incompleteTail(of: pending)
      defer { pending.removeFirst(complete) }
      return Array(pending[..<complete])
    case .text(let text): return finishBytes() + stripped(text)
    }
  }

  private mutating func finishBytes() -> [UInt8] {
    guard !pending.isEmpty else { return [] }
    defer { pending.removeAll() }
    guard case .byteTokens = decoder.byteSource else { return pending }
    // One replacement for every byte, even if a part of the run is a character.
    let isText = String(validating: pending, as: UTF8.self) != nil
    let run = isText ? pending : pending.flatMap { _ in UTF8.encodedReplacementCharacter }
    return stripped(decoder.finish(run))
  }

  private mutating func stripped(_ text: [UInt8]) -> [UInt8] {
    guard strips > 0, let content = decoder.textStrip?.content else { return text }
    var index = 0
    while strips > 0, index < text.count {
      let (scalar, length) = text.scalar(at: index)
      guard scalar == content else {
        strips = 0
        break
      }
      strips -= 1
      index += length
    }
    return Array(text[index...])
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

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
