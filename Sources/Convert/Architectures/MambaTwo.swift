import Format
import Runtime

/// Mamba-2 language models, in the layouts of Hugging Face, of the state-spaces repository and of Mistral.
struct MambaTwo: MambaArchitecture {
  enum Layout: String { case huggingFace, stateSpaces, mistral }

  let layout: Layout

  var profile: String {
    switch layout {
    case .huggingFace: "mamba2-hf"
    case .stateSpaces: "mamba2-ssm"
    case .mistral: "mamba2-mistral"
    }
  }

  var summary: String {
    switch layout {
    case .huggingFace: "Mamba-2 language model, Hugging Face names"
    case .stateSpaces: "Mamba-2 language model, state-spaces names"
    case .mistral: "Mamba-2 language model, Mistral's native layout"
    }
  }

  var modelTypes: [String] { ["mamba2"] }

  func recognizes(_ checkpoint: Checkpoint) -> Bool {
    let modelType = checkpoint.configuration["model_type"]?.stringValue
    let names = checkpoint.tensors.keys.map(\.text)
    // Mistral's own configuration calls this model type “mamba”.
    guard modelType == nil || modelType == "mamba2" || checkpoint.isMistralNative,
      names.contains(where: { $0.hasSuffix(".mixer.dt_bias") }),
      !names.contains(where: { $0.hasSuffix(".mixer.x_proj.weight") })
    else { return false }
    let stripped = names.map(MambaLanguage.strip)
    switch layout {
    case .mistral: return checkpoint.isMistralNative
    case .huggingFace: return stripped.contains("backbone.embeddings.weight")
    case .stateSpaces:
      return !checkpoint.isMistralNative && stripped.contains("backbone.embedding.weight")
    }
  }

  var isTiedByDefault: Bool { layout == .stateSpaces }

  static func mixer(
    _ reader: inout CheckpointReader, _ prefix: String, _ width: Int
  ) throws -> MixerDescription {
    let configuration = reader.configuration.present("ssm_cfg") ?? reader.configuration
    if let attention = reader.configuration.present("attn_layer_idx")?.arrayValue,
      !attention.isEmpty
    {
      throw ConvertError.unsupported(
        option: "attn_layer_idx", found: "\(attention.count) layers", supported: "no attention",
        file: reader.configurationFile)
    }
    let inner = reader.dimension(prefix + "out_proj.weight", 1)
    let heads = try reader.size(
      "number of heads", shape: reader.dimension(prefix + "A_log", 0), keys: ["num_heads"],
      in: configuration)
    let headWidth = try reader.size(
      "head width", shape: inner.map { $0 / max(1, heads) }, keys: ["head_dim", "headdim"],
      in: configuration)
    let (groups, states) = try parameters(&reader, prefix, inner: inner, configuration)
    let limits = try timeStepLimits(reader, configuration)
    return .mamba2(
      MambaTwoMixerDescription(
        width: width, heads: heads, headWidth: headWidth, groups: groups, stateSize: states,
        convolutionWidth: try reader.size(
          "convolution width", shape: reader.dimension(prefix + "conv1d.weight", 2),
          keys: ["conv_kernel", "d_conv"], in: configuration),
        hasProjectionBias: try MambaLanguage.hasBias(
          &reader, prefix, "in_proj", keys: ["use_bias", "bias"], default: false,
          in: configuration),
        hasConvolutionBias: try MambaLanguage.hasBias(
          &reader, prefix, "conv1d", keys: ["use_conv_bias", "conv_bias"], default: true,
          in: configuration),
        hasChannelSkip: inner != heads && reader.dimension(prefix + "D", 0) == inner,
        hasNormalization: reader.has(prefix + "norm.weight"),
        epsilon: reader.configuration.present("ssm_cfg") == nil
          ? try reader.number(["layer_norm_epsilon"], default: 1e-5) : 1e-5,
        timeStepMinimum: limits.low, timeStepMaximum: limits.high))
  }

  /// Groups and states: the convolution gives their product, the configuration one of them.
  private static func parameters(
    _ reader: inout CheckpointReader, _ prefix: String, inner: Int?, _ configuration: JSON
  ) throws -> (groups: Int, states: Int) {
    let stated = try reader.integer(["state_size", "d_state"], in: configuration)?.value
    let states = stated ?? 128
    guard let channels = reader.dimension(prefix + "conv1d.weight", 0), let inner, states > 0
    else {
      return (
        try reader.size(
          "number of groups", shape: nil, keys: ["n_groups", "ngroups"], in: configuration),
        states
      )
    }
    let product = (channels - inner) / 2
    guard product > 0, product % states == 0 else {
      throw ConvertError.unsupported(
        option: "state size", found: "\(states)",
        supported: "a divisor of the \(product) channels that B has in conv1d.weight",
        file: reader.configurationFile)
    }
    return (
      try reader.size(
        "number of groups", shape: product / states, keys: ["n_groups", "ngroups"],
        in: configuration),
      states
    )
  }

