import Format
import Runtime

/// A layout of Mamba language models that stand alone: what it adds is how to read the widths of its mixers.
protocol MambaArchitecture: Architecture {
  /// Whether the head is the embedding where a checkpoint has both and the configuration is silent.
  var isTiedByDefault: Bool { get }

  /// The widths of the mixers, from the tensors below `prefix` and the configuration.
  static func mixer(
    _ reader: inout CheckpointReader, _ prefix: String, _ width: Int
  ) throws -> MixerDescription
}

extension MambaArchitecture {
  var isTiedByDefault: Bool { true }

  func standardName(_ name: String, in checkpoint: Checkpoint) -> String? {
    MambaLanguage.standardName(name)
  }

  func describe(_ reader: inout CheckpointReader) throws -> ModelDescription {
    ModelDescription(
      profile: profile,
      language: try MambaLanguage.language(
        &reader, isTiedByDefault: isTiedByDefault, mixer: Self.mixer))
  }

  func tensors(_ description: ModelDescription) -> [TensorRule] {
    description.language.map(MambaLanguage.tensors) ?? []
  }
}
