import Format
import Runtime

/// FalconMamba: Mamba-1 in Hugging Face's names, with weightless norms on time step, B and C.
///
/// Nothing in the tensors tells it from Mamba-1; only `model_type` does.
struct FalconMamba: MambaArchitecture {
  let profile = "falcon-mamba"
  let summary = "FalconMamba language model"
  let modelTypes = ["falcon_mamba"]

  func recognizes(_ checkpoint: Checkpoint) -> Bool {
    checkpoint.configuration["model_type"]?.stringValue == "falcon_mamba"
      && checkpoint.tensors.keys.contains { $0.text.hasSuffix(".mixer.x_proj.weight") }
  }

  static func mixer(
    _ reader: inout CheckpointReader, _ prefix: String, _ width: Int
  ) throws -> MixerDescription {
    var mixer = try MambaOne.widths(&reader, prefix, width)
    mixer.parameterNormalizationEpsilon = try reader.number(["mixer_rms_eps"], default: 1e-6)
    return .mamba(mixer)
  }

  func exportedConfiguration(_ description: ModelDescription, original: JSON) -> JSON {
    guard let language = description.language,
      case .mamba(let mixer) = language.layers.first?.mixer
    else { return original }
    var members = MambaOne.exportedMembers(mixer)
    members["mixer_rms_eps"] = mixer.parameterNormalizationEpsilon.map(JSON.number)
    return MambaLanguage.exportedConfiguration(
      language, original: original, keepingMembers: true, architecture: "FalconMambaForCausalLM",
      modelType: "falcon_mamba", mixer: members)
  }
}
