import CKernels
import Foundation
public import Quant

extension FastEngine {
  /// Up to so many tokens the recurrence itself is quicker than a chunk.
  private static let recurrentTokens = 8
  /// Rows that one task normalizes.
  private static let rowsPerNormalization = 16

  /// See `Engine`.
  public func stateSpaceScan(
    _ input: SelectiveScanInput, _ parameters: StateSpaceParameters, state: inout [Float]
  ) -> Matrix {
    scan(StateSpaceSlices(input), parameters, &state)
  }

  /// See `Engine`.
  public func gatedStateSpaceScan(
    _ input: GatedStateSpaceInput, _ parameters: StateSpaceParameters, state: inout [Float]
  ) -> Matrix {
    scan(StateSpaceSlices(input), parameters, &state)
  }

  /// Shares out the heads among the threads.
  ///
  /// Long inputs go through the chunked form of state-space duality (arXiv:2405.21060, section 6), a few tokens through
  /// the recurrence.
  private func scan(
    _ input: StateSpaceSlices, _ parameters: StateSpaceParameters, _ state: inout [Float]
  ) -> Matrix {
    let input = activations.roundsScans ? input.rounded(parameters) : input
    let tokens = input.values.rows
    // A chunk skips the states between its ends, which are to be rounded.
    let isRecurrent = tokens <= Self.recurrentTokens || self.state == .int8
    let steps = TimeSteps(
      input.timeSteps, parameters, chunk: isRecurrent ? 1 : PreparedChunks.length)
    let chunks = isRecurrent ? nil : PreparedChunks(input, parameters, pool: pool)
    let columns = parameters.heads * parameters.headWidth
    return Matrix(rows: tokens, columns: columns) { output in
      state.withDisjointWriter { state in
        input.withStarts { starts in
          unsafe steps.withStarts { values, sums in
            unsafe parameters.skip.withUnsafeBufferPointer { skip in
              pool.run(sharing: tokens * state.count, parameters.heads) { head in
                var scan = unsafe starts.scan(parameters, head: head)
                unsafe scan.time_steps = values + head
                unsafe scan.sums = sums + head
                unsafe scan.rounds_state = self.state == .int8 ? 1 : 0
                unsafe scan.lasting = log(StatePrecision.lastingDecay)
                unsafe scan.D = skip.baseAddress.map { unsafe $0 + head * parameters.headWidth }
                let result = unsafe output.start + head * parameters.headWidth
                let held =
                  unsafe state.start + head * parameters.headWidth * parameters.states
                if let chunks {
                  unsafe chunks.scan(
                    scan, group: parameters.group(of: head), tokens, result, columns, held)
                } else {
                  unsafe vk_state_space_steps(result, columns, held, &scan, tokens)
                }
              }
            }
          }
        }
      }
    }
  }

  /// See `Engine`.
  public func rmsNormalize(
    _ input: Matrix, weight: [Float], groups: Int, epsilon: Float
  ) -> Matrix {
    let width = input.columns / max(1, groups)
    let parts = Parts(input.rows, size: Self.rowsPerNormalization)
    return Matrix(rows: input.rows, columns: input.columns) { output in
      unsafe input.slice.withStart { start in
        unsafe weight.withUnsafeBufferPointer { weight in
          guard let weight = weight.baseAddress else { return }
          pool.run(sharing: input.values.count, parts.count) { part in
            for row in parts[part] {
              for group in 0..<groups {
                let first = row * input.columns + group * width
                unsafe vk_rms_normalize(
                  output.start + first, start + first, weight + group * width, epsilon, 1, width)
              }
            }
          }
        }
      }
    }
  }
}

/// What a scan reads of each token.
private struct StateSpaceSlices {
  let values: MatrixSlice
  let timeSteps: MatrixSlice
  let inputWeights: MatrixSlice
  let outputWeights: MatrixSlice
  let gate: MatrixSlice?

  init(_ input: SelectiveScanInput) {
    values = input.values.slice
    timeSteps = input.timeSteps.slice
    inputWeights = input.inputWeights.slice
    outputWeights = input.outputWeights.slice
    gate = nil
  }

  init(_ input: GatedStateSpaceInput) {
    values = input.values
    timeSteps = input.timeSteps
    inputWeights = input.inputWeights
    outputWeights = input.outputWeights
    gate = input.gate
  }

  private init(_ input: StateSpaceSlices, values: Matrix, weights: (Matrix, Matrix)) {
    self.values = values.slice
    timeSteps = input.timeSteps
    inputWeights = weights.0.slice
    outputWeights = weights.1.slice
    gate = input.gate
  }

  /// The numbers that x, B and C stand for as bytes: x with one scale for each token and head, B and C with one for each
  /// token and group.
  func rounded(_ parameters: StateSpaceParameters) -> StateSpaceSlices {
    func rounded(_ slice: MatrixSlice, groupSize: Int) -> Matrix {
      RoundedRows(slice, groupSize: groupSize).widened
    }
    return StateSpaceSlices(
      self, values: rounded(values, groupSize: parameters.headWidth),
      weights: (
        rounded(inputWeights, groupSize: parameters.states),
        rounded(outputWeights, groupSize: parameters.states)
      ))
  }

