import Format

/// A tokenizer of single bytes.
package enum SampleTokenizer {
  /// Ids of the tokenizer: 0 is `<|endoftext|>`, byte b is b + 1.
  package static let vocabularySize = 257

  /// The id of a byte.
  package static func id(of byte: UInt8) -> Int { Int(byte) + 1 }

  /// tokenizer.json with 256 bytes, the end of a text, and as many more tokens that no text has.
  package static func definition(extraTokens: Int = 0) -> String {
    var vocabulary: [String: JSON] = ["<|endoftext|>": .integer(0)]
    for (byte, scalar) in alphabet.enumerated() {
      vocabulary[String(Character(scalar))] = .integer(Int64(byte) + 1)
    }
    for extra in 0..<extraTokens {
      vocabulary["extra\(extra)"] = .integer(Int64(vocabularySize + extra))
    }
    let definition = JSON.dictionary([
      "version": .string("1.0"),
      "added_tokens": .array([
        .dictionary([
          "id": .integer(0), "content": .string("<|endoftext|>"), "special": .bool(true),
          "normalized": .bool(false), "single_word": .bool(false), "lstrip": .bool(false),
          "rstrip": .bool(false),
        ])
      ]),
      "pre_tokenizer": .dictionary([
        "type": .string("ByteLevel"), "add_prefix_space": .bool(false),
      ]),
      "decoder": .dictionary(["type": .string("ByteLevel")]),
      "model": .dictionary([
        "type": .string("BPE"), "vocab": .dictionary(vocabulary), "merges": .array([]),
      ]),
    ])
    return definition.prettyText
  }

  /// GPT-2's characters for bytes: printable ones for themselves, the others from U+0100 on.
  private static let alphabet: [Unicode.Scalar] = {
    var next: UInt32 = 256
    return (UInt8.min...UInt8.max).map { byte in
      let isPrintable = (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
      guard !isPrintable else { return Unicode.Scalar(byte) }
      defer { next += 1 }
      return Unicode.Scalar(next) ?? " "
    }
  }()
}
