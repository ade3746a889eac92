import Convert
import Format
import Quant
import Runtime
import TestSupport
import Testing

/// Embedding, head and tokenizer.
@Suite struct VocabularyTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func change(
    _ fixture: String, _ change: (inout SampleCheckpoint) throws -> Void
  ) throws -> CheckpointWeightSource {
    try CheckpointWeightSource(directory.checkpoint(fixture, change))
  }

  @Test func `a head of its own is kept when the configuration says so`() throws {
    let source = try change("mamba1-hf") { _ in }
    #expect(source.description.language?.hasTiedHead == false)
    #expect(try source.matrix("language.head.weight", rows: 37, columns: 24).rows == 37)
  }

  @Test func `a head that repeats the embedding is left out`() throws {
    let source = try change("mamba1-hf-tied-bf16") { _ in }
    #expect(source.description.language?.hasTiedHead == true)
    #expect(source.notes.isEmpty)
    #expect(throws: ModelError.self) {
      try source.matrix("language.head.weight", rows: 40, columns: 20)
    }
  }

  @Test func `a head that differs although it is tied is left out with a note`() throws {
    let source = try change("mamba1-hf-tied-bf16") { $0.tensors["lm_head.weight"]?.bytes[0] ^= 1 }
    #expect(source.description.language?.hasTiedHead == true)
    #expect(
      source.notes == [
        "lm_head.weight differs from the embedding although the configuration ties them: the embedding is used"
      ])
  }

  @Test func `without a head the embedding is used`() throws {
    for isTied in [JSON.bool(true), .bool(false), nil] {
      let source = try change("mamba1-hf-tied-bf16") {
        $0.tensors["lm_head.weight"] = nil
        $0.configure("tie_word_embeddings", isTied)
      }
      #expect(source.description.language?.hasTiedHead == true)
    }
  }

  /// A language model with that many rows in its embedding and a tokenizer with some more tokens than bytes.
  private func padded(rows: Int, extraTokens: Int, multiple: Int? = nil) throws -> Checkpoint {
    try directory.checkpoint("mamba1-hf-tied-bf16") {
      $0.tensors["backbone.embeddings.weight"] = .init(
        [Float].noise(rows * 20, seed: 1), shape: [rows, 20])
      $0.tensors["lm_head.weight"] = nil
      $0.configure("vocab_size", .integer(Int64(rows)))
      $0.configure("pad_vocab_size_multiple", multiple.map { .integer(Int64($0)) })
      $0.files["tokenizer.json"] = SampleTokenizer.definition(extraTokens: extraTokens)
    }
  }

  /// Rows, tokens beyond 257, padding multiple of the configuration, accepted.
  static let sizes: [(Int, Int, Int?, Bool)] = [
    (257, 0, nil, true), (257, 1, nil, false), (320, 0, nil, true), (321, 0, nil, false),
    (300, 43, nil, true), (300, 44, nil, false), (384, 0, 128, true), (385, 0, 128, false),
    (1280, 0, 1 << 40, true), (1281, 0, 1 << 40, false), (258, 0, 0, true), (258, 0, -5, true),
  ]

  @Test(arguments: sizes)
  func `an embedding has a row for each token and little padding`(
    rows: Int, extraTokens: Int, multiple: Int?, isAccepted: Bool
  ) throws {
    let checkpoint = try padded(rows: rows, extraTokens: extraTokens, multiple: multiple)
    if isAccepted {
      #expect(try CheckpointWeightSource(checkpoint).description.language?.vocabularySize == rows)
    } else {
      #expect(
        throws: ConvertError.tokenizerMismatch(
          file: checkpoint.directory + "/tokenizer.json", tokens: 257 + extraTokens, rows: rows)
      ) { try CheckpointWeightSource(checkpoint) }
    }
  }

  @Test func `a tokenizer that cannot be read is refused with its file`() throws {
    let checkpoint = try directory.checkpoint("mamba1-hf") { $0.files["tokenizer.json"] = "{}" }
    do {
      _ = try CheckpointWeightSource(checkpoint)
      Issue.record("nothing was refused")
    } catch let error as TokenizerError {
      #expect(error.file == checkpoint.directory + "/tokenizer.json")
    }
  }

  @Test(arguments: [1, 2])
  func `tokenizers come with checkpoints and with packs`(threads: Int) throws {
    let checkpoint = try padded(rows: 264, extraTokens: 0)
    let reader = try directory.convert(checkpoint, Presets.named("q8"))
    for path in [checkpoint.directory, reader.path] {
      let model = try ModelLoader.load(
        path: path, context: ExecutionContext(threads: threads))
      #expect(model.tokenizer?.vocabularySize == 257)
      #expect(model.tokenizer?.encode("ab") == [98, 99])
    }
  }

  /// A member of the configuration and the ids it means.
  static let ends: [(JSON?, [Int])] = [(2, [2]), ([2, 0], [2, 0]), (nil, [0]), (.null, [0])]

  @Test(arguments: ends)
  func `the ends of a text are those of the configuration`(value: JSON?, ids: [Int]) throws {
    let source = try change("mamba1-hf") { $0.configure("eos_token_id", value) }
    #expect(source.description.language?.endOfText == ids)
  }
}
