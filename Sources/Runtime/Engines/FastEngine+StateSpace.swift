import CKernels
public import Quant

extension FastEngine {
  /// Tokens of a chunk: within it the scan is a product of matrices.
  private static let chunk = 64
  /// Up to so many tokens the recurrence itself is quicker.
  private static let recurrentTokens = 8

  /// See `Engine`.
  ///
  /// Long inputs go through the chunked form of state-space duality (arXiv:2405.21060, section 6), heads shared out
  /// among the threads; a few tokens go through the recurrence.
  public func stateSpaceScan(
    _ input: SelectiveScanInput, _ parameters: StateSpaceParameters, state: inout [Float]
  ) -> Matrix {
    let timeSteps = self.timeSteps(input.timeSteps, parameters)
    var output = Matrix(rows: input.values.rows, columns: input.values.columns)
    output.values.withDisjointWriter { output in
      state.withDisjointWriter { state in
        pool.run(parameters.heads) { head in
          let scan = HeadScan(
            input: input, parameters: parameters, timeSteps: timeSteps, head: head)
          if input.values.rows <= Self.recurrentTokens {
            scan.recur(output, state)
          } else {
            for first in stride(from: 0, to: input.values.rows, by: Self.chunk) {
              scan.multiply(
                first..<min(first + Self.chunk, input.values.rows), output, state)
            }
          }
          scan.addSkip(output)
        }
      }
    }
    return output
  }

  /// `clamp(softplus(timeStep + bias))`: `[tokens, heads]`.
  private func timeSteps(_ raw: Matrix, _ parameters: StateSpaceParameters) -> Matrix {
    var steps = raw
    for index in steps.values.indices {
      steps.values[index] += parameters.timeStepBias[index % parameters.heads]
    }
    let count = steps.values.count
    unsafe steps.values.withUnsafeMutableBufferPointer { values in
      guard let start = values.baseAddress else { return }
      unsafe vk_softplus(start, start, count)
    }
    for index in steps.values.indices {
      steps.values[index] = min(
        max(steps.values[index], parameters.timeStepMinimum), parameters.timeStepMaximum)
    }
    return steps
  }

  /// See `Engine`.
  public func rmsNormalize(
    _ input: Matrix, weight: [Float], groups: Int, epsilon: Float
  ) -> Matrix {
    let width = input.columns / max(1, groups)
    var output = Matrix(rows: input.rows, columns: input.columns)
    output.values.withDisjointWriter { writer in
      pool.run(input.rows) { row in
        unsafe input.values.withUnsafeBufferPointer { values in
          unsafe weight.withUnsafeBufferPointer { weight in
            guard let value = values.baseAddress, let weight = weight.baseAddress else { return }
            for group in 0..<groups {
              let start = row * input.columns + group * width
              unsafe vk_rms_normalize(
                writer.start + start, value + start, weight + group * width, epsilon, 1, width)
            }
          }
        }
      }
    }
    return output
  }
}

/// The scan of one head.
private struct HeadScan {
  let input: SelectiveScanInput
  let parameters: StateSpaceParameters
  let timeSteps: Matrix
  let head: Int

  private var width: Int { parameters.headWidth }
  private var states: Int { parameters.states }
  private var firstChannel: Int { head * width }
  private var firstWeight: Int { parameters.group(of: head) * states }

  private func timeStep(_ token: Int) -> Float {
    timeSteps.values[token * parameters.heads + head]
  }

  /// Token after token.
  func recur(_ output: DisjointWriter, _ state: DisjointWriter) {
    unsafe withInputs { values, inputWeights, outputWeights in
      for token in 0..<input.values.rows {
        let step = timeStep(token)
        let decay = exponentials([step * parameters.decay[head]])[0]
        let weights = token * input.inputWeights.columns + firstWeight
        let channels = token * input.values.columns + firstChannel
        unsafe vk_state_space_step(
          output.start + channels, state.start + head * width * states, values + channels,
          inputWeights + weights, outputWeights + weights, decay, step, width, states)
      }
    }
  }

