import Format
import Runtime

/// Rows and columns of patches.
struct PatchGrid: Equatable {
  let rows: Int
  let columns: Int

  /// Sizes that a description accepts.
  static let sides = 1...1024
}

/// What a family takes for granted when a configuration is silent.
struct VisionDefaults {
  var patchSize: Int
  var imageSize = 224
  var heads = 12
  var activation: Activation
  var epsilon: Double
}

/// What all families of vision encoders read in the same way.
extension CheckpointReader {
  /// The sizes of an encoder. What families differ in is left as a plain encoder has it.
  ///
  /// - Parameters:
  ///   - grid: rows and columns of patches where a larger model states them.
  ///   - classPositions: positions of the table that belong to a class token, 0 or 1.
  mutating func encoder(
    _ kind: VisionDescription.Kind, _ names: VisionTensorNames, prefix: String,
    _ configuration: JSON, grid: PatchGrid?, classPositions: Int, defaults: VisionDefaults
  ) throws -> VisionDescription {
    let patch = prefix + names.patchEmbedding + ".weight"
    let patchSize = try patchSize(patch, configuration, default: defaults.patchSize)
    let table = try positionGrid(
      entries: positionEntries(prefix + names.position).map { $0 - classPositions }, configuration,
      patchSize: patchSize, defaultImageSize: defaults.imageSize, stated: grid)
    let width = try size(
      "width", shape: dimension(patch, 0), keys: ["hidden_size"], in: configuration)
    return VisionDescription(
      kind: kind, width: width,
      feedForwardWidth: try feedForwardWidth(prefix, names, configuration, width: width),
      layers: try layers(
        prefix: prefix + names.layers, keys: ["num_hidden_layers"], in: configuration),
      heads: try integer(["num_attention_heads"], in: configuration)?.value ?? defaults.heads,
      patchSize: patchSize, gridRows: grid?.rows ?? table.rows,
      gridColumns: grid?.columns ?? table.columns,
      activation: try activation(configuration, default: defaults.activation),
      epsilon: try number(["layer_norm_eps"], default: defaults.epsilon, in: configuration),
      positions: VisionPositionDescription(
        rows: table.rows, columns: table.columns, includesClassToken: classPositions > 0,
        interpolation: .bicubic))
  }

  /// The width inside feed-forward layers; some configurations state it as a ratio.
  private mutating func feedForwardWidth(
    _ prefix: String, _ names: VisionTensorNames, _ configuration: JSON, width: Int
  ) throws -> Int {
    let output = "\(prefix)\(names.layers)0.\(names.layer.feedForwardOutput).weight"
    let shape = dimension(output, 1)
    if shape == nil, configuration.present("intermediate_size") == nil,
      let ratio = configuration.present("mlp_ratio")?.doubleValue, (0...1024).contains(ratio)
    {
      return Int(ratio * Double(min(max(0, width), ModelDescription.sizeLimit)))
    }
    return try size(
      "feed-forward width", shape: shape, keys: ["intermediate_size"], in: configuration)
  }

  /// The activation of the feed-forward layers.
  private func activation(_ configuration: JSON, default fallback: Activation) throws -> Activation
  {
    let name = text("hidden_act", default: fallback.rawValue, in: configuration)
    guard let activation = Activation(rawValue: name == "swish" ? "silu" : name) else {
      throw ConvertError.unsupported(
        option: "hidden_act", found: "“\(name)”",
        supported: Activation.allCases.map(\.rawValue).joined(separator: " or "),
        file: configurationFile)
    }
    return activation
  }

  /// A size in pixels, an integer or a list of height and width.
  private func pixels(_ key: String, _ configuration: JSON) throws -> (height: Int, width: Int)? {
    guard let value = configuration.present(key) else { return nil }
    let sizes = value.arrayValue.map { $0.compactMap(\.intValue) } ?? value.intValue.map { [$0] }
    guard let sizes, let height = sizes.first, let width = sizes.last, sizes.count <= 2,
      value.arrayValue?.count ?? 1 == sizes.count,
      sizes.allSatisfy({ (1...1 << 20).contains($0) })
    else {
      throw ConvertError.malformedConfiguration(
        file: configurationFile, key: key,
        expected: "a positive integer, or two of them for height and width")
    }
    return (height, width)
  }

