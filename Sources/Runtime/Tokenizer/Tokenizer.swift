import Format

/// A byte-pair tokenizer, built from the components that a tokenizer.json lists: byte-level, or of characters with marks
/// for spaces as in SentencePiece.
///
///     let tokenizer = try Tokenizer(parsing: bytes, file: "tokenizer.json")
///     let ids = tokenizer.encode("Hello world")
///     let text = tokenizer.decode(ids)
///
/// Encoding goes through the steps of the `tokenizers` library: cut out added tokens, normalize, cut out normalized
/// added tokens, split into words, spell words as bytes, merge. Which steps apply is read from the file; a
/// component that is not carried out here is refused by name, so ids are either those of the library or not made.
///
/// Special tokens around the text are added only if asked for. Truncation and padding are not used: nothing is cut off.
public struct Tokenizer: Sendable {
  /// One more than the largest id.
  public let vocabularySize: Int

  /// The token that stands before a text by default, if the file or its configuration says so.
  public var beginningOfText: Int? { specialTokens.prefix.first }

  let decoder: TokenDecoder
  private let vocabulary: Vocabulary
  private let model: BytePairModel
  private let literalTokens: AddedTokenMatcher
  private let normalizedTokens: AddedTokenMatcher
  private let normalizer: Normalizer
  private let preTokenizer: PreTokenizer
  private let specialTokens: SpecialTokens

  /// Reads a tokenizer.json.
  ///
  /// - Parameters:
  ///   - configuration: the tokenizer_config.json beside it, whose `add_bos_token` and `add_eos_token` override what
  ///     the file says of special tokens. Errors name its members `tokenizer_config.…`.
  ///   - file: how errors call the file.
  public init(
    parsing json: [UInt8], configuration: [UInt8]? = nil, file: String
  ) throws(TokenizerError) {
    do throws(TokenizerFault) {
      let definition = try TokenizerDefinition(parsing: json, configuration: configuration)
      vocabularySize = definition.vocabulary.largestID + 1
      vocabulary = definition.vocabulary
      model = definition.model
      literalTokens = definition.literalTokens
      normalizedTokens = definition.normalizedTokens
      normalizer = definition.normalizer
      preTokenizer = definition.preTokenizer
      decoder = definition.decoder
      specialTokens = definition.specialTokens
    } catch {
      throw TokenizerError(file: file, fault: error)
    }
  }

  /// The ids of a text. Added tokens that occur in it are recognised; none is added.
  ///
  /// - Complexity: O(n log n) for n bytes, whatever the text.
  public func encode(_ text: String) -> [Int] {
    var encoder = BytePairEncoder(model)
    let bytes = Array(text.utf8)
    for part in literalTokens.cut(bytes) {
      switch part {
      case .token(let id): encoder.append(id: id)
      case .text(let range):
        encode(Array(bytes[range]), startsText: range.lowerBound == 0, with: &encoder)
      }
    }
    return encoder.ids
  }

  /// The ids of a text, with the special tokens around it that the file asks for.
  public func encode(_ text: String, addingSpecialTokens: Bool) -> [Int] {
    let ids = encode(text)
    return addingSpecialTokens ? specialTokens.prefix + ids + specialTokens.suffix : ids
  }

  private func encode(_ text: [UInt8], startsText: Bool, with encoder: inout BytePairEncoder) {
    let (normalized, keepsStart) = normalizer.normalize(text)
    for part in normalizedTokens.cut(normalized) {
      switch part {
      case .token(let id): encoder.append(id: id)
      case .text(let range):
        let isFirst = startsText && keepsStart && range.lowerBound == 0
        let pieces = preTokenizer.pieces(of: normalized, range, startsText: isFirst)
        for piece in pieces.ranges { encoder.append(piece: piece, of: pieces.bytes) }
      }
    }
  }

  /// The text of ids.
  ///
  /// Bytes that are no UTF-8 become U+FFFD: in byte-level files one for each maximal part of a sequence, elsewhere one
  /// for each byte of the run. Ids outside the vocabulary give nothing.
  public func decode(_ ids: [Int]) -> String {
    var decoder = StreamingDecoder(self)
    var text = ""
    for id in ids { text += decoder.append(id) }
    return text + decoder.finish()
  }

  /// The bytes that an id adds to a text after its first token; a token may end inside a character.
  ///
  /// Nothing for an id outside the vocabulary.
  public func bytes(of id: Int) -> [UInt8]? {
    output(of: id, isFirst: false).map {
      switch $0 {
      case .bytes(let bytes), .text(let bytes): bytes
      }
    }
  }

  /// What a token becomes on its own; nothing for an id outside the vocabulary.
  func output(of id: Int, isFirst: Bool) -> TokenDecoder.Output? {
    vocabulary.bytes(of: id).map {
      decoder.decode(Array($0), isAdded: vocabulary.addedIDs.contains(id), isFirst: isFirst)
    }
  }

  /// The id of a token, named exactly as in the file, such as `<|endoftext|>` or `Ġthe`.
  public func id(of token: String) -> Int? { vocabulary.id(of: ExactString(token)) }
}
