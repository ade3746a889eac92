public import Quant

/// A vision transformer in the form of SigLIP (arXiv:2303.15343): patches and positions, no class token.
public struct VisionModel: Sendable {
  /// What the encoder is made of.
  public let shape: VisionDescription
  private let patchEmbedding: Linear
  private let positions: Matrix
  private let layers: [VisionTransformerLayer]
  private let finalNormalization: Normalization
  private let pooling: AttentionPooling?
  private let classifier: Linear?

  /// What an image becomes.
  public struct Output: Sendable {
    /// The layer that the connector reads, or the last one after its norm: `[patches, width]`.
    public let features: Matrix
    /// The output of the pooling head: `[1, width]`.
    public let pooled: Matrix?
    /// The outputs of the classifier: `[1, classes]`.
    public let classLogits: Matrix?
  }

  /// Loads the tensors below `vision.0`.
  ///
  /// An encoder that feeds a connector runs only the layers that the connector reads.
  public init(_ weights: some WeightSource, _ shape: VisionDescription, index: Int = 0) throws {
    self.shape = shape
    let name = "vision.\(index)"
    let patches = shape.gridRows * shape.gridColumns
    patchEmbedding = try Linear(
      weights, name + ".patchEmbedding", outputs: shape.width,
      inputs: 3 * shape.patchSize * shape.patchSize)
    positions = Matrix(
      rows: patches, columns: shape.width,
      values: try weights.vector(name + ".position", count: patches * shape.width))
    layers = try (0..<shape.layers).map {
      try VisionTransformerLayer(weights, "\(name).layers.\($0)", shape)
    }
    finalNormalization = try Normalization(
      weights, name + ".normalization", .layer, width: shape.width, epsilon: shape.epsilon)
    pooling =
      shape.hasPoolingHead ? try AttentionPooling(weights, name + ".pooling", shape) : nil
    classifier = try shape.classes.map {
      try Linear(weights, name + ".classifier", outputs: $0.count, inputs: shape.width)
    }
  }

  /// Encodes prepared pixels `[3, height, width]`.
  public func encode(
    pixels: [Float], height: Int, width: Int, _ context: ExecutionContext
  ) throws(ModelError) -> Output {
    let patches = try split(pixels: pixels, height: height, width: width)
    let engine = context.engine
    var stream = patchEmbedding(patches, engine)
    stream.add(positions)
    for layer in layers.prefix(depth) { stream = layer(stream, engine) }
    guard shape.selectedLayer == nil else {
      return Output(features: stream, pooled: nil, classLogits: nil)
    }
    let last = finalNormalization(stream, engine)
    return Output(
      features: last, pooled: pooling.map { $0(last, engine) },
      classLogits: classifier.map { $0(mean(last), engine) })
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

  /// Cuts an image into patches `[patches, 3 · side · side]`; pixels beyond the last whole patch are left out.
  private func split(pixels: [Float], height: Int, width: Int) throws(ModelError) -> Matrix {
    let side = shape.patchSize
    guard height / side == shape.gridRows, width / side == shape.gridColumns,
      pixels.count == 3 * height * width
    else {
      throw .misshapenInput(
        "pixel_values", found: [pixels.count / max(1, height * width), height, width],
        expected: "[3, \(shape.gridRows * side), \(shape.gridColumns * side)]")
    }
    var values = [Float]()
    values.reserveCapacity(shape.gridRows * shape.gridColumns * 3 * side * side)
    for patch in 0..<shape.gridRows * shape.gridColumns {
      let (row, column) = patch.quotientAndRemainder(dividingBy: shape.gridColumns)
      for channel in 0..<3 {
        for y in 0..<side {
          let start = (channel * height + row * side + y) * width + column * side
          values += pixels[start..<start + side]
        }
      }
    }
    return Matrix(
      rows: shape.gridRows * shape.gridColumns, columns: 3 * side * side, values: values)
  }
}
