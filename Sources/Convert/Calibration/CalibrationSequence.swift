import Format
import Quant
import Runtime

/// Tokens that run through the model together, and how much each counts.
struct CalibrationSequence: Sendable {
  /// How much a token of an image counts. There are many of them and they are alike: with the weight of text they would
  /// be most of what the matrices are fitted to.
  static let imageWeight: Float = 0.1

  /// The stream between two layers: `[tokens, width]`.
  var stream: Matrix
  /// The same stream in the original model.
  var original: Matrix
  /// One for each token.
  let weights: [Float]

  /// Starts before the first layer.
  init(stream: Matrix, weights: [Float]) {
    self.stream = stream
    original = stream
    self.weights = weights
  }
}

extension [CalibrationSequence] {
  /// Goes on behind a layer, given the stream of each sequence there.
  mutating func replaceStreams(by streams: [Matrix]) {
    for (index, stream) in streams.enumerated() { self[index].stream = stream }
  }
}

/// Reads the files of a calibration.
struct CalibrationReader {
  let model: Model
  let embedding: EncodedMatrix
  let pool: ThreadPool

  /// Sequences of about `options.tokens` tokens, shared out evenly among the files.
  func sequences(_ options: CalibrationOptions) throws -> [CalibrationSequence] {
    let share = max(1, options.tokens / max(1, options.files.count))
    return try options.files.flatMap { file in
      let sequences =
        file.hasSuffix(".jsonl")
        ? try questions(QuestionSet(path: file), tokens: share) : try text(file, tokens: share)
      guard !sequences.isEmpty else { throw ConvertError.nothingToCalibrateOn(file: file) }
      return sequences
    }
  }

  /// Windows of a text, spread evenly over all of it.
  private func text(_ path: String, tokens: Int) throws -> [CalibrationSequence] {
    let text = try MappedFile.text(path: path)
    let ids = try model.requireTokenizer("--calibrate").encode(text)
    guard !ids.isEmpty else { return [] }
    let beginning = model.description.language?.endOfText.first.map { [$0] } ?? []
    let length = CalibrationOptions.sequenceTokens - beginning.count
    let windows = max(1, ids.count / length)
    let count = min(windows, max(1, tokens / CalibrationOptions.sequenceTokens))
    return try (0..<count).map { index in
      let start = index * windows / count * length
      let window = beginning + ids[start..<min(start + length, ids.count)]
      return CalibrationSequence(
        stream: try embedding.rows(ofTokens: window),
        weights: [Float](repeating: 1, count: window.count))
    }
  }

  /// One question about every image, then a second one, and so on: question, answer and end, in the model's own form.
  private func questions(_ set: QuestionSet, tokens: Int) throws -> [CalibrationSequence] {
    let groups = set.byImage
    try model.requireVision("a question about an image")
    var images = [Int: Matrix]()
    var sequences = [CalibrationSequence]()
    var read = 0
    for round in 0..<(groups.map(\.questions.count).max() ?? 0) {
      for (index, group) in groups.enumerated() where round < group.questions.count {
        guard read < tokens else { return sequences }
        let image = try images[index] ?? encode(set.path(of: group.image))
        images[index] = image
        let sequence = try sequence(image, group.questions[round])
        sequences.append(sequence)
        read += sequence.weights.count
      }
    }
    return sequences
  }

  private func encode(_ path: String) throws -> Matrix {
    guard let embeddings = try model.encode(RGBImage(contentsOf: path)).embeddings else {
      throw ModelError.missingPart("connector", needed: "a question about an image")
    }
    return embeddings
  }

  private func sequence(
    _ image: Matrix, _ question: QuestionSet.Question
  ) throws -> CalibrationSequence {
    let tokenizer = try model.requireTokenizer("--calibrate")
    let prompt = model.description.prompt?.text(for: question.question) ?? question.question
    let ids =
      tokenizer.encode(prompt) + tokenizer.encode(" " + question.answer)
      + (model.description.language?.endOfText.prefix(1) ?? [])
    let text = try embedding.rows(ofTokens: ids)
    let weights =
      [Float](repeating: CalibrationSequence.imageWeight, count: image.rows)
      + [Float](repeating: 1, count: text.rows)
    return CalibrationSequence(stream: image.followed(by: text), weights: weights)
  }
}
