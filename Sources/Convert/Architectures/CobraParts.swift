import Format
import Runtime

/// What Cobra and ML-Mamba have in common beside their towers: names, language model, projector, prompt.
enum CobraParts {
  /// The form of questions to the language model, which was tuned to chat.
  static let prompt = PromptDescription(
    prefix: "<|user|>\n", suffix: "<|endoftext|>\n<|assistant|>\n")

  private static let languagePrefixes = ["llm_backbone.llm.", "llm_backbone."]
  private static let source = "projector.projector"

  static func recognizes(_ checkpoint: Checkpoint) -> Bool {
    let names = checkpoint.tensors.keys.map { CheckpointNames.unwrapped($0.text) }
    return names.contains { $0.hasPrefix(source + ".") }
      && names.contains { $0.hasPrefix("llm_backbone.") && $0.contains(".mixer.") }
  }

  /// The language model has Hugging Face's names, all else those of the training code.
  static func standardName(_ name: String) -> String? {
    let name = CheckpointNames.unwrapped(name)
    if let prefix = languagePrefixes.first(where: name.hasPrefix) {
      return MambaLanguage.standardName(String(name.dropFirst(prefix.count)))
    }
    return CobraVision.standardName(name)
  }

  /// The name that the training code has for a tensor.
  static func exportedName(_ standardName: String, languagePrefix: String) -> String {
    guard standardName.hasPrefix("backbone.") || standardName.hasPrefix("lm_head.") else {
      return standardName
    }
    return languagePrefix
      + (standardName == "backbone.embeddings.weight" ? "backbone.embedding.weight" : standardName)
  }

  /// The part of the configuration that the training run wrote about its model.
  static func settings(_ configuration: JSON) -> JSON {
    configuration.present("model") ?? configuration
  }

  /// The language model, whose configuration is not in the checkpoint: the head is tied, Mamba-2 has one group.
  static func language(_ reader: inout CheckpointReader) throws -> LanguageDescription {
    let isMambaOne = reader.has("backbone.layers.0.mixer.x_proj.weight")
    return try MambaLanguage.language(
      &reader, isTiedByDefault: true,
      mixer: isMambaOne
        ? MambaOne.mixer
        : { reader, prefix, width in .mamba2(mambaTwoMixer(reader, prefix, width: width)) })
  }

  /// The widths of a Mamba-2 mixer of one group, from shapes alone.
  static func mambaTwoMixer(
    _ reader: CheckpointReader, _ prefix: String, width: Int
  ) -> MambaTwoMixerDescription {
    let inner = reader.dimension(prefix + "out_proj.weight", 1) ?? 2 * width
    let heads = max(1, reader.dimension(prefix + "A_log", 0) ?? inner / 64)
    let convolved = reader.dimension(prefix + "conv1d.weight", 0) ?? inner + 2 * 128
    return MambaTwoMixerDescription(
      width: width, heads: heads, headWidth: inner / heads, groups: 1,
      stateSize: (convolved - inner) / 2,
      convolutionWidth: reader.dimension(prefix + "conv1d.weight", 2) ?? 4,
      hasProjectionBias: reader.has(prefix + "in_proj.bias"),
      hasConvolutionBias: reader.has(prefix + "conv1d.bias"),
      hasNormalization: reader.has(prefix + "norm.weight"))
  }

  /// The projector. Its shapes say all, but for the grid that is left after pooling.
  static func projector(
    _ reader: inout CheckpointReader, inputs: Int, outputs: Int, grid: PatchGrid
  ) throws -> ConnectorDescription {
    let widths = [0, 2, 4].map { reader.dimension("\(source).\($0).weight", 0) }
      .prefix { $0 != nil }.compactMap(\.self)
    var connector = ConnectorDescription(
      kind: .projections, inputWidth: inputs, outputWidth: outputs,
      innerWidths: Array(widths.dropLast()))
    let convolution = source + ".4.peg.0.weight"
    if reader.has(convolution) {
      let pooled = try reader.grid("projector_grid") ?? PatchGrid(rows: 14, columns: 14)
      connector.kind = .pooledProjections
      connector.pooling = PatchPoolingDescription(
        gridRows: grid.rows, gridColumns: grid.columns, pooledRows: pooled.rows,
        pooledColumns: pooled.columns, kernel: reader.dimension(convolution, 3) ?? 3)
    }
    return connector
  }

  /// The tensors of a projector that reads features of a width.
  static func projector(_ connector: ConnectorDescription, inputs: Int) -> [TensorRule] {
    let outputs = connector.outputWidth
    guard let pooling = connector.pooling else {
      return connector.innerWidths.isEmpty
        ? TensorRule.projection("connector.projections.0", source, [outputs, inputs])
        : VLMambaConnector.projections(connector, source + ".", from: inputs)
    }
    let name = "connector.pooling.convolution"
    return VLMambaConnector.projections(connector, source + ".", from: inputs)
      + [
        TensorRule(
          name + ".weight", source + ".4.peg.0.weight", .convolution,
          [outputs, 1, pooling.kernel, pooling.kernel]),
        TensorRule(name + ".bias", source + ".4.peg.0.bias", .bias, [outputs]),
      ]
  }

  /// States what shapes have decided.
  static func noteChoices(
    _ reader: inout CheckpointReader, _ vision: CobraVision, _ connector: ConnectorDescription
  ) {
    let widths = connector.innerWidths.map { " → \($0)" }.joined()
    let pooling = connector.pooling.map { ", pooled to \($0.pooledRows) × \($0.pooledColumns)" }
    reader.note(
      "the last vision layer but one of DINOv2 and SigLIP feeds a \(connector.kind.rawValue) connector, \(connector.inputWidth)\(widths) → \(connector.outputWidth), on a grid of \(vision.grid.rows) × \(vision.grid.columns)\(pooling ?? "")"
    )
  }
}
