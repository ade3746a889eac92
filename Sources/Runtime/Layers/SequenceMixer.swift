import Quant

/// A layer that mixes tokens along a sequence and remembers what it needs of the tokens before.
protocol SequenceMixer: Sendable {
  /// The state before the first token.
  var initialState: RecurrentState { get }

  /// The matrices that every token is multiplied with.
  var matrices: [EncodedMatrix] { get }

  /// What enters each product after the first, in their order.
  var stages: [String] { get }

  /// The last product.
  var outputProjection: Linear { get }

  /// What enters the last product: mixes tokens `[tokens, width]` and advances the state. A sequence may be given in any
  /// number of parts.
  func outputProjectionInputs(
    _ input: Matrix, state: inout RecurrentState, _ context: ExecutionContext
  ) -> Matrix
}

extension SequenceMixer {
  /// Mixes tokens `[tokens, width]` and advances the state.
  func callAsFunction(
    _ input: Matrix, state: inout RecurrentState, _ context: ExecutionContext
  ) -> Matrix {
    outputProjection(outputProjectionInputs(input, state: &state, context), context.engine)
  }
}

/// What a mixer remembers of the tokens before. Its size does not depend on their number.
struct RecurrentState: Sendable, Equatable {
  /// The last inputs of the convolution, oldest first: `[convolutionWidth − 1, channels]`.
  var history: [Float]
  /// The state of the scan, in the layout of the mixer.
  var scan: [Float]
}
