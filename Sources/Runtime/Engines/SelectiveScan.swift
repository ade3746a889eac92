import Foundation
public import Quant

/// How states and the decay matrix lie in memory: tiles of 16 channels, `[channels / 16][states][16]`.
///
/// A vector register then holds one state of 16 channels, and the whole state of a tile stays in registers while
/// the tokens go by. Channels are padded to a multiple of 16 with zeros.
public struct ChannelTiles: Sendable, Equatable {
  /// Channels a tile has.
  public static let width = 16

  /// Number of real channels.
  public let channels: Int
  /// States of each channel.
  public let states: Int

  /// Describes the layout for that many channels and states.
  public init(channels: Int, states: Int) {
    self.channels = channels
    self.states = states
  }

  /// Floats that the layout takes, padding included.
  public var count: Int { (channels + Self.width - 1) / Self.width * Self.width * states }

  /// Where one state of one channel lies.
  public func index(channel: Int, state: Int) -> Int {
    (channel / Self.width * states + state) * Self.width + channel % Self.width
  }

  /// Brings a row-major `[channels, states]` table into this layout.
  public func tiled(_ rowMajor: [Float]) -> [Float] {
    var tiled = [Float](repeating: 0, count: count)
    for channel in 0..<channels {
      for state in 0..<states {
        tiled[index(channel: channel, state: state)] = rowMajor[channel * states + state]
      }
    }
    return tiled
  }
}

/// The weights of one selective scan.
///
/// For each token, with `Δ = softplus(timeStep + timeStepBias)`:
///
///     state[c, n] = exp(Δ[c] · A[c, n]) · state[c, n] + Δ[c] · B[n] · x[c]
///     y[c]        = Σ_n C[n] · state[c, n] + D[c] · x[c]
///
/// Mamba (arXiv:2312.00752), section 3, with the Euler form of `B` that its code uses.
public struct SelectiveScanParameters: Sendable {
  /// Layout of `A` and of the state.
  public let tiles: ChannelTiles
  /// `−exp(A_log)`, in the layout of `tiles`.
  public let decay: [Float]
  /// `D`, one for each channel.
  public let skip: [Float]
  /// Bias of the time step, inside the softplus; one for each channel.
  public let timeStepBias: [Float]

  /// Prepares the weights of a scan.
  ///
  /// - Parameter logarithmicDecay: `A_log`, row-major `[channels, states]`.
  public init(logarithmicDecay: [Float], skip: [Float], timeStepBias: [Float], states: Int) {
    tiles = ChannelTiles(channels: skip.count, states: states)
    decay = tiles.tiled(logarithmicDecay.map { -exp($0) })
    self.skip = skip
    self.timeStepBias = timeStepBias
  }

  /// The state before the first token.
  public var initialState: [Float] { [Float](repeating: 0, count: tiles.count) }
}

/// What varies from token to token in a selective scan.
public struct SelectiveScanInput: Sendable {
  /// `x`: `[tokens, channels]`, after convolution and SiLU.
  public let values: Matrix
  /// Time steps before bias and softplus: `[tokens, channels]`.
  public let timeSteps: Matrix
  /// `B`: `[tokens, states]`.
  public let inputWeights: Matrix
  /// `C`: `[tokens, states]`.
  public let outputWeights: Matrix

  /// Gathers the inputs of a scan; all have the same number of rows.
  public init(values: Matrix, timeSteps: Matrix, inputWeights: Matrix, outputWeights: Matrix) {
    self.values = values
    self.timeSteps = timeSteps
    self.inputWeights = inputWeights
    self.outputWeights = outputWeights
  }
}

/// A selective scan with the projection of its time step and its gate.
public struct GatedScanInput: Sendable {
  /// `x`: `[tokens, channels]`, after convolution and SiLU.
  public let values: Matrix
  /// Time steps before their projection: `[tokens, rank]`.
  public let timeSteps: MatrixSlice
  /// `[channels, rank]`.
  public let timeStepProjection: EncodedMatrix
  /// `B`: `[tokens, states]`.
  public let inputWeights: MatrixSlice
  /// `C`: `[tokens, states]`, a slice of the same matrix.
  public let outputWeights: MatrixSlice
  /// `z`: `[tokens, channels]`; outputs are multiplied by its SiLU.
  public let gate: MatrixSlice

  /// Gathers the inputs of a gated scan; all have the same number of rows.
  ///
  /// - Parameter parameters: time step, B and C side by side: `[tokens, rank + 2 · states]`.
  public init(
    values: Matrix, parameters: Matrix, timeStepProjection: EncodedMatrix, states: Int,
    gate: MatrixSlice
  ) {
    let rank = timeStepProjection.columns
    self.values = values
    self.timeStepProjection = timeStepProjection
    timeSteps = parameters.slice(0..<rank)
    inputWeights = parameters.slice(rank..<rank + states)
    outputWeights = parameters.slice(rank + states..<rank + 2 * states)
    self.gate = gate
  }

  /// The inputs of the scan alone, for engines that take one step after the other.
  func projected(_ engine: any Engine) -> SelectiveScanInput {
    SelectiveScanInput(
      values: values, timeSteps: engine.linear(timeSteps.copied, timeStepProjection, bias: nil),
      inputWeights: inputWeights.copied, outputWeights: outputWeights.copied)
  }
}
