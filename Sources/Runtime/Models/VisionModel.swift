public import Quant

/// A vision transformer: embedded patches, pre-norm layers, and what a pooling head or classifier makes of them.
public struct VisionModel: Sendable {
  /// What the encoder is made of.
  public let shape: VisionDescription
  private let embedding: PatchEmbedding
  private let layers: [VisionTransformerLayer]
  private let finalNormalization: Normalization?
  private let pooling: AttentionPooling?
  private let classifier: Linear?

  /// The most patches of one image; the scores of one attention head then take one gigabyte.
  public static let patchLimit = 1 << 14

  /// What an image becomes.
  public struct Output: Sendable {
    /// The tokens of the layer that the connector reads, or all tokens of the last one after its norm:
    /// `[tokens, width]`.
    public let features: Matrix
    /// The output of the pooling head, or the class token: `[1, width]`.
    public let pooled: Matrix?
    /// The outputs of the classifier: `[1, classes]`.
    public let classLogits: Matrix?

    /// The features of this encoder and of another one side by side, token by token.
    func joined(with other: Output) -> Output {
      Output(features: features.beside(other.features), pooled: nil, classLogits: nil)
    }
  }

  /// Loads the tensors below `vision.` and the index.
  ///
  /// An encoder that feeds a connector runs only the layers that the connector reads.
  public init(_ weights: some WeightSource, _ shape: VisionDescription, index: Int = 0) throws {
    self.shape = shape
    let name = "vision.\(index)"
    embedding = try PatchEmbedding(weights, name, shape)
    layers = try (0..<shape.layers).map {
      try VisionTransformerLayer(weights, "\(name).layers.\($0)", shape)
    }
    finalNormalization =
      shape.finalNormalization == .none
      ? nil
      : try Normalization(
        weights, name + ".normalization", .layer, width: shape.width, epsilon: shape.epsilon)
    pooling =
      shape.hasPoolingHead ? try AttentionPooling(weights, name + ".pooling", shape) : nil
    classifier = try shape.classes.map {
      try Linear(weights, name + ".classifier", outputs: $0.count, inputs: shape.width)
    }
  }

  /// All matrices, those of layers that do not run included.
  var matrices: [EncodedMatrix] {
    patchMatrices + layers.flatMap(\.matrices)
      + (pooling.map { $0.patchMatrices + $0.queryMatrices } ?? [])
      + (classifier.map { [$0.weight] } ?? [])
  }

  /// The matrices that every patch is multiplied with.
  var patchMatrices: [EncodedMatrix] { embedding.matrices }

  /// The matrices that every token is multiplied with, class token and registers included.
  var tokenMatrices: [EncodedMatrix] {
    layers.prefix(depth).flatMap(\.matrices)
      + (shape.selectedLayer == nil ? pooling?.patchMatrices ?? [] : [])
  }

  /// The matrices that one vector for the whole image is multiplied with.
  var pooledMatrices: [EncodedMatrix] {
    guard shape.selectedLayer == nil else { return [] }
    return (pooling?.queryMatrices ?? []) + (classifier.map { [$0.weight] } ?? [])
  }

  /// Encodes a prepared image; pixels beyond the last whole patch are left out.
  ///
  /// - Parameter name: what errors call the image.
  public func encode(
    _ image: PreparedImage, name: String = "pixel_values", _ context: ExecutionContext
  ) throws(ModelError) -> Output {
    let grid = try grid(of: image, name: name)
    let engine = context.engine
    var stream = embedding(
      pixels: image.values, height: image.height, width: image.width, grid: grid, engine)
    for layer in layers.prefix(depth) { stream = layer(stream, engine) }
    guard shape.selectedLayer == nil else {
      let features =
        shape.selectedTokens == .all ? stream : stream.rows(shape.prefixTokens..<stream.rows)
      return Output(features: features, pooled: nil, classLogits: nil)
    }
    return output(stream, engine)
  }

  /// What an encoder that stands alone makes of its last layer.
  private func output(_ stream: Matrix, _ engine: any Engine) -> Output {
    let features =
      shape.finalNormalization == .tokens
      ? finalNormalization.map { $0(stream, engine) } ?? stream : stream
    var pooled = pooling.map { $0(features, engine) }
    if pooled == nil, shape.hasClassToken {
      let token = features.rows(0..<1)
      pooled =
        shape.finalNormalization == .pooled
        ? finalNormalization.map { $0(token, engine) } ?? token : token
    }
    return Output(
      features: features, pooled: pooled,
      classLogits: classifier.map {
        $0(mean(features.rows(shape.prefixTokens..<features.rows)), engine)
      })
  }

  /// Layers that have to run.
  private var depth: Int {
    guard let selected = shape.selectedLayer else { return layers.count }
    return selected < 0 ? layers.count + 1 + selected : selected
  }

  private func mean(_ patches: Matrix) -> Matrix {
    var sums = [Double](repeating: 0, count: patches.columns)
    for (index, value) in patches.values.enumerated() {
      sums[index % patches.columns] += Double(value)
    }
    return Matrix(
      rows: 1, columns: patches.columns, values: sums.map { Float($0 / Double(patches.rows)) })
  }

  /// The patches of an image, after checking that there are positions for them.
  private func grid(of image: PreparedImage, name: String) throws(ModelError) -> PatchGrid {
    let (height, width, pixels) = (image.height, image.width, image.values.count)
    let side = shape.patchSize
    let table = PatchGrid(rows: shape.positions.rows, columns: shape.positions.columns)
    let (area, overflow) = height.multipliedReportingOverflow(by: width)
    let grid = PatchGrid(rows: height / side, columns: width / side)
    let isResampled = shape.positions.interpolation != .none
    guard height >= side, width >= side, !overflow, area <= 1 << 32, pixels == 3 * area,
      grid == table || isResampled, grid.count <= Self.patchLimit
    else {
      throw .misshapenInput(
        name, found: [overflow ? 0 : pixels / max(1, area), height, width],
        expected: isResampled
          ? "[3, H, W] of 1 to \(Self.patchLimit) patches of \(side) × \(side)"
          : "[3, \(table.rows * side), \(table.columns * side)]")
    }
    return grid
  }
}
