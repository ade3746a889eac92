import CKernels
import Quant
import Runtime

/// The derivatives through a selective scan that starts from a zero state.
struct ScanGradient {
  /// What the scan gives: `[tokens, channels]`.
  let outputs: Matrix
  /// Derivatives in the inputs, shaped as they are.
  let values, timeSteps, inputWeights, outputWeights: Matrix
  /// Derivatives in `A_log`: `[channels, states]`.
  let logarithmicDecay: Matrix
  /// Derivatives in the weights of channels: `[1, channels]`.
  let skip, timeStepBias: Matrix

  /// - Parameter outputs: derivatives in the outputs.
  init(_ outputs: Matrix, _ input: SelectiveScanInput, _ parameters: SelectiveScanParameters) {
    let (tokens, channels) = (input.values.rows, input.values.columns)
    let (tiles, states) = (parameters.tiles, parameters.tiles.states)
    var memory = Arena()
    let (x, steps) = (memory.add(input.values.values), memory.add(input.timeSteps.values))
    let (B, C) = (memory.add(input.inputWeights.values), memory.add(input.outputWeights.values))
    let (A, D) = (memory.add(parameters.decay), memory.add(parameters.skip))
    let (bias, dy) = (memory.add(parameters.timeStepBias), memory.add(outputs.values))
    let y = memory.add(zeros: tokens * channels)
    let (dx, dSteps) = (memory.add(zeros: y.count), memory.add(zeros: y.count))
    let (dB, dC) = (memory.add(zeros: tokens * states), memory.add(zeros: tokens * states))
    let (dA, dD) = (memory.add(zeros: tiles.count), memory.add(zeros: channels))
    let dBias = memory.add(zeros: channels)
    let scratch = memory.add(zeros: (tokens + 1) * states * ChannelTiles.width)
    unsafe memory.withStart { start in
      var scan = unsafe vk_scan()
      unsafe scan.x = UnsafePointer(start + x.lowerBound)
      unsafe scan.time_steps = UnsafePointer(start + steps.lowerBound)
      unsafe scan.B = UnsafePointer(start + B.lowerBound)
      unsafe scan.C = UnsafePointer(start + C.lowerBound)
      unsafe scan.A = UnsafePointer(start + A.lowerBound)
      unsafe scan.D = UnsafePointer(start + D.lowerBound)
      unsafe scan.time_step_bias = UnsafePointer(start + bias.lowerBound)
      unsafe (scan.x_stride, scan.time_step_stride, scan.parameter_stride) = (
        channels, channels, states
      )
      var gradient = unsafe vk_scan_gradient()
      unsafe gradient.y = start + y.lowerBound
      unsafe gradient.x = start + dx.lowerBound
      unsafe gradient.time_steps = start + dSteps.lowerBound
      unsafe gradient.B = start + dB.lowerBound
      unsafe gradient.C = start + dC.lowerBound
      unsafe gradient.A = start + dA.lowerBound
      unsafe gradient.D = start + dD.lowerBound
      unsafe gradient.time_step_bias = start + dBias.lowerBound
      unsafe vk_selective_scan_gradient(
        &gradient, start + scratch.lowerBound, &scan, start + dy.lowerBound, tokens, channels,
        states)
    }
    func matrix(_ range: Range<Int>, _ columns: Int) -> Matrix {
      Matrix(
        rows: range.count / max(1, columns), columns: columns, values: memory.values(range))
    }
    self.outputs = matrix(y, channels)
    (values, timeSteps) = (matrix(dx, channels), matrix(dSteps, channels))
    (inputWeights, outputWeights) = (matrix(dB, states), matrix(dC, states))
    (skip, timeStepBias) = (matrix(dD, channels), matrix(dBias, channels))
    // A = −exp(A_log), so the derivative in A_log is that in A times A.
    let decays = memory.values(dA)
    logarithmicDecay = Matrix(
      rows: channels, columns: states,
      values: (0..<channels * states).map { place in
        let (channel, state) = place.quotientAndRemainder(dividingBy: states)
        let index = tiles.index(channel: channel, state: state)
        return decays[index] * parameters.decay[index]
      })
  }
}

/// Arrays one after the other in one piece of memory, so that a kernel may take the addresses of many.
private struct Arena {
  private var floats = [Float]()

  mutating func add(_ values: [Float]) -> Range<Int> {
    floats += values
    return floats.count - values.count..<floats.count
  }

  mutating func add(zeros count: Int) -> Range<Int> {
    floats += repeatElement(0, count: count)
    return floats.count - count..<floats.count
  }

  func values(_ range: Range<Int>) -> [Float] { Array(floats[range]) }

  mutating func withStart(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    unsafe floats.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      unsafe body(start)
    }
  }
}
