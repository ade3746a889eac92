import Format
import Runtime

/// Mamba-1 language models, in the layouts of Hugging Face and of the state-spaces repository.
///
/// The tensors are the same but for the name of the embedding; the configurations have other keys.
struct MambaOne: MambaArchitecture {
  enum Layout: String { case huggingFace, stateSpaces }

  let layout: Layout

  var profile: String { layout == .huggingFace ? "mamba1-hf" : "mamba1-ssm" }

  var summary: String {
    layout == .huggingFace
      ? "Mamba-1 language model, Hugging Face names"
      : "Mamba-1 language model, state-spaces names"
  }

  var modelTypes: [String] { ["mamba"] }

  func recognizes(_ checkpoint: Checkpoint) -> Bool {
    let modelType = checkpoint.configuration["model_type"]?.stringValue
    guard modelType == nil || modelType == "mamba" else { return false }
    let names = checkpoint.tensors.keys.map { MambaLanguage.strip($0.text) }
    let embedding =
      layout == .huggingFace ? "backbone.embeddings.weight" : "backbone.embedding.weight"
    return names.contains(embedding) && names.contains { $0.hasSuffix(".mixer.x_proj.weight") }
  }

  static func mixer(
    _ reader: inout CheckpointReader, _ prefix: String, _ width: Int
  ) throws -> MixerDescription {
    .mamba(try widths(&reader, prefix, width))
  }

  /// The widths of the mixers, for layouts that add something to them.
  static func widths(
    _ reader: inout CheckpointReader, _ prefix: String, _ width: Int
  ) throws -> MambaMixerDescription {
    let ssm = reader.configuration.present("ssm_cfg") ?? reader.configuration
    return MambaMixerDescription(
      width: width,
      innerWidth: try innerWidth(&reader, prefix, width, ssm),
      stateSize: try reader.size(
        "state size", shape: reader.dimension(prefix + "A_log", 1),
        keys: ["state_size", "d_state"],
        in: ssm),
      timeStepRank: try timeStepRank(&reader, prefix, width: width, ssm),
      convolutionWidth: try reader.size(
        "convolution width", shape: reader.dimension(prefix + "conv1d.weight", 2),
        keys: ["conv_kernel", "d_conv"], in: ssm),
      hasProjectionBias: try MambaLanguage.hasBias(
        &reader, prefix, "in_proj", keys: ["use_bias", "bias"], default: false, in: ssm),
      hasConvolutionBias: try MambaLanguage.hasBias(
        &reader, prefix, "conv1d", keys: ["use_conv_bias", "conv_bias"], default: true, in: ssm))
  }

  /// `expand` is not compared: a released configuration is wrong about it.
  private static func innerWidth(
    _ reader: inout CheckpointReader, _ prefix: String, _ width: Int, _ ssm: JSON
  ) throws -> Int {
    let shape = reader.dimension(prefix + "A_log", 0)
    if try reader.integer(["intermediate_size"]) != nil || shape != nil {
      return try reader.size("inner width", shape: shape, keys: ["intermediate_size"])
    }
    return Int(Double(width) * (try reader.number(["expand"], default: 2, in: ssm)))
  }

  private static func timeStepRank(
    _ reader: inout CheckpointReader, _ prefix: String, width: Int, _ ssm: JSON
  ) throws -> Int {
    let keys = ["time_step_rank", "dt_rank"]
    let shape = reader.dimension(prefix + "dt_proj.weight", 1)
    let stated = keys.compactMap { ssm.present($0) }.first
    if stated == nil || stated?.stringValue == "auto" { return shape ?? (width + 15) / 16 }
    return try reader.size("time-step rank", shape: shape, keys: keys, in: ssm)
  }

  /// The tensors of one mixer.
  static func tensors(
    of mixer: MambaMixerDescription, _ name: String, _ source: String
  ) -> [TensorRule] {
    let (width, inner, states) = (mixer.width, mixer.innerWidth, mixer.stateSize)
    let rank = mixer.timeStepRank
    func rule(_ part: String, _ sourcePart: String, _ role: TensorRole, _ shape: [Int])
      -> TensorRule
    {
      TensorRule("\(name).\(part)", "\(source).\(sourcePart)", role, shape)
    }
    var rules = [rule("inputProjection.weight", "in_proj.weight", .projection, [2 * inner, width])]
    if mixer.hasProjectionBias {
      rules.append(rule("inputProjection.bias", "in_proj.bias", .bias, [2 * inner]))
    }
    rules.append(
      rule("convolution.weight", "conv1d.weight", .convolution, [inner, 1, mixer.convolutionWidth]))
    if mixer.hasConvolutionBias {
      rules.append(rule("convolution.bias", "conv1d.bias", .bias, [inner]))
    }
    rules += [
      rule("scanProjection.weight", "x_proj.weight", .projection, [rank + 2 * states, inner]),
      rule("timeStepProjection.weight", "dt_proj.weight", .projection, [inner, rank]),
      rule("timeStepProjection.bias", "dt_proj.bias", .recurrence, [inner]),
      rule("logarithmicDecay", "A_log", .recurrence, [inner, states]),
      rule("skip", "D", .recurrence, [inner]),
      rule("outputProjection.weight", "out_proj.weight", .projection, [width, inner]),
    ]
    if mixer.hasProjectionBias {
      rules.append(rule("outputProjection.bias", "out_proj.bias", .bias, [width]))
    }
    return rules
  }

  func exportedConfiguration(_ description: ModelDescription, original: JSON) -> JSON {
    guard let language = description.language,
      case .mamba(let mixer) = language.layers.first?.mixer
    else { return original }
    return MambaLanguage.exportedConfiguration(
      language, original: original, keepingMembers: layout == .huggingFace,
      architecture: "MambaForCausalLM", modelType: "mamba",
      mixer: Self.exportedMembers(mixer))
  }

  /// The members of Hugging Face's configuration that describe a mixer.
  static func exportedMembers(_ mixer: MambaMixerDescription) -> [ExactString: JSON] {
    [
      "intermediate_size": .integer(Int64(mixer.innerWidth)),
      "state_size": .integer(Int64(mixer.stateSize)),
      "time_step_rank": .integer(Int64(mixer.timeStepRank)),
      "conv_kernel": .integer(Int64(mixer.convolutionWidth)),
      "use_bias": .bool(mixer.hasProjectionBias),
      "use_conv_bias": .bool(mixer.hasConvolutionBias),
    ]
  }
}
