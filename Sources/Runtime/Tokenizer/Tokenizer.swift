import Format

/// A byte-level byte-pair tokenizer, built from the components that a tokenizer.json lists.
///
///     let tokenizer = try Tokenizer(parsing: bytes, file: "tokenizer.json")
///     let ids = tokenizer.encode("Hello world")
///     let text = tokenizer.decode(ids)
///
/// Encoding goes through the steps of the `tokenizers` library: cut out added tokens, normalize, cut out normalized
/// added tokens, split into words, spell words as bytes, merge. Which steps apply is read from the file; a
/// component that is not carried out here is refused by name, so ids are either those of the library or not made.
///
/// Post-processor, truncation and padding are not used: no special token is added and nothing is cut off.
public struct Tokenizer: Sendable {
  /// One more than the largest id.
  public let vocabularySize: Int

  private let vocabulary: Vocabulary
  private let model: BytePairModel
  private let literalTokens: AddedTokenMatcher
  private let normalizedTokens: AddedTokenMatcher
  private let composes: Bool
  private let preTokenizer: PreTokenizer

  /// Reads a tokenizer.json.
  ///
  /// - Parameter file: how errors call the file.
  public init(parsing json: [UInt8], file: String) throws(TokenizerError) {
    do throws(TokenizerFault) {
      let definition = try TokenizerDefinition(parsing: json)
      vocabularySize = definition.vocabulary.largestID + 1
      vocabulary = definition.vocabulary
      model = definition.model
      literalTokens = definition.literalTokens
      normalizedTokens = definition.normalizedTokens
      composes = definition.composes
      preTokenizer = definition.preTokenizer
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
      case .text(let range): encode(bytes[range], with: &encoder)
      }
    }
    return encoder.ids
  }

  private func encode(_ text: ArraySlice<UInt8>, with encoder: inout BytePairEncoder) {
    let normalized = composes ? CanonicalComposition.compose(text) : Array(text)
    for part in normalizedTokens.cut(normalized) {
      switch part {
      case .token(let id): encoder.append(id: id)
      case .text(let range): preTokenizer.split(normalized, range, into: &encoder)
      }
    }
  }

  /// The text of ids.
  ///
  /// Added tokens appear as they are written. Bytes that are no UTF-8 become U+FFFD, one for each maximal part of a
  /// sequence. Ids outside the vocabulary give nothing.
  public func decode(_ ids: [Int]) -> String {
    var bytes = [UInt8]()
    for id in ids {
      if let token = vocabulary.bytes(of: id) { bytes.append(contentsOf: token) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The bytes that an id adds to a text; a token may end inside a character. Nothing for an id outside the vocabulary.
  public func bytes(of id: Int) -> [UInt8]? { vocabulary.bytes(of: id).map(Array.init) }

  /// The id of a token, named exactly as in the file, such as `<|endoftext|>` or `Ġthe`.
  public func id(of token: String) -> Int? { vocabulary.id(of: ExactString(token)) }
}
