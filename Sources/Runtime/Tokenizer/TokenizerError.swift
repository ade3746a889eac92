public import Format

/// Why a tokenizer.json was refused.
public struct TokenizerError: DescribedFailure, Equatable {
  /// The file, as the caller named it.
  public let file: String
  /// What is wrong with it.
  public let fault: TokenizerFault

  /// Names a fault of a file.
  public init(file: String, fault: TokenizerFault) {
    self.file = file
    self.fault = fault
  }

  /// A limit was exceeded, or the file is bad input.
  public var kind: FailureKind {
    switch fault {
    case .idOutOfRange, .addedTokenTooLong, .tooManyMerges: .limitExceeded
    default: .badInput
    }
  }

  /// One sentence in lower case.
  public var description: String { "\(file): \(fault)" }
}

/// What can be wrong with a tokenizer.json. Items are paths of members, such as `model.vocab`.
public enum TokenizerFault: Error, Equatable, CustomStringConvertible {
  /// The text is no acceptable JSON.
  case malformed(JSONError)
  /// A member that the format requires does not exist.
  case missing(item: String)
  /// A member is of another type than the format says.
  case unexpected(item: String, expected: String, found: String)
  /// A component or a setting that this tokenizer does not carry out.
  case unsupported(item: String, value: String)
  /// A regular expression has a part that this tokenizer does not carry out.
  case unsupportedExpression(item: String, expression: String, part: String)
  /// The vocabulary is not one of byte pairs.
  case unsupportedModel(item: String, type: String)
  /// A member names a token that does not exist.
  case notInVocabulary(item: String, token: String)
  /// An id is negative or larger than accepted.
  case idOutOfRange(token: String, id: Int, limit: Int)
  /// Two different tokens have the same id.
  case repeatedID(Int, first: String, second: String)
  /// A token has one id in the vocabulary and another among the added tokens.
  case conflictingIDs(token: String, vocabulary: Int, added: Int)
  /// Two added tokens match the same text.
  case repeatedAddedToken(String)
  /// An added token is empty.
  case emptyAddedToken(id: Int)
  /// An added token is longer than accepted.
  case addedTokenTooLong(id: Int, byteCount: Int, limit: Int)
  /// The vocabulary has no entry for a byte.
  case missingByte(UInt8)
  /// There are more merges than accepted.
  case tooManyMerges(count: Int, limit: Int)
  /// A merge is not a pair.
  case malformedMerge(index: Int, found: String)
  /// A merge takes or makes a piece that is not in the vocabulary.
  case unknownMergePiece(index: Int, piece: String)

  /// One sentence in lower case.
  public var description: String {
    switch self {
    case .malformed(let error): error.description
    case .missing(let item): "“\(item)” is missing"
    case .unexpected(let item, let expected, let found):
      "“\(item)” must be \(expected), not \(found)"
    case .unsupported(let item, let value): "“\(item)” is \(value), which is not supported"
    case .unsupportedExpression(let item, let expression, let part):
      "“\(item)” is the expression “\(expression)”, and \(part) in it is not supported"
    case .unsupportedModel(let item, let type):
      "“\(item)” is “\(type)”, but only BPE is supported\(Self.home(of: type))"
    case .notInVocabulary(let item, let token):
      "“\(item)” is “\(token)”, which is not in the vocabulary"
    case .idOutOfRange(let token, let id, let limit):
      "token “\(token)” has id \(id), outside 0...\(limit)"
    case .repeatedID(let id, let first, let second):
      "tokens “\(first)” and “\(second)” have the same id \(id)"
    case .conflictingIDs(let token, let vocabulary, let added):
      "token “\(token)” has id \(vocabulary) in the vocabulary but \(added) as an added token"
    case .repeatedAddedToken(let token): "two added tokens match the same text “\(token)”"
    case .emptyAddedToken(let id): "added token \(id) is empty"
    case .addedTokenTooLong(let id, let byteCount, let limit):
      "added token \(id) has \(byteCount) bytes, more than \(limit)"
    case .missingByte(let byte): "the vocabulary has no entry for byte \(byte)"
    case .tooManyMerges(let count, let limit): "there are \(count) merges, more than \(limit)"
    case .malformedMerge(let index, let found): "merge \(index) must be a pair, not \(found)"
    case .unknownMergePiece(let index, let piece):
      "merge \(index) needs “\(piece)”, which is not in the vocabulary"
    }
  }
  /// Which models other kinds of vocabularies belong to.
  private static func home(of type: String) -> String {
    switch type {
    case "WordPiece": "; a WordPiece tokenizer belongs to a model of the BERT kind"
    case "Unigram": "; a Unigram tokenizer belongs to a model of the T5 or XLM-RoBERTa kind"
    case "WordLevel": "; a WordLevel tokenizer has a token for every word and no pieces"
    default: ""
    }
  }
}
