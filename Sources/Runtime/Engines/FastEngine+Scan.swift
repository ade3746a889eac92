import CKernels
public import Quant

extension FastEngine {
  /// Tiles of channels that one task scans.
  private static let tilesPerTask = 4

  /// See `Engine`.
  public func causalConvolution(
    _ input: Matrix, weight: [Float], bias: [Float]?, history: inout [Float]
  ) -> Matrix {
    let channels = input.columns
    let kernel = weight.count / max(1, channels)
    var output = Matrix(rows: input.rows, columns: channels)
    unsafe withOptional(bias) { bias in
      unsafe vk_causal_convolution_silu(
        &output.values, input.values, weight, bias, history, input.rows, channels, kernel)
    }
    let kept = (kernel - 1) * channels
    history = Array((history + input.values.suffix(kept)).suffix(kept))
    return output
  }

  /// See `Engine`.
  public func gridConvolution(
    _ input: Matrix, height: Int, width: Int, kernel: Int, weight: [Float], bias: [Float]?
  ) -> Matrix {
    var output = Matrix(rows: input.rows, columns: input.columns)
    unsafe withOptional(bias) { bias in
      unsafe vk_grid_convolution_silu(
        &output.values, input.values, weight, bias, height, width, input.columns, kernel)
    }
    return output
  }

  private func withOptional(_ values: [Float]?, _ body: (UnsafePointer<Float>?) -> Void) {
    guard let values else { return body(nil) }
    unsafe values.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
  }

  /// See `Engine`.
  public func selectiveScan(
    _ input: SelectiveScanInput, _ parameters: SelectiveScanParameters, state: inout [Float]
  ) -> Matrix {
    unsafe scanTiles(parameters, tokens: input.values.rows, state: &state) {
      output, state, firstTile, tiles in
      unsafe vk_selective_scan(
        output, state, input.values.values, input.timeSteps.values, input.inputWeights.values,
        input.outputWeights.values, parameters.decay, parameters.skip, parameters.timeStepBias,
        input.values.rows, parameters.tiles.channels, parameters.tiles.states, firstTile, tiles)
    }
  }

  /// See `Engine`.
  public func selectiveScan(
    _ input: QuantizedScanInput, _ parameters: SelectiveScanParameters, state: inout [Float]
  ) -> Matrix {
    unsafe scanTiles(parameters, tokens: input.values.rows, state: &state) {
      output, state, firstTile, tiles in
      unsafe vk_selective_scan_int8(
        output, state, input.values.values, input.values.scales, input.timeSteps.values,
        input.timeSteps.scales, input.inputWeights.values, input.inputWeights.scales,
        input.outputWeights.values, input.outputWeights.scales, parameters.decay, parameters.skip,
        parameters.timeStepBias, input.values.rows, parameters.tiles.channels,
        parameters.tiles.states, firstTile, tiles)
    }
  }

  /// Splits the tiles of channels over the threads; a tile is scanned by one thread over all tokens.
  private func scanTiles(
    _ parameters: SelectiveScanParameters, tokens: Int, state: inout [Float],
    _ scan: (
      UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, _ firstTile: Int, _ tiles: Int
    ) -> Void
  ) -> Matrix {
    let channels = parameters.tiles.channels
    let tiles = (channels + ChannelTiles.width - 1) / ChannelTiles.width
    var output = Matrix(rows: tokens, columns: channels)
    output.values.withDisjointWriter { output in
      state.withDisjointWriter { state in
        pool.run((tiles + Self.tilesPerTask - 1) / Self.tilesPerTask) { task in
          let first = task * Self.tilesPerTask
          unsafe scan(output.start, state.start, first, min(Self.tilesPerTask, tiles - first))
        }
      }
    }
    return output
  }
}