  /// The side of a patch, from the shape of its projection if there is one.
  private mutating func patchSize(
    _ weight: String, _ configuration: JSON, default fallback: Int
  ) throws -> Int {
    guard let channels = try integer(["num_channels"], in: configuration)?.value, channels != 3
    else {
      return try statedPatchSize(dimension(weight, 3), configuration, default: fallback)
    }
    throw ConvertError.unsupported(
      option: "num_channels", found: String(channels), supported: "3", file: configurationFile)
  }

  private mutating func statedPatchSize(
    _ shape: Int?, _ configuration: JSON, default fallback: Int
  ) throws -> Int {
    let stated = try pixels("patch_size", configuration)
    if let stated, stated.height != stated.width {
      throw ConvertError.unsupported(
        option: "patch_size", found: "\(stated.height) × \(stated.width)",
        supported: "square patches", file: configurationFile)
    }
    if let stated, let shape, stated.width != shape {
      note(
        "config.json says patch_size \(stated.width), the tensors say \(shape): \(shape) is used")
    }
    return shape ?? stated?.width ?? fallback
  }

  /// The grid of a position table.
  ///
  /// - Parameters:
  ///   - entries: its rows without that of a class token, or nothing if the table is missing.
  ///   - stated: the grid that a larger model works with; the table may have another, if it is square.
  private mutating func positionGrid(
    entries: Int?, _ configuration: JSON, patchSize: Int, defaultImageSize: Int, stated: PatchGrid?
  ) throws -> PatchGrid {
    if let stated, entries == nil || entries == stated.rows * stated.columns { return stated }
    let image =
      try pixels("image_size", configuration) ?? (defaultImageSize, defaultImageSize)
    let side = max(1, patchSize)
    let grid = PatchGrid(rows: image.height / side, columns: image.width / side)
    guard let entries, entries != grid.rows * grid.columns else { return grid }
    let root = Int(Double(max(0, entries)).squareRoot().rounded())
    guard PatchGrid.sides.contains(root), root * root == entries else {
      throw ConvertError.unsupported(
        option: "position table", found: "\(entries) entries", supported: "a square grid",
        file: configurationFile)
    }
    if configuration.present("image_size") != nil {
      note(
        "config.json says a grid of \(grid.rows) × \(grid.columns) patches, the tensors say \(root) × \(root): the latter is used"
      )
    }
    return PatchGrid(rows: root, columns: root)
  }

  /// Rows and columns of a patch grid that the configuration states.
  func grid(_ key: String) throws -> PatchGrid? {
    guard let value = configuration.present(key) else { return nil }
    let sizes = value.arrayValue?.compactMap(\.intValue) ?? []
    guard sizes.count == 2, sizes.allSatisfy(PatchGrid.sides.contains) else {
      throw ConvertError.malformedConfiguration(
        file: configurationFile, key: key,
        expected: "two integers from 1 to 1024, rows and columns")
    }
    return PatchGrid(rows: sizes[0], columns: sizes[1])
  }

  /// Whether a projection has a bias; the tensors decide.
  mutating func hasBias(
    _ name: String, key: String, _ configuration: JSON, default fallback: Bool
  ) throws -> Bool {
    let stated = try flag([key], default: fallback, in: configuration)
    guard has(name + ".weight") else { return stated }
    let found = has(name + ".bias")
    if found != stated, configuration.present(key) != nil {
      note("config.json says \(key) \(stated), the tensors say \(found): \(found) is used")
    }
    return found
  }

  /// Rows of a position table `[entries, width]` or `[1, entries, width]`.
  func positionEntries(_ name: String) -> Int? {
    guard let shape = tensors[ExactString(name)]?.info.shape, shape.count >= 2 else { return nil }
    return shape[shape.count - 2]
  }
}
