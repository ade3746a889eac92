package import Quant
import Runtime

/// A tensor of a Mamba-1 layer, by the end of its name.
enum LayerTensor: String {
  case normalization = "normalization.weight"
  case inputProjection = "mixer.inputProjection.weight"
  case inputBias = "mixer.inputProjection.bias"
  case convolution = "mixer.convolution.weight"
  case convolutionBias = "mixer.convolution.bias"
  case scanProjection = "mixer.scanProjection.weight"
  case timeStepProjection = "mixer.timeStepProjection.weight"
  case timeStepBias = "mixer.timeStepProjection.bias"
  case logarithmicDecay = "mixer.logarithmicDecay"
  case skip = "mixer.skip"
  case outputProjection = "mixer.outputProjection.weight"
  case outputBias = "mixer.outputProjection.bias"

  func name(layer: Int) -> String { "language.layers.\(layer).\(rawValue)" }
}

/// The weights of a Mamba-1 language model as plain floats.
package struct MambaWeights: Sendable {
  static let embeddingName = "language.embedding.weight"
  static let normalizationName = "language.normalization.weight"
  static let headName = "language.head.weight"

  /// Gives the tensor of a canonical name as a matrix of a shape.
  package typealias Load = (_ name: String, _ rows: Int, _ columns: Int) throws -> Matrix

  let embedding: Matrix
  let layers: [MambaLayer]
  let normalization: [Float]
  /// Nothing if the head is the embedding.
  let separateHead: Matrix?

  var head: Matrix { separateHead ?? embedding }

  /// Loads all tensors of a model.
  package init(_ network: MambaNetwork, load: Load) throws {
    let shape = network.shape
    embedding = try load(Self.embeddingName, shape.vocabularySize, shape.width)
    layers = try network.mixers.enumerated().map { index, mixer in
      try MambaLayer(mixer, index: index, epsilon: Float(shape.epsilon), load: load)
    }
    normalization = try load(Self.normalizationName, 1, shape.width).values
    separateHead =
      shape.hasTiedHead ? nil : try load(Self.headName, shape.vocabularySize, shape.width)
  }
}
