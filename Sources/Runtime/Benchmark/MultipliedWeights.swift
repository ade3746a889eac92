import Quant

// What models multiply, by their matrices alone: biases, normalizations, convolutions and scans are
// small beside them and not counted.

extension LanguageModel {
  /// Bytes of the matrices that a decode step reads: those of all layers and the head.
  public var multipliedBytes: Int { layerMatrices.byteCount + headMatrix.byteCount }

  /// Weights that a decode step multiplies: those of all layers and of the head.
  public var multipliedWeights: Int { multiplications(prompt: 1) }

  /// Products of a weight and an activation for a prompt of some tokens: all layers for every token, the
  /// head for the last one.
  public func multiplications(prompt tokens: Int) -> Int {
    tokens * layerMatrices.weightCount + headMatrix.weightCount
  }

  /// Bytes of all matrices in memory; a head that is the embedding counts once.
  public var weightBytes: Int { multipliedBytes + (embeddingMatrix?.byteCount ?? 0) }
}

extension VisionModel {
  /// Bytes of all matrices in memory, those of layers that the connector does not need included.
  public var weightBytes: Int { matrices.byteCount }

  /// Products of a weight and an activation for an image of native size. The products among
  /// activations in attention are not counted.
  public var multiplications: Int {
    let patches = shape.gridRows * shape.gridColumns
    return patches * patchMatrices.weightCount
      + (shape.prefixTokens + patches) * tokenMatrices.weightCount + pooledMatrices.weightCount
  }

  /// An image of the size that the encoder is made for; the pixels are noise, and always the same.
  public var nativeNoise: PreparedImage {
    let (height, width) = (shape.gridRows * shape.patchSize, shape.gridColumns * shape.patchSize)
    var noise = SplitMix64(state: 0)
    return PreparedImage(
      height: height, width: width,
      values: (0..<3 * height * width).map { _ in Float(noise.unitInterval() * 2 - 1) })
  }
}

extension Connector {
  /// Bytes of all matrices in memory.
  public var weightBytes: Int { matrices.byteCount }

  /// Products of a weight and an activation for so many patches.
  public func multiplications(patches: Int) -> Int {
    patches * passes.reduce(0) { $0 + $1.count * $1.matrix.weightCount }
  }
}

extension Model {
  /// Bytes of all matrices in memory.
  public var weightBytes: Int {
    (language?.weightBytes ?? 0) + vision.reduce(0) { $0 + $1.weightBytes }
      + (connector?.weightBytes ?? 0)
  }

  /// Products of a weight and an activation for encoding and connecting an image of native size; nothing
  /// without a vision encoder.
  public var imageMultiplications: Int? {
    guard let shape = vision.first?.shape else { return nil }
    let patches = shape.gridRows * shape.gridColumns
    let tokens = patches + (shape.selectedTokens == .all ? shape.prefixTokens : 0)
    return vision.reduce(0) { $0 + $1.multiplications }
      + (connector?.multiplications(patches: tokens) ?? 0)
  }
}

extension [EncodedMatrix] {
  var byteCount: Int { reduce(0) { $0 + $1.byteCount } }
  var weightCount: Int { reduce(0) { $0 + $1.weightCount } }
}

extension EncodedMatrix {
  fileprivate var weightCount: Int { rows * columns }
}
