import CKernels
import Foundation
public import Quant

extension FastEngine {
  /// Tiles of channels that one task scans.
  private static let tilesPerTask = 8
  /// Channels that one task convolves, a multiple of the lanes of a vector.
  private static let channelsPerTask = 128

  /// See `Engine`.
  public func causalConvolution(
    _ input: MatrixSlice, weight: [Float], bias: [Float]?, history: inout [Float]
  ) -> Matrix {
    let channels = input.columns.count
    let kernel = weight.count / max(1, channels)
    let parts = Parts(channels, size: Self.channelsPerTask)
    let past = history
    let output = Matrix(rows: input.rows, columns: channels) { output in
      pool.run(sharing: input.rows * weight.count, parts.count) { part in
        let first = parts[part].lowerBound
        unsafe withOptional(bias) { bias in
          unsafe past.withUnsafeBufferPointer { past in
            unsafe weight.withUnsafeBufferPointer { weight in
              unsafe input.withStart { start in
                guard let weight = weight.baseAddress else { return }
                unsafe vk_causal_convolution_silu(
                  output.start + first, channels, start + first, input.matrix.columns,
                  weight + first * kernel, bias.map { unsafe $0 + first },
                  past.baseAddress.map { unsafe $0 + first }, input.rows, parts[part].count,
                  kernel)
              }
            }
          }
        }
      }
    }
    keep(input, of: kernel - 1, in: &history)
    return output
  }

  /// Replaces the history by the last `count` inputs seen.
  private func keep(_ input: MatrixSlice, of count: Int, in history: inout [Float]) {
    let channels = input.columns.count
    history.removeFirst(min(input.rows, count) * channels)
    for row in max(0, input.rows - count)..<input.rows {
      let start = row * input.matrix.columns + input.columns.lowerBound
      history += input.matrix.values[start..<start + channels]
    }
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
    let arguments = ScanArguments(input, rounded: activations.roundsScans)
    return unsafe scanTiles(parameters, tokens: input.values.rows, state: &state) {
      output, state, firstTile, tiles in
      unsafe input.timeSteps.slice.withStart { steps in
        unsafe scan(
          arguments, parameters, output, state, firstTile, tiles,
          timeSteps: steps + firstTile * ChannelTiles.width, stride: input.timeSteps.columns)
      }
    }
  }

  /// See `Engine`. A task computes the time steps of its channels, scans and gates them.
  public func gatedSelectiveScan(
    _ input: GatedScanInput, _ parameters: SelectiveScanParameters, state: inout [Float]
  ) -> Matrix {
    let product = PreparedProduct(
      input.timeSteps, input.timeStepProjection, activations: activations, pool: pool)
    let arguments = ScanArguments(input, rounded: activations.roundsScans)
    let tokens = input.values.rows
    return unsafe scanTiles(parameters, tokens: tokens, state: &state) {
      output, state, firstTile, tiles in
      let first = firstTile * ChannelTiles.width
      let channels = first..<min(first + tiles * ChannelTiles.width, parameters.tiles.channels)
      let timeSteps = Matrix(rows: tokens, columns: channels.count) { steps in
        for part in 0..<product.tokenParts.count {
          let tokens = product.tokenParts[part]
          unsafe product.multiply(
            tokens: tokens, rows: channels,
            into: steps.start + tokens.lowerBound * channels.count, stride: channels.count)
        }
      }
      unsafe timeSteps.slice.withStart { steps in
        unsafe scan(
          arguments, parameters, output, state, firstTile, tiles, timeSteps: steps,
          stride: channels.count)
      }
    }
  }

  /// What the kernel reads of each token.
  private struct ScanArguments {
    let values: MatrixSlice
    let inputWeights: MatrixSlice
    let outputWeights: MatrixSlice
    let gate: MatrixSlice?
    let codes: ScanCodes?

    init(_ input: SelectiveScanInput, rounded: Bool) {
      values = input.values.slice
      inputWeights = input.inputWeights.slice
      outputWeights = input.outputWeights.slice
      gate = nil
      codes = rounded ? ScanCodes(values, inputWeights, outputWeights) : nil
    }

    init(_ input: GatedScanInput, rounded: Bool) {
      values = input.values.slice
      inputWeights = input.inputWeights
      outputWeights = input.outputWeights
      gate = input.gate
      codes = rounded ? ScanCodes(values, inputWeights, outputWeights) : nil
    }

    /// Calls `body` with a scan that reads codes if there are any.
    func withCodes(_ scan: vk_scan, _ body: (vk_scan) -> Void) {
      guard let codes else { return unsafe body(scan) }
      unsafe codes.with(scan, body)
    }
  }

