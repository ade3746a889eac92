import Foundation

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
