import Quant

/// A layer of ML-Mamba's connector (arXiv:2407.19832): Mamba-2 forward and backward over the patches, then SwiGLU.
///
///     q = inputProjection(x)
///     x = x + outputProjection((forward(q) + reversed backward(reversed q)) / 2)
///     x = x + feedForward(norm(x))
///
/// Projections and gated norm are shared by both directions. There is no norm before the mixer.
struct BidirectionalMambaTwoLayer: Sendable {
  private let inputProjection: Linear
  private let forward: MambaTwoScan
  private let backward: MambaTwoScan
  private let outputProjection: Linear
  private let normalization: Normalization
  private let feedForward: GatedFeedForward

  /// Loads the tensors below `name`.
  init(
    _ weights: some WeightSource, _ name: String, _ shape: MambaTwoMixerDescription,
    feedForwardWidth: Int, epsilon: Double
  ) throws {
    let mixer = name + ".mixer"
    inputProjection = try Linear(
      weights, mixer + ".inputProjection", outputs: shape.projectedWidth, inputs: shape.width,
      hasBias: shape.hasProjectionBias)
    forward = try MambaTwoScan(
      weights, mixer + ".forward", normalizationName: mixer + ".normalization", shape)
    backward = try MambaTwoScan(
      weights, mixer + ".backward", normalizationName: mixer + ".normalization", shape)
    outputProjection = try Linear(
      weights, mixer + ".outputProjection", outputs: shape.width, inputs: shape.innerWidth,
      hasBias: shape.hasProjectionBias)
    normalization = try Normalization(
      weights, name + ".normalization", .layer, width: shape.width, epsilon: epsilon)
    feedForward = try GatedFeedForward(
      separate: weights, name + ".feedForward", width: shape.width, inner: feedForwardWidth)
  }

  var matrices: [EncodedMatrix] {
    [inputProjection.weight, outputProjection.weight] + feedForward.matrices
  }

  /// Mixes patches `[patches, width]`.
  func callAsFunction(_ patches: Matrix, _ context: ExecutionContext) -> Matrix {
    let projected = inputProjection(patches, context.engine)
    let reversed = Array((0..<patches.rows).reversed())
    var state = forward.initialState
    var scanned = forward(projected, state: &state, context)
    state = backward.initialState
    scanned.add(
      backward(projected.permutingRows(reversed), state: &state, context)
        .permutingRows(reversed))
    scanned.scale(by: 0.5)
    var stream = patches
    stream.add(outputProjection(scanned, context.engine))
    stream.add(feedForward(normalization(stream, context.engine), context.engine))
    return stream
  }
}
