package import Quant

/// One layer of a language model: a norm and a mixer, with a residual around both.
package struct LanguageLayer: Sendable {
  private let normalization: Normalization
  private let mixer: any SequenceMixer

  /// Loads the tensors below `language.layers` and the layer's index.
  package init(
    _ weights: some WeightSource, _ shape: LanguageDescription, index: Int
  ) throws {
    let name = "language.layers.\(index)"
    normalization = try Normalization(
      weights, name + ".normalization", shape.normalization, width: shape.width,
      epsilon: shape.epsilon)
    mixer = try Self.mixer(weights, name + ".mixer", shape.layers[index].mixer)
  }

  private static func mixer(
    _ weights: some WeightSource, _ name: String, _ description: MixerDescription
  ) throws -> any SequenceMixer {
    switch description {
    case .mamba(let shape): try MambaMixer(weights, name, shape)
    case .mamba2(let shape): try MambaTwoMixer(weights, name, shape)
    }
  }

  var initialState: RecurrentState { mixer.initialState }

  var matrices: [EncodedMatrix] { mixer.matrices }

  /// What enters each product of the mixer after the first.
  var stages: [String] { mixer.stages }

  /// What is added to a stream `[tokens, width]`.
  func change(
    _ stream: Matrix, state: inout RecurrentState, _ context: ExecutionContext
  ) -> Matrix {
    mixer(normalization(stream, context.engine), state: &state, context)
  }

  /// Runs a whole sequence `[tokens, width]`, from a zero state.
  package func run(_ stream: Matrix, _ context: ExecutionContext) -> Matrix {
    run(stream, outputProjectionInputs: outputProjectionInputs(stream, context), context)
  }

  /// What enters the mixer's last product on the way of a whole sequence.
  package func outputProjectionInputs(_ stream: Matrix, _ context: ExecutionContext) -> Matrix {
    var state = initialState
    return mixer.outputProjectionInputs(
      normalization(stream, context.engine), state: &state, context)
  }

  /// Ends the run of a whole sequence, given what enters the mixer's last product.
  package func run(
    _ stream: Matrix, outputProjectionInputs inputs: Matrix, _ context: ExecutionContext
  ) -> Matrix {
    var result = stream
    result.add(mixer.outputProjection(inputs, context.engine))
    return result
  }
}
