/// How the state of a mixer is laid out in a file: row-major, whatever the kernels prefer.
struct StateLayout {
  /// `[convolutionWidth − 1, channels]`.
  let historyShape: [Int]
  /// `[channels, states]` for Mamba, `[heads, headWidth, states]` for Mamba-2.
  let scanShape: [Int]
  /// How the scan's state lies in memory; nothing if it is row-major there too.
  private let tiles: ChannelTiles?

  init(_ mixer: MixerDescription) {
    switch mixer {
    case .mamba(let shape):
      historyShape = [shape.convolutionWidth - 1, shape.innerWidth]
      scanShape = [shape.innerWidth, shape.stateSize]
      tiles = ChannelTiles(channels: shape.innerWidth, states: shape.stateSize)
    case .mamba2(let shape):
      historyShape = [shape.convolutionWidth - 1, shape.convolvedWidth]
      scanShape = [shape.heads, shape.headWidth, shape.stateSize]
      tiles = nil
    }
  }

  /// The state of a scan as it is written.
  func rowMajor(_ scan: [Float]) -> [Float] {
    guard let tiles else { return scan }
    return (0..<tiles.channels).flatMap { channel in
      (0..<tiles.states).map { scan[tiles.index(channel: channel, state: $0)] }
    }
  }

  /// The state of a scan as it is used.
  func scan(_ rowMajor: [Float]) -> [Float] { tiles?.tiled(rowMajor) ?? rowMajor }
}
