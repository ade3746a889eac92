import Quant

/// The mixer of a Mamba-2 layer (arXiv:2405.21060, section 7).
///
///     [z | x | B | C | Δ] = inputProjection(u)
///     [x | B | C]         = silu(causal convolution of x, B and C)
///     y                   = scan of x with Δ, B, C
///     output              = outputProjection(norm(y ⊙ silu(z)))
///
/// The gate comes before the norm, whose groups are those of B and C.
struct MambaTwoMixer: SequenceMixer {
  private let inputProjection: Linear
  private let scan: MambaTwoScan
  let outputProjection: Linear

  /// Loads the tensors below `name`.
  init(_ weights: some WeightSource, _ name: String, _ shape: MambaTwoMixerDescription) throws {
    inputProjection = try Linear(
      weights, name + ".inputProjection", outputs: shape.projectedWidth, inputs: shape.width,
      hasBias: shape.hasProjectionBias)
    scan = try MambaTwoScan(
      weights, name, normalizationName: name + ".normalization", shape)
    outputProjection = try Linear(
      weights, name + ".outputProjection", outputs: shape.width, inputs: shape.innerWidth,
      hasBias: shape.hasProjectionBias)
  }

  var initialState: RecurrentState { scan.initialState }

  var matrices: [EncodedMatrix] { [inputProjection.weight, outputProjection.weight] }

  var stages: [String] { ["gated_scan"] }

  func outputProjectionInputs(
    _ input: Matrix, state: inout RecurrentState, _ context: ExecutionContext
  ) -> Matrix {
    scan(inputProjection(input, context.engine), state: &state, context)
  }
}