  /// Calls `body` with where the first token of each input lies.
  func withStarts(_ body: (StateSpaceStarts) -> Void) {
    unsafe values.withStart { values in
      unsafe inputWeights.withStart { inputWeights in
        unsafe outputWeights.withStart { outputWeights in
          var scan = unsafe vk_state_space()
          unsafe scan.x = values
          unsafe scan.x_stride = self.values.matrix.columns
          unsafe scan.B = inputWeights
          unsafe scan.C = outputWeights
          unsafe scan.parameter_stride = self.inputWeights.matrix.columns
          guard let gate else { return unsafe body(StateSpaceStarts(first: scan)) }
          unsafe gate.withStart { start in
            unsafe scan.gate = start
            unsafe scan.gate_stride = gate.matrix.columns
            unsafe body(StateSpaceStarts(first: scan))
          }
        }
      }
    }
  }
}

/// Where the inputs of the first head lie.
@safe private struct StateSpaceStarts {
  let first: vk_state_space

  init(first: vk_state_space) { unsafe self.first = first }

  /// The inputs of a head, without its time steps and skip weights.
  func scan(_ parameters: StateSpaceParameters, head: Int) -> vk_state_space {
    var scan = unsafe first
    let channel = head * parameters.headWidth
    let weight = parameters.group(of: head) * parameters.states
    unsafe scan.x = first.x + channel
    unsafe scan.gate = first.gate.map { unsafe $0 + channel }
    unsafe scan.B = first.B + weight
    unsafe scan.C = first.C + weight
    unsafe scan.step_stride = parameters.heads
    unsafe scan.head_width = parameters.headWidth
    unsafe scan.states = parameters.states
    return unsafe scan
  }
}

/// `Δ = clamp(softplus(timeStep + bias))` and the sums of `Δ · A` from the first token of a chunk: `[tokens, heads]` each.
private struct TimeSteps {
  private let values: Matrix
  private let sums: Matrix

  init(_ raw: MatrixSlice, _ parameters: StateSpaceParameters, chunk: Int) {
    var sums = Matrix(rows: raw.rows, columns: parameters.heads)
    values = Matrix(rows: raw.rows, columns: parameters.heads) { values in
      unsafe raw.withStart { start in
        unsafe vk_state_space_time_steps(
          values.start, &sums.values, start, raw.matrix.columns, parameters.timeStepBias,
          parameters.decay, parameters.timeStepMinimum, parameters.timeStepMaximum, raw.rows,
          parameters.heads, chunk)
      }
    }
    self.sums = sums
  }

  func withStarts(
    _ body: (_ values: UnsafePointer<Float>, _ sums: UnsafePointer<Float>) -> Void
  ) {
    unsafe values.slice.withStart { values in
      unsafe sums.slice.withStart { sums in unsafe body(values, sums) }
    }
  }
}

/// What the heads of a group share, for every chunk of tokens: the products of B and C, and both in the order that
/// chunks read them.
private struct PreparedChunks {
  /// Tokens of a chunk.
  static let length = Int(VK_CHUNK)

  private let prepared: Matrix
  private let groups: Int
  private let parts: Parts

  init(_ input: StateSpaceSlices, _ parameters: StateSpaceParameters, pool: ThreadPool) {
    let (groups, states) = (parameters.groups, parameters.states)
    let parts = Parts(input.values.rows, size: Self.length)
    let padded = (states + Self.length - 1) / Self.length * Self.length
    let columns = Self.length * (2 * padded + Self.length)
    let operations = input.values.rows * groups * columns
    prepared = Matrix(rows: parts.count * groups, columns: columns) { output in
      input.withStarts { starts in
        pool.run(sharing: operations, parts.count * groups) { index in
          let (part, group) = index.quotientAndRemainder(dividingBy: groups)
          let stride = unsafe starts.first.parameter_stride
          let first = parts[part].lowerBound * stride + group * states
          unsafe vk_state_space_prepare(
            output.start + index * columns, starts.first.B + first, starts.first.C + first, stride,
            parts[part].count, states)
        }
      }
    }
    self.groups = groups
    self.parts = parts
  }

  /// Scans one head, chunk after chunk.
  func scan(
    _ head: vk_state_space, group: Int, _ tokens: Int, _ output: UnsafeMutablePointer<Float>,
    _ stride: Int, _ state: UnsafeMutablePointer<Float>
  ) {
    unsafe prepared.slice.withStart { start in
      for part in 0..<parts.count {
        let first = parts[part].lowerBound
        var scan = unsafe head
        unsafe scan.x += first * head.x_stride
        unsafe scan.gate = head.gate.map { unsafe $0 + first * head.gate_stride }
        unsafe scan.time_steps += first * head.step_stride
        unsafe scan.sums += first * head.step_stride
        unsafe vk_state_space_chunk(
          output + first * stride, stride, state,
          start + (part * groups + group) * prepared.columns, &scan, parts[part].count)
      }
    }
  }
}
