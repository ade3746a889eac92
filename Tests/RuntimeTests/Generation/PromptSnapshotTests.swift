import Convert
import Format
import Foundation
import Quant
import Runtime
import TestSupport
import Testing

@Suite struct PromptSnapshotTests {
  private let directory: TemporaryDirectory
  private let identity = String(repeating: "a", count: 64)

  init() throws { directory = try TemporaryDirectory() }

  private func load(_ fixture: String, threads: Int = 1) throws -> Model {
    try ModelLoader.load(
      path: Fixtures.model(fixture), vision: Fixtures.vision(fixture),
      context: ExecutionContext(threads: threads))
  }

  /// The image of a fixture, if it has one, and twelve tokens.
  private func prompt(_ fixture: String, _ model: Model) throws -> (image: Matrix?, text: Matrix) {
    let expected = try Fixtures.expected(fixture)
    var image: Matrix?
    if let pixels = try expected.floats("pixel_values"),
      let shape = expected.shape("pixel_values")
    {
      image = try model.encode(pixels: pixels, height: shape[1], width: shape[2]).embeddings
    }
    let language = try #require(model.language)
    let text = try language.embed((0..<12).map { ($0 * 7 + 3) % language.shape.vocabularySize })
    return (image, text)
  }

  private func continuation(_ model: Model, _ prompt: PromptSnapshot) throws -> [Int] {
    var generation = try Generation(model, after: prompt, sampler: Sampler(temperature: 0))
    var ids = [Int]()
    while ids.count < 16, let id = try generation.next() { ids.append(id) }
    return ids
  }

  @Test(arguments: Fixtures.languageModels)
  func `text goes on from a file as if it had been read at once`(fixture: String) throws {
    let model = try load(fixture)
    let (image, text) = try prompt(fixture, model)
    let seen = try image.map { image throws(ModelError) in try model.read(image) }
    for split in [1, 5, 12] {
      let path = directory.file("\(split).vlms")
      try model.read(text.rows(0..<split), after: seen)
        .write(to: path, model: model, identity: identity, overwrite: false)
      let loaded = try PromptSnapshot(path: path, model: model, identity: identity)
      let before = try model.read(text.rows(0..<split), after: seen)
      #expect(loaded == before)
      let rest = text.rows(split..<12)
      let after = try model.read(rest, after: loaded)
      #expect(try after == model.read(rest, after: before))
      let whole = try model.read(text, after: seen)
      #expect(try continuation(model, after) == continuation(model, whole))
    }
  }

  @Test(arguments: ["mamba1-hf", "mamba2-ssm", "vlmamba-vss-mlp-bsm"])
  func `the bytes do not depend on the number of threads`(fixture: String) throws {
    let files = try [1, 2].map { threads in
      let model = try load(fixture, threads: threads)
      let (image, text) = try prompt(fixture, model)
      let seen = try image.map { image throws(ModelError) in try model.read(image) }
      let path = directory.file("\(threads).vlms")
      try model.read(text, after: seen)
        .write(to: path, model: model, identity: identity, overwrite: false)
      return try contents(of: path)
    }
    #expect(files[0] == files[1])
  }

  /// Writes a state, changes its arrays, and expects the file to be refused.
  private func expectRefusal(
    item: String, found: String, expected: String,
    _ change: (inout [StateFile.Values]) -> Void
  ) throws {
    let model = try SampleModel.load()
    let path = directory.file("changed.vlms")
    try model.read(#require(model.language).embed([1, 2]))
      .write(to: path, model: model, identity: identity, overwrite: true)
    var arrays = try StateFile(path: path).arrays
    change(&arrays)
    try StateFile(model: identity, arrays: arrays).write(to: path, overwrite: true)
    #expect(
      throws: FormatError.malformed(file: path, item: item, found: found, expected: expected)
    ) { try PromptSnapshot(path: path, model: model, identity: identity) }
  }

  @Test func `arrays of another model are refused even if its name is right`() throws {
    try expectRefusal(item: "hidden", found: "missing", expected: "to be there") {
      $0.removeLast()
    }
    try expectRefusal(item: "the number of arrays", found: "6", expected: "5") {
      $0.append(.init(name: "more", shape: [1], values: [0]))
    }
    try expectRefusal(
      item: "array 1", found: "layers.0.scan [4, 24]", expected: "layers.0.scan [24, 4]"
    ) { $0[1] = .init(name: $0[1].name, shape: [4, 24], values: $0[1].values) }
    try expectRefusal(
      item: "array 0", found: "layers.0.scan [24, 4]", expected: "layers.0.history [3, 24]"
    ) { $0.swapAt(0, 1) }
  }

  @Test func `a state of another model is refused`() throws {
    let model = try SampleModel.load()
    let path = directory.file("state.vlms")
    try model.read(#require(model.language).embed([1]))
      .write(to: path, model: model, identity: identity, overwrite: false)
    let other = String(repeating: "b", count: 64)
    let error = ModelError.foreignState(file: path, found: identity, expected: other)
    #expect(throws: error) { try PromptSnapshot(path: path, model: model, identity: other) }
    #expect(error.kind == .badInput)
    #expect(
      error.description
        == "\(path) is a state of the model \(identity); expected the model \(other)")
  }

  @Test func `a state that is not finite is not written`() throws {
    let model = try SampleModel.load(
      SampleWeights(constants: ["language.normalization.weight": { _ in .nan }]))
    let path = directory.file("state.vlms")
    #expect(throws: ModelError.nonFinitePredictions("the model")) {
      try model.read(#require(model.language).embed([1]))
        .write(to: path, model: model, identity: identity, overwrite: false)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}
