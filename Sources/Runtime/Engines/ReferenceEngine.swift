import Foundation
public import Quant

/// Plain float32 arithmetic, one operation after another.
///
/// It is the definition that `FastEngine` is held against, so nothing here is clever: weights are expanded row by
/// row, exponentials come from the C library, sums over a row run in double precision where they are long.
public struct ReferenceEngine: Engine {
  private let pool: ThreadPool

  /// An engine that works on that many threads.
  public init(threads: Int = 1) {
    pool = ThreadPool(threads: threads)
  }

  /// See `Engine`.
  public func linear(_ input: Matrix, _ weight: EncodedMatrix, bias: [Float]?) -> Matrix {
    let tokens = input.rows
    let outputs = weight.rows
    var output = Matrix(rows: tokens, columns: outputs)
    output.values.withDisjointWriter { writer in
      pool.run(outputs) { row in
        let weights = weight.expanded(rows: row..<row + 1).values
        for token in 0..<tokens {
          let sum = dot(weights, input.values, from: token * weight.columns)
          writer.write(sum + (bias?[row] ?? 0), at: token * outputs + row)
        }
      }
    }
    return output
  }

  /// `Σ left[i] · right[start + i]` in 16 partial sums.
  private func dot(_ left: [Float], _ right: [Float], from start: Int) -> Float {
    var lanes = SIMD16<Float>()
    var index = 0
    unsafe left.withUnsafeBytes { left in
      unsafe right.withUnsafeBytes { right in
        while index + 16 <= left.count / 4 {
          let a = unsafe left.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self)
          let b = unsafe right.loadUnaligned(
            fromByteOffset: (start + index) * 4, as: SIMD16<Float>.self)
          lanes += a * b
          index += 16
        }
      }
    }
    var sum = lanes.sum()
    while index < left.count {
      sum += left[index] * right[start + index]
      index += 1
    }
    return sum
  }

  /// See `Engine`.
  public func rmsNormalize(_ input: Matrix, weight: [Float], epsilon: Float) -> Matrix {
    mapRows(input) { row in
      let mean = row.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(row.count)
      let factor = Float(1 / (mean + Double(epsilon)).squareRoot())
      return zip(row, weight).map { $0 * factor * $1 }
    }
  }

  /// See `Engine`.
  public func layerNormalize(
    _ input: Matrix, weight: [Float], bias: [Float], epsilon: Float
  ) -> Matrix {
    mapRows(input) { row in
      let mean = row.reduce(0.0) { $0 + Double($1) } / Double(row.count)
      let variance =
        row.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(row.count)
      let factor = 1 / (variance + Double(epsilon)).squareRoot()
      return row.enumerated().map { column, value in
        Float((Double(value) - mean) * factor) * weight[column] + bias[column]
      }
    }
  }

  /// See `Engine`.
  public func causalConvolution(
    _ slice: MatrixSlice, weight: [Float], bias: [Float]?, history: inout [Float]
  ) -> Matrix {
    let input = slice.copied
    let channels = input.columns
    let kernel = weight.count / max(1, channels)
    let seen = history + input.values
    var output = Matrix(rows: input.rows, columns: channels)
    for token in 0..<input.rows {
      for channel in 0..<channels {
        var sum = bias?[channel] ?? 0
        for tap in 0..<kernel {
          sum += weight[channel * kernel + tap] * seen[(token + tap) * channels + channel]
        }
        output.values[token * channels + channel] = silu(sum)
      }
    }
    history = Array(seen.suffix((kernel - 1) * channels))
    return output
  }

  /// See `Engine`.
  public func gridConvolution(
    _ input: Matrix, height: Int, width: Int, kernel: Int, weight: [Float], bias: [Float]?
  ) -> Matrix {
    let channels = input.columns
    var output = Matrix(rows: input.rows, columns: channels)
    for y in 0..<height {
      for x in 0..<width {
        for channel in 0..<channels {
          var sum = bias?[channel] ?? 0
          for (tap, offset) in gridTaps(kernel: kernel).enumerated() {
            let (row, column) = (y + offset.row, x + offset.column)
            guard (0..<height).contains(row), (0..<width).contains(column) else { continue }
            sum +=
              weight[channel * kernel * kernel + tap]
              * input.values[(row * width + column) * channels + channel]
          }
          output.values[(y * width + x) * channels + channel] = silu(sum)
        }
      }
    }
    return output
  }

  private func gridTaps(kernel: Int) -> [(row: Int, column: Int)] {
    (0..<kernel * kernel).map { ($0 / kernel - kernel / 2, $0 % kernel - kernel / 2) }
  }

  /// See `Engine`.
  public func selectiveScan(
    _ input: SelectiveScanInput, _ parameters: SelectiveScanParameters, state: inout [Float]
  ) -> Matrix {
    let tiles = parameters.tiles
    var output = Matrix(rows: input.values.rows, columns: tiles.channels)
    for token in 0..<output.rows {
      for channel in 0..<tiles.channels {
        let index = token * tiles.channels + channel
        let step = softplus(input.timeSteps.values[index] + parameters.timeStepBias[channel])
        let value = input.values.values[index]
        var sum: Float = 0
        for n in 0..<tiles.states {
          let at = tiles.index(channel: channel, state: n)
          state[at] =
            exp(step * parameters.decay[at]) * state[at]
            + step * input.inputWeights.values[token * tiles.states + n] * value
          sum += input.outputWeights.values[token * tiles.states + n] * state[at]
        }
        output.values[index] = sum + parameters.skip[channel] * value
      }
    }
    return output
  }

  /// See `Engine`.
  public func gatedSelectiveScan(
    _ input: GatedScanInput, _ parameters: SelectiveScanParameters, state: inout [Float]
  ) -> Matrix {
    gate(selectiveScan(input.projected(self), parameters, state: &state), by: input.gate.copied)
  }

  /// See `Engine`.
  public func stateSpaceScan(
    _ input: SelectiveScanInput, _ parameters: StateSpaceParameters, state: inout [Float]
  ) -> Matrix {
    let (width, states) = (parameters.headWidth, parameters.states)
    var output = Matrix(rows: input.values.rows, columns: input.values.columns)
    for token in 0..<output.rows {
      for channel in 0..<output.columns {
        let head = channel / width
        let raw = input.timeSteps.values[token * parameters.heads + head]
        let step = min(
          max(softplus(raw + parameters.timeStepBias[head]), parameters.timeStepMinimum),
          parameters.timeStepMaximum)
        let decay = exp(step * parameters.decay[head])
        let value = input.values.values[token * output.columns + channel]
        let weights = token * input.inputWeights.columns + parameters.group(of: head) * states
        var sum: Float = 0
        for n in 0..<states {
          let at = channel * states + n
          state[at] = decay * state[at] + step * value * input.inputWeights.values[weights + n]
          sum += input.outputWeights.values[weights + n] * state[at]
        }
        output.values[token * output.columns + channel] = sum + parameters.skip[channel] * value
      }
    }
    return output
  }

  /// See `Engine`.
  public func gatedStateSpaceScan(
    _ input: GatedStateSpaceInput, _ parameters: StateSpaceParameters, state: inout [Float]
  ) -> Matrix {
    gate(stateSpaceScan(input.scanned, parameters, state: &state), by: input.gate.copied)
  }

  /// See `Engine`.
  public func rmsNormalize(
    _ input: Matrix, weight: [Float], groups: Int, epsilon: Float
  ) -> Matrix {
    let width = input.columns / max(1, groups)
    return mapRows(input) { row in
      (0..<groups).flatMap { group in
        let part = row.dropFirst(group * width).prefix(width)
        let mean = part.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(width)
        let factor = Float(1 / (mean + Double(epsilon)).squareRoot())
        return zip(part, weight[(group * width)...]).map { $0 * factor * $1 }
      }
    }
  }

  /// See `Engine`.
  public func attention(queries: Matrix, keys: Matrix, values: Matrix, heads: Int) -> Matrix {
    let width = queries.columns / max(1, heads)
    let scale = 1 / Float(width).squareRoot()
    var output = Matrix(rows: queries.rows, columns: queries.columns)
    for query in 0..<queries.rows {
      for head in 0..<heads {
        let columns = head * width..<(head + 1) * width
        let scores = (0..<keys.rows).map { key in
          columns.reduce(Float(0)) {
            $0 + queries.values[query * queries.columns + $1]
              * keys.values[key * keys.columns + $1]
          } * scale
        }
        let weights = softmax(scores)
        for column in columns {
          output.values[query * output.columns + column] = (0..<keys.rows).reduce(Float(0)) {
            $0 + weights[$1] * values.values[$1 * values.columns + column]
          }
        }
      }
    }
    return output
  }

  private func softmax(_ scores: [Float]) -> [Float] {
    let largest = scores.max() ?? 0
    let exponentials = scores.map { exp($0 - largest) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { $0 / sum }
  }

  /// See `Engine`.
  public func activate(_ input: Matrix, _ activation: Activation) -> Matrix {
    var output = input
    output.values = input.values.map { value in
      switch activation {
      case .gelu: value / 2 * (1 + erf(value / Float(2).squareRoot()))
      case .geluTanh:
        value / 2
          * (1
            + tanh(Float(2 / Double.pi).squareRoot() * (value + 0.044715 * value * value * value)))
      case .quickGelu: value / (1 + exp(-1.702 * value))
      case .silu: silu(value)
      }
    }
    return output
  }

  /// See `Engine`.
  public func gate(_ input: Matrix, by gate: Matrix) -> Matrix {
    var output = input
    output.values = zip(input.values, gate.values).map { $0 * silu($1) }
    return output
  }

  /// See `Engine`.
  public func logSoftmax(_ logits: Matrix) -> Matrix {
    mapRows(logits) { row in
      let largest = row.max() ?? 0
      let sum = row.reduce(0.0) { $0 + exp(Double($1 - largest)) }
      let logarithm = Float(log(sum))
      return row.map { $0 - largest - logarithm }
    }
  }

  private func mapRows(_ input: Matrix, _ body: (ArraySlice<Float>) -> [Float]) -> Matrix {
    var values = [Float]()
    values.reserveCapacity(input.values.count)
    for row in 0..<input.rows {
      values += body(input.values[row * input.columns..<(row + 1) * input.columns])
    }
    return Matrix(rows: input.rows, columns: input.columns, values: values)
  }

  private func silu(_ value: Float) -> Float { value / (1 + exp(-value)) }

  private func softplus(_ value: Float) -> Float { value > 20 ? value : log1p(exp(value)) }
}