  /// One chunk as products of matrices. With `a` the sum of `Δ · A` up to and with a token of the chunk:
  ///
  ///     y[i]  = Σ_{j ≤ i} (C[i] · B[j]) exp(a[i] − a[j]) Δ[j] x[j]  +  exp(a[i]) C[i] · state
  ///     state = exp(a[last]) state + Σ_j exp(a[last] − a[j]) Δ[j] x[j] ⊗ B[j]
  func multiply(_ tokens: Range<Int>, _ output: DisjointWriter, _ state: DisjointWriter) {
    let count = tokens.count
    let sums = decaySums(tokens)
    let steps = tokens.map(timeStep)
    unsafe withInputs { values, inputWeights, outputWeights in
      let columns = input.values.columns
      let weightColumns = input.inputWeights.columns
      let x = unsafe values + tokens.lowerBound * columns + firstChannel
      let b = unsafe inputWeights + tokens.lowerBound * weightColumns + firstWeight
      let c = unsafe outputWeights + tokens.lowerBound * weightColumns + firstWeight
      let y = unsafe output.start + tokens.lowerBound * columns + firstChannel
      let held = unsafe state.start + head * width * states

      var scores = [Float](repeating: 0, count: count * count)
      unsafe MatrixProduct.multiplyTransposed(
        left: c, leftStride: weightColumns, right: b, rightStride: weightColumns,
        output: &scores, outputStride: count, rows: count, columns: count, inner: states,
        accumulating: false)
      decayScores(&scores, sums, steps)
      unsafe MatrixProduct.multiply(
        left: scores, leftStride: count, right: x, rightStride: columns, output: y,
        outputStride: columns, rows: count, columns: width, inner: count, accumulating: false)

      let reading = unsafe scaled(c, stride: weightColumns, by: exponentials(sums))
      unsafe MatrixProduct.multiplyTransposed(
        left: reading, leftStride: states, right: held, rightStride: states, output: y,
        outputStride: columns, rows: count, columns: width, inner: states, accumulating: true)

      let last = sums[count - 1]
      let remaining = exponentials(sums.map { last - $0 })
      let writing = unsafe scaled(
        b, stride: weightColumns, by: zip(remaining, steps).map { $0 * $1 })
      let factor = exponentials([last])[0]
      for index in 0..<width * states { unsafe held[index] *= factor }
      let transposed = unsafe transpose(x, stride: columns, rows: count)
      unsafe MatrixProduct.multiply(
        left: transposed, leftStride: count, right: writing, rightStride: states, output: held,
        outputStride: states, rows: width, columns: states, inner: count, accumulating: true)
    }
  }

  func addSkip(_ output: DisjointWriter) {
    for token in 0..<input.values.rows {
      let start = token * input.values.columns + firstChannel
      for channel in 0..<width {
        unsafe output.start[start + channel] +=
          parameters.skip[firstChannel + channel] * input.values.values[start + channel]
      }
    }
  }

  private func decaySums(_ tokens: Range<Int>) -> [Float] {
    var sum = 0.0
    return tokens.map { token in
      sum += Double(timeStep(token)) * Double(parameters.decay[head])
      return Float(sum)
    }
  }

  /// Multiplies by what is left of token j at token i, and takes out what lies in the future.
  private func decayScores(_ scores: inout [Float], _ sums: [Float], _ steps: [Float]) {
    let count = sums.count
    for row in 0..<count {
      let factors = exponentials(sums[0...row].map { sums[row] - $0 })
      for column in 0..<count {
        scores[row * count + column] *=
          column <= row ? factors[column] * steps[column] : 0
      }
    }
  }

  private func exponentials(_ values: [Float]) -> [Float] {
    var results = values
    unsafe vk_exp(&results, values, values.count)
    return results
  }

  /// A copy of rows of `states` values, each multiplied by its factor.
  private func scaled(
    _ rows: UnsafePointer<Float>, stride: Int, by factors: [Float]
  ) -> [Float] {
    var copy = [Float]()
    copy.reserveCapacity(factors.count * states)
    for (row, factor) in factors.enumerated() {
      for column in 0..<states { unsafe copy.append(rows[row * stride + column] * factor) }
    }
    return copy
  }

  /// The channels of the head by tokens: `[headWidth, rows]`.
  private func transpose(
    _ values: UnsafePointer<Float>, stride: Int, rows: Int
  ) -> [Float] {
    var copy = [Float]()
    copy.reserveCapacity(rows * width)
    for channel in 0..<width {
      for row in 0..<rows { unsafe copy.append(values[row * stride + channel]) }
    }
    return copy
  }

  private func withInputs(
    _ body: (
      _ values: UnsafePointer<Float>, _ inputWeights: UnsafePointer<Float>,
      _ outputWeights: UnsafePointer<Float>
    ) -> Void
  ) {
    unsafe input.values.values.withUnsafeBufferPointer { values in
      unsafe input.inputWeights.values.withUnsafeBufferPointer { inputWeights in
        unsafe input.outputWeights.values.withUnsafeBufferPointer { outputWeights in
          guard let values = values.baseAddress, let inputWeights = inputWeights.baseAddress,
            let outputWeights = outputWeights.baseAddress
          else { return }
          unsafe body(values, inputWeights, outputWeights)
        }
      }
    }
  }
}
