import Format
import Runtime

/// The connectors of VL-Mamba: configuration and tensors.
enum VLMambaConnector {
  private static let kinds: [String: ConnectorDescription.Kind] = [
    "linear": .projections, "mlp2x_gelu": .projections, "vss_mlp": .scanMLP,
    "vss_l2": .scanLinear,
  ]

  static func describe(
    _ reader: inout CheckpointReader, prefix: String, vision: VisionDescription,
    language: LanguageDescription
  ) throws -> ConnectorDescription {
    let type = reader.text("mm_projector_type", default: "linear")
    guard let kind = kinds[type] else {
      throw ConvertError.unsupported(
        option: "mm_projector_type", found: "“\(type)”",
        supported: kinds.keys.sorted().joined(separator: ", "), file: reader.configurationFile)
    }
    _ = try reader.size("vision width", shape: vision.width, keys: ["mm_hidden_size"])
    var connector = ConnectorDescription(
      kind: kind, inputWidth: vision.width, outputWidth: language.width,
      innerWidths: type == "mlp2x_gelu" || type == "vss_mlp" ? [language.width] : [],
      epsilon: try reader.number(["mm_vss_norm_eps"], default: 1e-5))
    guard kind == .scanMLP || kind == .scanLinear else { return connector }
    // The paper does not say how wide V' of VSS-L2 is; the tensors do, else it is as wide as the language model.
    let width =
      kind == .scanMLP
      ? vision.width : reader.dimension(prefix + "linear_1.weight", 0) ?? language.width
    connector.scan = try scan(&reader, prefix + "vss.", width: width, vision)
    connector.normalization = reader.has(prefix + "norm.bias") ? .layer : .rms
    return connector
  }

  private static func scan(
    _ reader: inout CheckpointReader, _ prefix: String, width: Int, _ vision: VisionDescription
  ) throws -> GridScanDescription {
    let implementation = reader.text("mm_vss_impl", default: "ss2d")
    try reader.require("mm_vss_impl", implementation, among: ["ss2d", "mamba"])
    let merge = reader.text("mm_vss_merge", default: "sum")
    try reader.require("mm_vss_merge", merge, among: ["sum", "mean"])
    let scan = reader.text("mm_vss_scan", default: "bsm")
    try reader.require("mm_vss_scan", scan, among: ["bsm", "csm"])
    let paths = scan == "bsm" ? GridScanDescription.Paths.bidirectional : .cross
    return GridScanDescription(
      kind: implementation == "ss2d" ? .gridScan : .sharedMixer, paths: paths,
      merge: merge == "sum" ? .sum : .mean,
      mixer: implementation == "ss2d"
        ? try gridMixer(reader, prefix, width: width, directions: paths.directions)
        : sharedMixer(reader, prefix, width: width),
      gridRows: vision.gridRows, gridColumns: vision.gridColumns)
  }

  /// Sizes of SS2D. Directions lie one after the other in `A_logs`, `dt_projs` and `x_proj`.
  private static func gridMixer(
    _ reader: CheckpointReader, _ prefix: String, width: Int, directions: Int
  ) throws -> MambaMixerDescription {
    let inner = reader.dimension(prefix + "conv2d.weight", 0) ?? 2 * width
    if let found = reader.dimension(prefix + "Ds", 0), found != directions * inner {
      throw ConvertError.unsupported(
        option: "mm_vss_scan", found: "\(directions) directions",
        supported: "the \(found / max(1, inner)) directions of the tensors",
        file: reader.configurationFile)
    }
    let weight = prefix + "dt_projs_weight"
    let lastAxis = (reader.tensors[ExactString(weight)]?.info.shape.count ?? 3) - 1
    return MambaMixerDescription(
      width: width, innerWidth: inner,
      stateSize: reader.dimension(prefix + "A_logs", 1) ?? 16,
      timeStepRank: reader.dimension(weight, lastAxis) ?? (width + 15) / 16,
      convolutionWidth: reader.dimension(prefix + "conv2d.weight", 3) ?? 3,
      hasProjectionBias: reader.has(prefix + "in_proj.bias"),
      hasConvolutionBias: reader.has(prefix + "conv2d.bias"))
  }

  private static func sharedMixer(
    _ reader: CheckpointReader, _ prefix: String, width: Int
  ) -> MambaMixerDescription {
    MambaMixerDescription(
      width: width, innerWidth: reader.dimension(prefix + "A_log", 0) ?? 2 * width,
      stateSize: reader.dimension(prefix + "A_log", 1) ?? 16,
      timeStepRank: reader.dimension(prefix + "dt_proj.weight", 1) ?? (width + 15) / 16,
      convolutionWidth: reader.dimension(prefix + "conv1d.weight", 2) ?? 4,
      hasProjectionBias: reader.has(prefix + "in_proj.bias"),
      hasConvolutionBias: reader.has(prefix + "conv1d.bias"))
  }

