import Format
import Runtime
import TestSupport
import Testing

@testable import Convert

@Suite struct RecognitionTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func describe(_ checkpoint: Checkpoint) throws -> ModelDescription {
    try CheckpointWeightSource(checkpoint).description
  }

  @Test func `every profile has a name of its own and leads back to itself`() {
    let profiles = Architectures.all.map(\.profile)
    #expect(Set(profiles).count == profiles.count)
    #expect(profiles.allSatisfy { Architectures.named($0)?.profile == $0 })
    #expect(Architectures.named("none") == nil)
    #expect(Architectures.all.allSatisfy { !$0.summary.isEmpty && !$0.modelTypes.isEmpty })
  }

  @Test(arguments: Fixtures.models)
  func `a fixture is recognised by what it is`(name: String) throws {
    let profile = try describe(Checkpoint(directory: Fixtures.model(name))).profile
    let expected = [
      "mamba1-hf": "mamba1-hf", "mamba1-ssm": "mamba1-ssm", "siglip": "siglip-vit",
      "vlmamba": "vlmamba",
    ].first { name.hasPrefix($0.key) }?.value
    #expect(profile == expected)
  }

  /// A model type and the profiles, those spelled most alike first.
  static let nearest = [
    ("mambo", ["mamba1-hf", "mamba1-ssm", "vlmamba", "siglip-vit"]),
    ("siglip_vision", ["siglip-vit", "vlmamba", "mamba1-ssm", "mamba1-hf"]),
    ("vl_mamba2", ["vlmamba", "mamba1-hf", "mamba1-ssm", "siglip-vit"]),
  ]

  @Test(arguments: nearest)
  func `an unknown architecture lists the known ones, nearest first`(
    modelType: String, known: [String]
  ) throws {
    let checkpoint = try directory.checkpoint("mamba1-hf") {
      $0.configure("model_type", .string(modelType))
    }
    #expect(
      throws: ConvertError.unknownArchitecture(
        directory: checkpoint.directory, modelType: modelType, known: known)
    ) { try describe(checkpoint) }
  }

  @Test func `a checkpoint without model type is recognised by its tensors`() throws {
    let named = try directory.checkpoint("mamba1-hf") { $0.configure("model_type", nil) }
    #expect(try describe(named).profile == "mamba1-hf")
    let checkpoint = try directory.checkpoint("mamba1-hf", as: "other") {
      $0.configure("model_type", nil)
      $0.tensors = ["x": .init([1], shape: [1])]
    }
    do {
      _ = try describe(checkpoint)
      Issue.record("recognised")
    } catch ConvertError.unknownArchitecture(_, let modelType, let known) {
      #expect(modelType == nil && known.count == Architectures.all.count)
    }
  }

  @Test(arguments: ["module.", "_orig_mod.", "language_model.", "module._orig_mod."])
  func `what wrappers put in front of names does not matter`(prefix: String) throws {
    let plain = try describe(Checkpoint(directory: Fixtures.model("mamba1-hf")))
    let wrapped = try directory.checkpoint("mamba1-hf") { sample in
      sample.tensors = Dictionary(
        uniqueKeysWithValues: sample.tensors.map { (prefix + $0.key, $0.value) })
    }
    #expect(try describe(wrapped) == plain)
  }

  @Test func `buffers and the other half of a model are left out with a note`() throws {
    let checkpoint = try directory.checkpoint("siglip") {
      $0.tensors["vision_model.embeddings.position_ids"] = .init(
        dataType: .i64, shape: [1], bytes: [UInt8](repeating: 0, count: 8))
      $0.tensors["text_model.embeddings.token_embedding.weight"] = .init([1], shape: [1])
      $0.tensors["logit_scale"] = .init([1], shape: [1])
    }
    let notes = try CheckpointWeightSource(checkpoint).notes
    #expect(
      notes
        == [
          "logit_scale", "text_model.embeddings.token_embedding.weight",
          "vision_model.embeddings.position_ids",
        ].map { "\($0) is left out: it has no use in siglip-vit" })
  }
}
