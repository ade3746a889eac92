public import Quant

/// A text with an image somewhere in it.
public struct Prompt: Sendable {
  /// Where in the text the image goes; without this mark it comes first.
  public static let imageMark = "<image>"

  private let text: String
  private let image: String?
  private let isRaw: Bool

  /// A prompt.
  ///
  /// - Parameters:
  ///   - image: path of a PNG or JPEG file.
  ///   - isRaw: takes the text as it is; else a question about an image gets the model's form for questions.
  public init(text: String, image: String? = nil, isRaw: Bool = false) {
    self.text = text
    self.image = image
    self.isRaw = isRaw
  }

  /// The embeddings of the prompt: `[tokens, width]`. Pieces of text beside the image are encoded on their own.
  public func embeddings(for model: Model) throws -> Matrix {
    let language = try model.requireLanguage("a prompt")
    let tokenizer = try model.requireTokenizer("a prompt")
    guard let image else { return try language.embed(tokenizer.encode(text)) }
    guard
      let embeddings = try model.encode(RGBImage(contentsOf: image)).embeddings
    else { throw ModelError.missingPart("connector", needed: "an image in a prompt") }
    let (before, after) = pieces
    let question =
      isRaw ? after : model.description.prompt?.text(for: after) ?? after
    return try language.embed(tokenizer.encode(before))
      .followed(by: embeddings)
      .followed(by: language.embed(tokenizer.encode(question)))
  }

  private var pieces: (before: String, after: String) {
    guard let mark = text.firstRange(of: Self.imageMark) else { return ("", text) }
    return (String(text[..<mark.lowerBound]), String(text[mark.upperBound...]))
  }
}

extension Matrix {
  /// This matrix with the rows of another one below it.
  func followed(by other: Matrix) -> Matrix {
    Matrix(rows: rows + other.rows, columns: columns, values: values + other.values)
  }
}
