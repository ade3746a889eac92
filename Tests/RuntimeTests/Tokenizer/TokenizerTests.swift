import Runtime
import Testing

@Suite struct TokenizerTests {
  @Test func `the fixture has all its variants`() {
    #expect(TokenizerFixture.variants.count == 11)
    #expect(TokenizerFixture.variants.allSatisfy { $0.cases.count >= 10 })
  }

  @Test(arguments: TokenizerFixture.variants)
  func `ids and decoded texts are those of the tokenizers library`(
    variant: TokenizerFixture.Variant
  ) throws {
    let tokenizer = try TokenizerFixture.tokenizer(variant.members)
    for example in variant.cases {
      #expect(tokenizer.encode(example.text) == example.ids, "\(example.text.debugDescription)")
      let decoded = tokenizer.decode(example.ids)
      #expect(decoded.utf8.elementsEqual(example.decoded.utf8), "\(decoded.debugDescription)")
    }
  }

  @Test func `bytes that are no text decode as in the tokenizers library`() throws {
    let tokenizer = try TokenizerFixture.tokenizer()
    #expect(TokenizerFixture.brokenTexts.count == 200)
    for example in TokenizerFixture.brokenTexts {
      #expect(tokenizer.decode(example.ids).utf8.elementsEqual(example.decoded.utf8))
    }
  }

  @Test func `a stream of ids gives the text of all of them`() throws {
    let tokenizer = try TokenizerFixture.tokenizer()
    for example in TokenizerFixture.variants.flatMap(\.cases) {
      var decoder = StreamingDecoder(tokenizer)
      var text = ""
      for id in example.ids { text += decoder.append(id) }
      text += decoder.finish()
      #expect(text.utf8.elementsEqual(tokenizer.decode(example.ids).utf8))
    }
  }

  @Test func `a stream of random ids gives the text of all of them`() throws {
    let tokenizer = try TokenizerFixture.tokenizer()
    var generator = SeededGenerator(state: 1)
    for length in 1...200 {
      let ids = (0..<length).map { _ in
        Int.random(in: -1...tokenizer.vocabularySize, using: &generator)
      }
      var decoder = StreamingDecoder(tokenizer)
      var text = ""
      for id in ids { text += decoder.append(id) }
      text += decoder.finish()
      #expect(text.utf8.elementsEqual(tokenizer.decode(ids).utf8), "\(ids)")
    }
  }

  @Test func `a stream holds back an incomplete character and nothing else`() throws {
    let tokenizer = try TokenizerFixture.tokenizer()
    let ids = try ["x", "ð", "Ł", "¦", "Ĭ", "y"].map { try #require(tokenizer.id(of: $0)) }
    var decoder = StreamingDecoder(tokenizer)
    #expect(ids.map { decoder.append($0) } == ["x", "", "", "", "🦊", "y"])
    #expect(decoder.append(ids[1]) == "")
    #expect(decoder.finish() == "\u{FFFD}")
    #expect(decoder.finish() == "")
  }

  @Test func `tokens are found by their exact name`() throws {
    let tokenizer = try TokenizerFixture.tokenizer()
    #expect(tokenizer.id(of: "<|endoftext|>") == 0)
    #expect(tokenizer.id(of: "<image>") == 2)
    #expect(tokenizer.id(of: "Vie\u{302}\u{323}t") != nil)
    #expect(tokenizer.id(of: "Vi\u{1EC7}t") == nil)
    #expect(tokenizer.id(of: "no such token") == nil)
  }

  @Test func `bytes of ids outside the vocabulary do not exist`() throws {
    let tokenizer = try TokenizerFixture.tokenizer()
    let size = tokenizer.vocabularySize
    #expect(tokenizer.bytes(of: -1) == nil)
    #expect(tokenizer.bytes(of: size) == nil)
    #expect(tokenizer.bytes(of: size - 1) != nil)
    #expect(tokenizer.bytes(of: 0) == Array("<|endoftext|>".utf8))
    #expect(tokenizer.decode([-1, size, Int.max, Int.min]) == "")
  }

  @Test func `added tokens decode as they are written even in letters of the byte alphabet`() throws
  {
    let token = TokenizerFixture.addedToken(id: 0, "réponseĠ")
    let tokenizer = try TokenizerFixture.tokenizer(
      .dictionary([
        "added_tokens": .array([token]),
        "model": .dictionary(["vocab": .object(TokenizerFixture.shiftedVocabulary)]),
      ]))
    #expect(tokenizer.encode("réponseĠ") == [0])
    #expect(tokenizer.decode([0]) == "réponseĠ")
  }

  /// A quadratic method would need 10¹² steps, hours; the allowance is for slow machines and debug builds.
  @Test(
    .timeLimit(.minutes(2)),
    arguments: [
      LongText(unit: "a", count: 1 << 20), LongText(unit: " ", count: 1 << 20),
      LongText(unit: "\u{301}\u{323}", count: 1 << 18),
      LongText(unit: "\u{1100}\u{1161}\u{11A8}", count: 1 << 17),
      LongText(unit: "e\u{301} x", count: 1 << 18),
    ])
  func `a long text without a break is encoded and comes back`(long: LongText) throws {
    let text = String(repeating: long.unit, count: long.count)
    let tokenizer = try TokenizerFixture.tokenizer(.dictionary(["normalizer": .null]))
    #expect(tokenizer.decode(tokenizer.encode(text)).utf8.elementsEqual(text.utf8))
    let strips = TokenizerFixture.addedToken(id: 600, " ", stripsRight: true)
    let stripping = try TokenizerFixture.tokenizer(.dictionary(["added_tokens": .array([strips])]))
    #expect(!stripping.encode(text).isEmpty)
    let composing = try TokenizerFixture.tokenizer()
    let ids = composing.encode(text)
    #expect(composing.encode(composing.decode(ids)) == ids)
  }
}

struct LongText: Sendable {
  let unit: String
  let count: Int
}

/// SplitMix64 (Steele, Lea, Flood 2014).
private struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