  /// The same as bytes: x with the groups that products round it in, B and C each with one scale for a token.
  private struct ScanCodes {
    let values: RoundedRows
    let inputWeights: RoundedRows
    let outputWeights: RoundedRows

    init(_ values: MatrixSlice, _ inputWeights: MatrixSlice, _ outputWeights: MatrixSlice) {
      let states = max(1, inputWeights.columns.count)
      self.values = RoundedRows(values, groupSize: Int(VK_SCALE_COLUMNS))
      self.inputWeights = RoundedRows(inputWeights, groupSize: states)
      self.outputWeights = RoundedRows(outputWeights, groupSize: states)
    }

    /// Calls `body` with a copy of a scan that reads the codes.
    func with(_ scan: vk_scan, _ body: (vk_scan) -> Void) {
      var scan = unsafe scan
      unsafe values.withStarts { codes, scales in
        unsafe scan.x_codes = codes
        unsafe scan.x_scales = scales
        unsafe inputWeights.withStarts { codes, scales in
          unsafe scan.B_codes = codes
          unsafe scan.B_scales = scales
          unsafe outputWeights.withStarts { codes, scales in
            unsafe scan.C_codes = codes
            unsafe scan.C_scales = scales
            unsafe body(scan)
          }
        }
      }
    }
  }

  /// Scans some tiles; `timeSteps` are those of their channels.
  private func scan(
    _ input: ScanArguments, _ parameters: SelectiveScanParameters,
    _ output: UnsafeMutablePointer<Float>, _ state: UnsafeMutablePointer<Float>,
    _ firstTile: Int, _ tiles: Int, timeSteps: UnsafePointer<Float>, stride: Int
  ) {
    var scan = unsafe vk_scan()
    unsafe scan.time_steps = timeSteps
    unsafe scan.time_step_stride = stride
    unsafe scan.x_stride = input.values.matrix.columns
    unsafe scan.parameter_stride = input.inputWeights.matrix.columns
    unsafe scan.gate_stride = input.gate?.matrix.columns ?? 0
    unsafe withStarts(of: input) { values, inputWeights, outputWeights, gate in
      unsafe withWeights(of: parameters) { decay, skip, bias in
        unsafe scan.x = values
        unsafe scan.B = inputWeights
        unsafe scan.C = outputWeights
        unsafe scan.gate = gate
        unsafe scan.A = decay
        unsafe scan.D = skip
        unsafe scan.time_step_bias = bias
        unsafe scan.rounds_state = self.state == .int8 ? 1 : 0
        unsafe scan.lasting = log(StatePrecision.lastingDecay)
        unsafe input.withCodes(scan) { scan in
          unsafe withUnsafePointer(to: scan) { scan in
            unsafe vk_selective_scan(
              output, state, scan, input.values.rows, parameters.tiles.channels,
              parameters.tiles.states, firstTile, tiles)
          }
        }
      }
    }
  }

  private func withStarts(
    of input: ScanArguments,
    _ body: (
      _ values: UnsafePointer<Float>, _ inputWeights: UnsafePointer<Float>,
      _ outputWeights: UnsafePointer<Float>, _ gate: UnsafePointer<Float>?
    ) -> Void
  ) {
    unsafe input.values.withStart { values in
      unsafe input.inputWeights.withStart { inputWeights in
        unsafe input.outputWeights.withStart { outputWeights in
          guard let gate = input.gate else {
            return unsafe body(values, inputWeights, outputWeights, nil)
          }
          unsafe gate.withStart { unsafe body(values, inputWeights, outputWeights, $0) }
        }
      }
    }
  }

  private func withWeights(
    of parameters: SelectiveScanParameters,
    _ body: (
      _ decay: UnsafePointer<Float>?, _ skip: UnsafePointer<Float>?, _ bias: UnsafePointer<Float>?
    ) -> Void
  ) {
    unsafe parameters.decay.withUnsafeBufferPointer { decay in
      unsafe parameters.skip.withUnsafeBufferPointer { skip in
        unsafe parameters.timeStepBias.withUnsafeBufferPointer { bias in
          unsafe body(decay.baseAddress, skip.baseAddress, bias.baseAddress)
        }
      }
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
    let parts = Parts(
      (channels + ChannelTiles.width - 1) / ChannelTiles.width, size: Self.tilesPerTask)
    return Matrix(rows: tokens, columns: channels) { output in
      state.withDisjointWriter { state in
        pool.run(parts.count) { part in
          unsafe scan(output.start, state.start, parts[part].lowerBound, parts[part].count)
        }
      }
    }
  }
}
