public import Quant

/// A text with an image somewhere in it.
public struct Prompt: Sendable {
  /// Where in the text the image goes; without this mark it comes first.
  public static let imageMark = "<image>"

  /// What is put around the text.
  public enum Form: Sendable, Equatable {
    /// Nothing.
    case raw
    /// The model's form for questions, if there is an image and the text does not have the form already.
    case question
    /// A conversation in the model's own form, with optional instructions.
    case chat(system: String?)
    /// Nothing, not even the token that begins texts: it follows what was read before.
    case continuation

    /// Whether the token that the tokenizer puts first is to be added.
    fileprivate var isBeginning: Bool {
      switch self {
      case .raw, .question: true
      case .chat, .continuation: false
      }
    }
  }

  private let text: String
  private let image: String?
  private let form: Form

  /// A prompt.
  ///
  /// - Parameter image: path of a PNG or JPEG file.
  public init(text: String, image: String? = nil, form: Form = .question) {
    self.text = text
    self.image = image
    self.form = form
  }

  /// The embeddings of the prompt: `[tokens, width]`.
  ///
  /// Pieces of text beside the image are encoded on their own. Outside of continuations, and of conversations, whose
  /// templates write it themselves, the text begins with the token that the tokenizer puts first.
  public func embeddings(for model: Model) throws -> Matrix {
    let language = try model.requireLanguage("a prompt")
    let tokenizer = try model.requireTokenizer("a prompt")
    let (before, after) = pieces(of: try wholeText(for: model))
    var ids = tokenizer.encode(before)
    if form.isBeginning, let first = tokenizer.beginningOfText { ids = [first] + ids }
    let start = try language.embed(ids)
    let rest = try language.embed(tokenizer.encode(after))
    guard let image else { return start.followed(by: rest) }
    guard
      let embeddings = try model.encode(RGBImage(contentsOf: image)).embeddings
    else { throw ModelError.missingPart("connector", needed: "an image in a prompt") }
    return start.followed(by: embeddings).followed(by: rest)
  }

  /// The text with what the form puts around it, the mark of the image included.
  private func wholeText(for model: Model) throws -> String {
    switch form {
    case .raw, .continuation: return text
    case .question:
      guard image != nil, let prompt = model.description.prompt else { return text }
      let (before, after) = pieces(of: text)
      return before + Self.imageMark + prompt.text(for: after)
    case .chat(let system):
      if let chat = model.chat { return try chat.prompt(text, system: system) }
      guard let prompt = model.description.prompt, system == nil else {
        throw ModelError.missingPart(
          "chat template", needed: system == nil ? "a conversation" : "a system prompt")
      }
      return prompt.text(for: text)
    }
  }

  /// The text before and after the image. Without an image all of it comes after.
  private func pieces(of text: String) -> (before: String, after: String) {
    guard image != nil, let mark = text.firstRange(of: Self.imageMark) else { return ("", text) }
    return (String(text[..<mark.lowerBound]), String(text[mark.upperBound...]))
  }
}

extension Matrix {
  /// This matrix with the rows of another one below it.
  package func followed(by other: Matrix) -> Matrix {
    Matrix(rows: rows + other.rows, columns: columns, values: values + other.values)
  }
}
