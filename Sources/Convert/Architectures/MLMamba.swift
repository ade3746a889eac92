import Format
import Runtime

/// ML-Mamba (arXiv:2407.19832): Cobra's towers, a connector of bidirectional Mamba-2, and a Mamba-2 language model.
struct MLMamba: Architecture {
  let profile = "mlmamba"
  let summary = "ML-Mamba: DINOv2 and SigLIP, bidirectional Mamba-2 connector, Mamba language model"
  let modelTypes = ["mlmamba", "ml_mamba"]
  let acceptsSeparateTowers = true

  private static let mixers = "bidirectional_mamba.layers."
  private static let languagePrefix = "llm_backbone."

  func recognizes(_ checkpoint: Checkpoint) -> Bool {
    CobraParts.recognizes(checkpoint)
      && checkpoint.tensors.keys.contains {
        CheckpointNames.unwrapped($0.text).hasPrefix(Self.mixers)
      }
  }

  func standardName(_ name: String, in checkpoint: Checkpoint) -> String? {
    CobraParts.standardName(name)
  }

  func exportedName(_ standardName: String) -> String {
    CobraParts.exportedName(standardName, languagePrefix: Self.languagePrefix)
  }

  func describe(_ reader: inout CheckpointReader) throws -> ModelDescription {
    let language = try CobraParts.language(&reader)
    let vision = try CobraVision.describe(&reader)
    var connector = try CobraParts.projector(
      &reader, inputs: vision.width, outputs: language.width, grid: vision.grid)
    guard connector.kind == .projections else {
      throw ConvertError.unsupported(
        option: "projector", found: "fused-ldpnet after bidirectional layers",
        supported: "linear, gelu-mlp or fused-gelu-mlp", file: reader.checkpoint.directory)
    }
    connector.kind = .bidirectionalMixers
    connector.mixers = try Self.mixers(&reader, languageWidth: language.width)
    CobraParts.noteChoices(&reader, vision, connector)
    return ModelDescription(
      profile: profile, language: language, vision: vision.towers, connector: connector,
      imageProcessors: vision.processors, prompt: CobraParts.prompt)
  }

  private static func mixers(
    _ reader: inout CheckpointReader, languageWidth: Int
  ) throws -> BidirectionalMixersDescription {
    let width = reader.dimension("mlp.0.weight", 0) ?? languageWidth
    return BidirectionalMixersDescription(
      layers: try reader.layers(prefix: mixers, keys: []),
      mixer: CobraParts.mambaTwoMixer(reader, mixers + "0.mixer.", width: width),
      feedForwardWidth: reader.dimension(mixers + "0.mlp.w1.weight", 0) ?? width)
  }

  func tensors(_ description: ModelDescription) -> [TensorRule] {
    guard let language = description.language, let connector = description.connector,
      let mixers = connector.mixers
    else { return [] }
    let width = mixers.mixer.width
    return CobraVision.tensors(description.vision)
      + TensorRule.projection(
        "connector.inputProjection", "mlp.0", [width, connector.inputWidth])
      + (0..<mixers.layers).flatMap { Self.layer($0, mixers) }
      + TensorRule.normalization(
        "connector.normalization", "bidirectional_mamba.norm_f", width)
      + CobraParts.projector(connector, inputs: width)
      + MambaLanguage.tensors(language)
  }

  private static func layer(
    _ index: Int, _ mixers: BidirectionalMixersDescription
  ) -> [TensorRule] {
    let (name, source) = ("connector.layers.\(index)", "\(Self.mixers)\(index)")
    let (mixer, inner) = (mixers.mixer, mixers.feedForwardWidth)
    func projection(_ part: String, _ sourcePart: String, _ shape: [Int], hasBias: Bool = true)
      -> [TensorRule]
    {
      TensorRule.projection(
        "\(name).\(part)", "\(source).\(sourcePart)", shape, hasBias: hasBias)
    }
    var rules = projection(
      "mixer.inputProjection", "mixer.in_proj", [mixer.projectedWidth, mixer.width],
      hasBias: mixer.hasProjectionBias)
    rules += scan(mixer, "\(name).mixer.forward", "\(source).mixer.", suffix: "")
    rules += scan(mixer, "\(name).mixer.backward", "\(source).mixer.", suffix: "_b")
    if mixer.hasNormalization {
      rules += TensorRule.normalization(
        "\(name).mixer.normalization", "\(source).mixer.norm", mixer.innerWidth, .rms)
    }
    rules += projection(
      "mixer.outputProjection", "mixer.out_proj", [mixer.width, mixer.innerWidth],
      hasBias: mixer.hasProjectionBias)
    rules += TensorRule.normalization("\(name).normalization", "\(source).norm", mixer.width)
    rules += projection("feedForward.gate", "mlp.w1", [inner, mixer.width])
    rules += projection("feedForward.up", "mlp.w2", [inner, mixer.width])
    return rules + projection("feedForward.output", "mlp.w3", [mixer.width, inner])
  }

  /// The tensors that each direction has for itself.
  private static func scan(
    _ mixer: MambaTwoMixerDescription, _ name: String, _ source: String, suffix: String
  ) -> [TensorRule] {
    let channels = mixer.convolvedWidth
    var rules = [
      TensorRule(
        name + ".convolution.weight", "\(source)conv1d\(suffix).weight", .convolution,
        [channels, 1, mixer.convolutionWidth])
    ]
    if mixer.hasConvolutionBias {
      rules.append(
        TensorRule(
          name + ".convolution.bias", "\(source)conv1d\(suffix).bias", .bias, [channels]))
    }
    return rules
      + [
        ("timeStepBias", "dt_bias"), ("logarithmicDecay", "A_log"), ("skip", "D"),
      ].map { part, sourcePart in
        TensorRule("\(name).\(part)", source + sourcePart + suffix, .recurrence, [mixer.heads])
      }
  }

  func exportedConfiguration(_ description: ModelDescription, original: JSON) -> JSON {
    CobraVision.exportedConfiguration(description, original: original)
  }
}