  static func tensors(_ connector: ConnectorDescription, _ source: String) -> [TensorRule] {
    let (inputs, outputs) = (connector.inputWidth, connector.outputWidth)
    let name = "connector"
    func projection(_ part: String, _ sourcePart: String, _ shape: [Int]) -> [TensorRule] {
      TensorRule.projection("\(name).\(part)", source + sourcePart, shape)
    }
    switch connector.kind {
    case .scanMLP: return scan(connector, source) + projections(connector, source + "mlp.")
    case .projections where connector.innerWidths.isEmpty:
      return [
        TensorRule(
          "\(name).projections.0.weight", source + "weight", .projection, [outputs, inputs]),
        TensorRule("\(name).projections.0.bias", source + "bias", .bias, [outputs]),
      ]
    case .projections, .pooledProjections, .bidirectionalMixers:
      return projections(connector, source)
    case .scanLinear:
      let width = connector.scan?.mixer.width ?? outputs
      return projection("inputProjection", "linear_1", [width, inputs])
        + scan(connector, source)
        + projection("outputProjection", "linear_2", [outputs, width])
    }
  }

  /// Projections that a sequential module numbers 0, 2, 4: the activations between them count.
  static func projections(
    _ connector: ConnectorDescription, _ source: String, from inputs: Int? = nil
  ) -> [TensorRule] {
    let widths =
      [inputs ?? connector.inputWidth] + connector.innerWidths + [connector.outputWidth]
    return zip(widths, widths.dropFirst()).enumerated().flatMap { index, widths in
      TensorRule.projection(
        "connector.projections.\(index)", "\(source)\(2 * index)", [widths.1, widths.0])
    }
  }

  private static func scan(_ connector: ConnectorDescription, _ source: String) -> [TensorRule] {
    guard let scan = connector.scan else { return [] }
    let parts = connector.normalization == .rms ? ["weight"] : ["weight", "bias"]
    let mixer =
      scan.kind == .sharedMixer
      ? MambaOne.tensors(of: scan.mixer, "connector.scan", source + "vss")
      : gridMixer(scan, "connector.scan", source + "vss")
    return mixer
      + parts.map {
        TensorRule(
          "connector.normalization.\($0)", "\(source)norm.\($0)", .normalization,
          [scan.mixer.width])
      }
  }

  private static func gridMixer(
    _ scan: GridScanDescription, _ name: String, _ source: String
  ) -> [TensorRule] {
    let (mixer, count) = (scan.mixer, scan.paths.directions)
    let (width, inner, states) = (mixer.width, mixer.innerWidth, mixer.stateSize)
    let (rank, side) = (mixer.timeStepRank, mixer.convolutionWidth)
    let parameters = rank + 2 * states
    func rule(
      _ part: String, _ sourcePart: String, _ role: TensorRole, _ shape: [Int],
      rowDimensions: Int = 1, otherShapes: [[Int]] = []
    ) -> TensorRule {
      TensorRule(
        "\(name).\(part)", "\(source).\(sourcePart)", role, shape, rowDimensions: rowDimensions,
        otherShapes: otherShapes)
    }
    var rules = [
      rule(
        "inputProjection.weight", "in_proj.weight", .projection, [2 * inner, width],
        otherShapes: [[2 * inner, width, 1, 1]])
    ]
    if mixer.hasProjectionBias {
      rules.append(rule("inputProjection.bias", "in_proj.bias", .bias, [2 * inner]))
    }
    rules.append(
      rule("convolution.weight", "conv2d.weight", .convolution, [inner, 1, side, side]))
    if mixer.hasConvolutionBias {
      rules.append(rule("convolution.bias", "conv2d.bias", .bias, [inner]))
    }
    rules += [
      rule(
        "scanProjection.weight", "x_proj_weight", .projection, [count, parameters, inner],
        rowDimensions: 2, otherShapes: [[count * parameters, inner]]),
      rule(
        "timeStepProjection.weight", "dt_projs_weight", .projection, [count, inner, rank],
        rowDimensions: 2, otherShapes: [[count * inner, rank]]),
      rule("timeStepProjection.bias", "dt_projs_bias", .recurrence, [count, inner]),
      rule("logarithmicDecay", "A_logs", .recurrence, [count * inner, states]),
      rule("skip", "Ds", .recurrence, [count * inner]),
    ]
    rules += TensorRule.normalization(
      "\(name).normalization", source + ".out_norm", inner)
    rules.append(
      rule(
        "outputProjection.weight", "out_proj.weight", .projection, [width, inner],
        otherShapes: [[width, inner, 1, 1]]))
    if mixer.hasProjectionBias {
      rules.append(rule("outputProjection.bias", "out_proj.bias", .bias, [width]))
    }
    return rules
  }
}
