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
    #expect(Architectures.all.allSatisfy { !$0.summary.isEmpty })
  }

  @Test(arguments: Fixtures.models)
  func `a fixture is recognised by what it is`(name: String) throws {
    let profile = try describe(Checkpoint(directory: Fixtures.model(name))).profile
    let expected = Self.profiles.first { name.hasPrefix($0.0) }?.1
    #expect(profile == expected)
  }

  /// How the names of fixtures begin, and their profiles; the first that fits counts.
  static let profiles = [
    ("mamba1-hf", "mamba1-hf"), ("mamba1-ssm", "mamba1-ssm"), ("mamba2-hf", "mamba2-hf"),
    ("mamba2-ssm", "mamba2-ssm"), ("mamba2-mistral", "mamba2-mistral"),
    ("falcon-mamba", "falcon-mamba"), ("siglip", "siglip-vit"), ("clip", "clip-vit"),
    ("dinov2-reg", "dinov2-reg"), ("dinov2", "dinov2"), ("internvit-hf", "internvit-hf"),
    ("internvit", "internvit"), ("timm-vit", "timm-vit"), ("vlmamba", "vlmamba"),
    ("llava-mamba", "vlmamba"),
  ]

  /// A model type and the profiles that are spelled most alike.
  static let nearest = [
    ("mambo", ["mamba1-hf", "mamba1-ssm"]), ("siglip_vision", ["siglip-vit"]),
    ("vl_mamba2", ["vlmamba"]), ("falcon_mamba2", ["falcon-mamba"]),
  ]

  @Test(arguments: nearest)
  func `an unknown architecture lists the known ones, nearest first`(
    modelType: String, known: [String]
  ) throws {
    let checkpoint = try directory.checkpoint("mamba1-hf") {
      $0.configure("model_type", .string(modelType))
    }
    do {
      _ = try describe(checkpoint)
      Issue.record("recognised")
    } catch ConvertError.unknownArchitecture(let directory, let found, let profiles) {
      #expect(directory == checkpoint.directory && found == modelType)
      #expect(Array(profiles.prefix(known.count)) == known)
      #expect(Set(profiles) == Set(Architectures.all.map(\.profile)))
    }
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
