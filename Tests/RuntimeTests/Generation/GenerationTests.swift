import Quant
import Runtime
import TestSupport
import Testing

@Suite struct GenerationTests {
  private func generate(
    _ model: Model, _ prompt: [Int], after before: PromptSnapshot? = nil, temperature: Double = 0,
    limit: Int = 12
  ) throws -> [Int] {
    let language = try #require(model.language)
    var generation = try Generation(
      model, after: model.read(language.embed(prompt), after: before),
      sampler: Sampler(temperature: temperature, seed: 3))
    var ids = [Int]()
    while ids.count < limit, let id = try generation.next() { ids.append(id) }
    return ids
  }

  /// The most likely continuation, reading everything anew for every token.
  private func slowly(_ model: Model, _ prompt: [Int], count: Int) throws -> [Int] {
    let language = try #require(model.language)
    var ids = prompt
    for _ in 0..<count {
      var state = language.initialState
      let hidden = language.run(try language.embed(ids), state: &state, model.context)
      let last = hidden.rows(hidden.rows - 1..<hidden.rows)
      let logits = language.logits(last, model.context).columns(0..<SampleTokenizer.vocabularySize)
      ids.append(logits.largest(inRow: 0))
    }
    return Array(ids.dropFirst(prompt.count))
  }

  @Test func `the most likely tokens follow each other`() throws {
    let model = try SampleModel.load()
    for prompt in [[5], [1, 2, 3], Array(10..<40)] {
      let expected = try slowly(model, prompt, count: 12)
      #expect(try generate(model, prompt) == Array(expected.prefix { $0 != 0 }))
    }
  }

  @Test func `a prompt may be read in parts`() throws {
    let model = try SampleModel.load()
    let language = try #require(model.language)
    let beginning = try model.read(language.embed([9, 8, 7, 6, 5]))
    let whole = try generate(model, [9, 8, 7, 6, 5, 4, 3])
    #expect(try generate(model, [4, 3], after: beginning) == whole)
    // The snapshot is a value: it can be used again.
    #expect(try generate(model, [4, 3], after: beginning) == whole)
    #expect(try generate(model, [], after: beginning) == generate(model, [9, 8, 7, 6, 5]))
  }

  @Test func `nothing follows the end of the text`() throws {
    let ids = try generate(SampleModel.load(), [5])
    let end = try #require(ids.dropFirst(3).first)
    var language = SampleModel.language
    language.endOfText = [end]
    let model = try Model(
      SampleWeights(), ModelDescription(profile: "mamba1-hf", language: language),
      tokenizer: SampleModel.tokenizer(), context: ExecutionContext())
    var generation = try Generation(
      model, after: model.read(#require(model.language).embed([5])),
      sampler: Sampler(temperature: 0))
    var found = [Int?]()
    for _ in 0..<10 { found.append(try generation.next()) }
    let before = Array(ids.prefix { $0 != end })
    #expect(found.compactMap { $0 } == before)
    #expect(found.dropFirst(before.count).allSatisfy { $0 == nil })
  }

  @Test func `tokens beyond the tokenizer are never given`() throws {
    let model = try SampleModel.load(
      SampleWeights(constants: [
        "language.head.weight": { $0 >= SampleTokenizer.vocabularySize ? 1000 : Float($0) / 100 }
      ]))
    let ids = try generate(model, [5], temperature: 3, limit: 60)
    #expect(ids.allSatisfy { $0 < SampleTokenizer.vocabularySize })
  }

  @Test func `the same seed gives the same text`() throws {
    let model = try SampleModel.load()
    #expect(try generate(model, [5], temperature: 1) == generate(model, [5], temperature: 1))
  }

  @Test func `a prompt without tokens is refused`() throws {
    #expect(throws: ModelError.nothingToEvaluate("the prompt has no tokens")) {
      _ = try generate(SampleModel.load(), [])
    }
  }
}

@Suite struct PromptTests {
  private let image = Fixtures.image("rgb.png")

  private func tokens(_ text: String) throws -> Matrix {
    let model = try SampleModel.loadVisionLanguage()
    return try #require(model.language).embed(SampleModel.tokenizer().encode(text))
  }

  @Test func `a text alone is its tokens`() throws {
    let model = try SampleModel.loadVisionLanguage()
    #expect(try Prompt(text: "Hi <image>").embeddings(for: model) == tokens("Hi <image>"))
  }

