import Format
import Foundation

extension SampleText {
  /// Sentences of words in an order that repeats late.
  static let varied: String = {
    let words = english.split(whereSeparator: { !$0.isLetter }).map { $0.lowercased() }
    return (0..<600).map { words[($0 * 7 + $0 * $0 % 31) % words.count] }
      .joined(separator: " ") + ".\n"
  }()
}

extension Workplace {
  /// Writes a language model whose embedding is its head.
  func makeTiedTextModel(as name: String = "model") throws {
    let rows = SampleTokenizer.size + 63
    try copyModel("mamba1-hf", as: name) { file in
      file.set(.pattern("backbone.embeddings.weight", shape: [rows, 24]))
      file.remove("lm_head.weight")
    }
    try configure(
      name, ["vocab_size": .integer(Int64(rows)), "tie_word_embeddings": .bool(true)])
    try write(SampleTokenizer.text, to: "\(name)/tokenizer.json")
  }

  /// Writes a Mamba-2 model with a gated norm.
  func makeMambaTwoTextModel(as name: String = "model") throws {
    let rows = SampleTokenizer.size + 63
    try copyModel("mamba2-hf", as: name) { file in
      file.set(.pattern("backbone.embeddings.weight", shape: [rows, 8]))
      file.set(.pattern("lm_head.weight", shape: [rows, 8], seed: 2))
    }
    try configure(name, ["vocab_size": .integer(Int64(rows))])
    try write(SampleTokenizer.text, to: "\(name)/tokenizer.json")
  }

  /// Writes a picture and two questions about it.
  func writeQuestions() throws {
    try FileManager.default.copyItem(
      atPath: Fixtures.image("rgb.png"), toPath: path("picture.png"))
    try write(
      """
      {"image": "picture.png", "question": "What is it?", "answer": "a star", "kind": "shape"}
      {"image": "picture.png", "question": "Is it red?", "answer": "no", "kind": "colour"}

      """, to: "questions.jsonl")
  }

  /// What a pack says about the calibration of each tensor that has been calibrated.
  func calibration(of pack: String) throws -> [String: JSON] {
    let tensors = try PackReader(path: path(pack)).header.tensors
    return Dictionary(
      tensors.compactMap { tensor in tensor.calibration.map { (tensor.name, $0) } },
      uniquingKeysWith: { first, _ in first })
  }
}