  /// The limits of the time step. Infinity is written bare or as `{"__float__": "Infinity"}`.
  private static func timeStepLimits(
    _ reader: CheckpointReader, _ configuration: JSON
  ) throws -> (low: Double, high: Double?) {
    guard
      let value = configuration.present("time_step_limit") ?? configuration.present("dt_limit")
    else { return (0, nil) }
    let limits = (value.arrayValue ?? []).compactMap { limit in
      limit["__float__"]?.stringValue.flatMap(Double.init) ?? limit.doubleValue
    }
    guard limits.count == 2, limits[0] >= 0, limits[0].isFinite, limits[1] >= limits[0] else {
      throw ConvertError.malformedConfiguration(
        file: reader.configurationFile, key: "time_step_limit",
        expected: "two numbers, the smallest and the largest time step")
    }
    return (limits[0], limits[1].isFinite ? limits[1] : nil)
  }

  /// The tensors of one mixer.
  static func tensors(
    of mixer: MambaTwoMixerDescription, _ name: String, _ source: String
  ) -> [TensorRule] {
    let (width, inner, heads) = (mixer.width, mixer.innerWidth, mixer.heads)
    let convolved = inner + 2 * mixer.parameterWidth
    func rule(
      _ part: String, _ sourcePart: String, _ role: TensorRole, _ shape: [Int]
    ) -> TensorRule {
      TensorRule("\(name).\(part)", "\(source).\(sourcePart)", role, shape)
    }
    var rules = [
      rule(
        "inputProjection.weight", "in_proj.weight", .projection,
        [inner + convolved + heads, width])
    ]
    if mixer.hasProjectionBias {
      rules.append(rule("inputProjection.bias", "in_proj.bias", .bias, [inner + convolved + heads]))
    }
    rules.append(
      rule(
        "convolution.weight", "conv1d.weight", .convolution,
        [convolved, 1, mixer.convolutionWidth]))
    if mixer.hasConvolutionBias {
      rules.append(rule("convolution.bias", "conv1d.bias", .bias, [convolved]))
    }
    rules += [
      rule("timeStepBias", "dt_bias", .recurrence, [heads]),
      rule("logarithmicDecay", "A_log", .recurrence, [heads]),
      rule("skip", "D", .recurrence, [mixer.hasChannelSkip ? inner : heads]),
    ]
    if mixer.hasNormalization {
      rules.append(rule("normalization.weight", "norm.weight", .normalization, [inner]))
    }
    rules.append(rule("outputProjection.weight", "out_proj.weight", .projection, [width, inner]))
    if mixer.hasProjectionBias {
      rules.append(rule("outputProjection.bias", "out_proj.bias", .bias, [width]))
    }
    return rules
  }

  func exportedConfiguration(_ description: ModelDescription, original: JSON) -> JSON {
    guard let language = description.language,
      case .mamba2(let mixer) = language.layers.first?.mixer,
      mixer.hasNormalization, !mixer.hasChannelSkip
    else { return original }
    return MambaLanguage.exportedConfiguration(
      language, original: original, keepingMembers: layout == .huggingFace,
      architecture: "Mamba2ForCausalLM", modelType: "mamba2",
      mixer: Self.exportedMembers(mixer))
  }

  private static func exportedMembers(
    _ mixer: MambaTwoMixerDescription
  ) -> [ExactString: JSON] {
    [
      "num_heads": .integer(Int64(mixer.heads)),
      "head_dim": .integer(Int64(mixer.headWidth)),
      "n_groups": .integer(Int64(mixer.groups)),
      "state_size": .integer(Int64(mixer.stateSize)),
      "conv_kernel": .integer(Int64(mixer.convolutionWidth)),
      "expand": .integer(Int64(mixer.innerWidth / mixer.width)),
      "use_bias": .bool(mixer.hasProjectionBias),
      "use_conv_bias": .bool(mixer.hasConvolutionBias),
      "time_step_limit": .array([
        .number(mixer.timeStepMinimum),
        mixer.timeStepMaximum.map(JSON.number) ?? .dictionary(["__float__": .string("Infinity")]),
      ]),
    ]
  }
}