  @Test func `an image comes first, and its question has the model's form`() throws {
    let model = try SampleModel.loadVisionLanguage()
    let pixels = try #require(try model.encode(RGBImage(contentsOf: image)).embeddings)
    let prompt = try Prompt(text: "What?", image: image).embeddings(for: model)
    let question = try tokens("Q: What? A:")
    #expect(prompt.values == pixels.values + question.values)
    let raw = try Prompt(text: "What?", image: image, form: .raw).embeddings(for: model)
    #expect(try raw.values == pixels.values + tokens("What?").values)
  }

  @Test func `a continuation has no token that begins texts`() throws {
    let definition = SampleTokenizer.definition()
    let model = try Model(
      SampleWeights(), ModelDescription(profile: "mamba1-hf", language: SampleModel.language),
      tokenizer: Tokenizer(
        parsing: Array(definition.utf8),
        configuration: Array(
          #"{"add_bos_token": true, "bos_token": "<|endoftext|>"}"#.utf8),
        file: "tokenizer.json"),
      context: ExecutionContext())
    let language = try #require(model.language)
    let ids = try #require(model.tokenizer).encode("Hi")
    #expect(try Prompt(text: "Hi").embeddings(for: model) == language.embed([0] + ids))
    let continuation = Prompt(text: "Hi", form: .continuation)
    #expect(try continuation.embeddings(for: model) == language.embed(ids))
    #expect(try Prompt(text: "", form: .continuation).embeddings(for: model).rows == 0)
  }

  @Test func `a mark says where the image goes`() throws {
    let model = try SampleModel.loadVisionLanguage()
    let pixels = try #require(try model.encode(RGBImage(contentsOf: image)).embeddings)
    let prompt = try Prompt(text: "See <image>this", image: image, form: .raw)
      .embeddings(for: model)
    #expect(try prompt.values == tokens("See ").values + pixels.values + tokens("this").values)
  }

  @Test func `a conversation is written with the model's template`() throws {
    var model = try SampleModel.loadVisionLanguage()
    model.chat = try ChatFormat(
      tokenizerConfiguration: .dictionary([
        "chat_template": .string(
          "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{{ eos_token }}[assistant]"
        ),
        "eos_token": .string("!"),
      ]), templateFile: nil, file: "tokenizer_config.json")
    let plain = try Prompt(text: "Hi", form: .chat(system: nil)).embeddings(for: model)
    #expect(try plain == tokens("[user]Hi![assistant]"))
    let instructed = try Prompt(text: "Hi", form: .chat(system: "Be brief.")).embeddings(for: model)
    #expect(try instructed == tokens("[system]Be brief.[user]Hi![assistant]"))
    let pixels = try #require(try model.encode(RGBImage(contentsOf: image)).embeddings)
    let seen = try Prompt(text: "See <image>this", image: image, form: .chat(system: nil))
      .embeddings(for: model)
    #expect(
      try seen.values == tokens("[user]See ").values + pixels.values
        + tokens("this![assistant]").values)
  }

  @Test func `without a template the model's form for questions is its conversation`() throws {
    let model = try SampleModel.loadVisionLanguage()
    #expect(
      try Prompt(text: "Hi", form: .chat(system: nil)).embeddings(for: model) == tokens("Q: Hi A:"))
    #expect(throws: ModelError.missingPart("chat template", needed: "a system prompt")) {
      _ = try Prompt(text: "Hi", form: .chat(system: "Be brief.")).embeddings(for: model)
    }
    #expect(throws: ModelError.missingPart("chat template", needed: "a conversation")) {
      _ = try Prompt(text: "Hi", form: .chat(system: nil)).embeddings(for: SampleModel.load())
    }
  }

  @Test func `an image needs a model that sees`() throws {
    #expect(throws: ModelError.missingPart("vision encoder", needed: "an image")) {
      _ = try Prompt(text: "x", image: image).embeddings(
        for: Model(
          SampleWeights(),
          ModelDescription(profile: "mamba1-hf", language: SampleModel.language),
          tokenizer: SampleModel.tokenizer(), context: ExecutionContext()))
    }
    #expect(throws: ModelError.missingPart("connector", needed: "an image in a prompt")) {
      _ = try Prompt(text: "x", image: image).embeddings(
        for: SampleModel.loadVisionLanguage {
          $0.connector = nil
          $0.vision[0].selectedLayer = nil
        })
    }
  }
}
