import Foundation
public import Quant

/// The weights of one Mamba-2 scan.
///
/// For each token and head h of group g, with `Δ = clamp(softplus(timeStep + timeStepBias))`:
///
///     state[h, p, n] = exp(Δ[h] · A[h]) · state[h, p, n] + Δ[h] · x[h, p] · B[g, n]
///     y[h, p]        = Σ_n C[g, n] · state[h, p, n] + D[h, p] · x[h, p]
///
/// Mamba-2 (arXiv:2405.21060). Heads of a group are neighbours. The limits of Δ hold in prompts and in generation alike.
public struct StateSpaceParameters: Sendable {
  /// Number of heads.
  public let heads: Int
  /// Channels of a head.
  public let headWidth: Int
  /// Groups of heads that share B and C.
  public let groups: Int
  /// States of each channel.
  public let states: Int
  /// `−exp(A_log)`, one for each head.
  public let decay: [Float]
  /// `D`, one for each channel.
  public let skip: [Float]
  /// Bias of the time step, inside the softplus; one for each head.
  public let timeStepBias: [Float]
  /// The smallest time step.
  public let timeStepMinimum: Float
  /// The largest time step.
  public let timeStepMaximum: Float

  /// Prepares the weights of a scan.
  ///
  /// - Parameter skip: one for each head or one for each channel.
  public init(
    heads: Int, headWidth: Int, groups: Int, states: Int, logarithmicDecay: [Float],
    skip: [Float], timeStepBias: [Float], timeStepMinimum: Float, timeStepMaximum: Float
  ) {
    self.heads = heads
    self.headWidth = headWidth
    self.groups = groups
    self.states = states
    decay = logarithmicDecay.map { -exp($0) }
    self.skip =
      skip.count == heads
      ? skip.flatMap { [Float](repeating: $0, count: headWidth) } : skip
    self.timeStepBias = timeStepBias
    self.timeStepMinimum = timeStepMinimum
    self.timeStepMaximum = timeStepMaximum
  }

  /// The state before the first token: `[heads, headWidth, states]`.
  public var initialState: [Float] {
    [Float](repeating: 0, count: heads * headWidth * states)
  }

  /// The group of a head.
  func group(of head: Int) -> Int { head / (heads / groups) }
}

/// A scan of Mamba-2 with its gate.
public struct GatedStateSpaceInput: Sendable {
  /// `x`: `[tokens, heads · headWidth]`, after convolution and SiLU.
  public let values: MatrixSlice
  /// `B`: `[tokens, groups · states]`.
  public let inputWeights: MatrixSlice
  /// `C`: `[tokens, groups · states]`, a slice of the same matrix.
  public let outputWeights: MatrixSlice
  /// `z`: `[tokens, heads · headWidth]`; outputs are multiplied by its SiLU.
  public let gate: MatrixSlice
  /// Time steps before bias and softplus: `[tokens, heads]`.
  public let timeSteps: MatrixSlice

  /// Gathers the inputs of a gated scan; both matrices have the same number of rows.
  ///
  /// - Parameters:
  ///   - convolved: x, B and C side by side.
  ///   - gate: `z`.
  ///   - timeSteps: time steps before bias and softplus.
  public init(
    convolved: Matrix, gate: MatrixSlice, timeSteps: MatrixSlice,
    _ parameters: StateSpaceParameters
  ) {
    let inner = parameters.heads * parameters.headWidth
    let weights = parameters.groups * parameters.states
    values = convolved.slice(0..<inner)
    inputWeights = convolved.slice(inner..<inner + weights)
    outputWeights = convolved.slice(inner + weights..<inner + 2 * weights)
    self.gate = gate
    self.timeSteps = timeSteps
  }

  /// The inputs of the scan alone, for engines that take one step after the other.
  var scanned: SelectiveScanInput {
    SelectiveScanInput(
      values: values.copied, timeSteps: timeSteps.copied, inputWeights: inputWeights.copied,
      outputWeights: outputWeights.copied)
  }
}
