import Foundation
import Quant
import Runtime

/// The operations of `Engine` in double precision, from their formulas.
enum EngineOracle {
  static func linear(_ input: Matrix, _ weight: Matrix, bias: [Float]?) -> [Double] {
    (0..<input.rows).flatMap { token in
      (0..<weight.rows).map { row in
        (0..<weight.columns).reduce(bias.map { Double($0[row]) } ?? 0) { sum, column in
          sum + Double(input.values[token * input.columns + column])
            * Double(weight.values[row * weight.columns + column])
        }
      }
    }
  }

  static func rmsNormalize(_ input: Matrix, weight: [Float], epsilon: Float) -> [Double] {
    mapRows(input) { row in
      let mean = row.reduce(0) { $0 + $1 * $1 } / Double(row.count)
      return zip(row, weight).map { $0 * Double($1) / (mean + Double(epsilon)).squareRoot() }
    }
  }

  static func layerNormalize(
    _ input: Matrix, weight: [Float], bias: [Float], epsilon: Float
  ) -> [Double] {
    mapRows(input) { row in
      let mean = row.reduce(0, +) / Double(row.count)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
      return row.enumerated().map { column, value in
        (value - mean) / (variance + Double(epsilon)).squareRoot() * Double(weight[column])
          + Double(bias[column])
      }
    }
  }

  static func causalConvolution(
    _ input: Matrix, weight: [Float], bias: [Float]?, history: [Float]
  ) -> [Double] {
    let channels = input.columns
    let kernel = weight.count / channels
    let seen = history + input.values
    return (0..<input.values.count).map { index in
      let (token, channel) = index.quotientAndRemainder(dividingBy: channels)
      return silu(
        (0..<kernel).reduce(bias.map { Double($0[channel]) } ?? 0) { sum, tap in
          sum + Double(weight[channel * kernel + tap])
            * Double(seen[(token + tap) * channels + channel])
        })
    }
  }

  static func gridConvolution(
    _ input: Matrix, height: Int, width: Int, kernel: Int, weight: [Float], bias: [Float]?
  ) -> [Double] {
    let channels = input.columns
    return (0..<input.values.count).map { index in
      let (place, channel) = index.quotientAndRemainder(dividingBy: channels)
      var sum = bias.map { Double($0[channel]) } ?? 0
      for y in 0..<kernel {
        for x in 0..<kernel {
          let row = place / width + y - kernel / 2
          let column = place % width + x - kernel / 2
          guard row >= 0, row < height, column >= 0, column < width else { continue }
          sum +=
            Double(weight[(channel * kernel + y) * kernel + x])
            * Double(input.values[(row * width + column) * channels + channel])
        }
      }
      return silu(sum)
    }
  }

  /// The outputs, and the state after the last token in the layout of the tiles.
  static func selectiveScan(
    _ input: SelectiveScanInput, _ parameters: SelectiveScanParameters, state: [Float]
  ) -> (output: [Double], state: [Double]) {
    let tiles = parameters.tiles
    var state = state.map(Double.init)
    var output = [Double]()
    for token in 0..<input.values.rows {
      for channel in 0..<tiles.channels {
        let index = token * tiles.channels + channel
        let x = Double(input.values.values[index])
        let time = Double(input.timeSteps.values[index]) + Double(parameters.timeStepBias[channel])
        let delta = log1p(exp(-abs(time))) + max(time, 0)
        var sum = Double(parameters.skip[channel]) * x
        for n in 0..<tiles.states {
          let at = tiles.index(channel: channel, state: n)
          let b = Double(input.inputWeights.values[token * tiles.states + n])
          state[at] = exp(delta * Double(parameters.decay[at])) * state[at] + delta * b * x
          sum += Double(input.outputWeights.values[token * tiles.states + n]) * state[at]
        }
        output.append(sum)
      }
    }
    return (output, state)
  }

  /// The same after the projection of its time steps and before its gate.
  static func gatedScan(
    _ input: GatedScanInput, _ parameters: SelectiveScanParameters, state: [Float]
  ) -> (output: [Double], state: [Double]) {
    let steps = linear(input.timeSteps.copied, input.timeStepProjection.expanded(), bias: nil)
    let scanned = SelectiveScanInput(
      values: input.values,
      timeSteps: Matrix(
        rows: input.values.rows, columns: input.values.columns, values: steps.map { Float($0) }),
      inputWeights: input.inputWeights.copied, outputWeights: input.outputWeights.copied)
    let (output, state) = selectiveScan(scanned, parameters, state: state)
    let gate = input.gate.copied.values
    return (zip(output, gate).map { $0 * silu(Double($1)) }, state)
  }

  static func attention(queries: Matrix, keys: Matrix, values: Matrix, heads: Int) -> [Double] {
    let width = queries.columns / heads
    var output = [Double](repeating: 0, count: queries.values.count)
    for query in 0..<queries.rows {
      for head in 0..<heads {
        let columns = head * width..<(head + 1) * width
        let scores = (0..<keys.rows).map { key in
          columns.reduce(0.0) { sum, column in
            sum + Double(queries.values[query * queries.columns + column])
              * Double(keys.values[key * keys.columns + column])
          } / Double(width).squareRoot()
        }
        let largest = scores.max() ?? 0
        let weights = scores.map { exp($0 - largest) }
        let sum = weights.reduce(0, +)
        for column in columns {
          output[query * queries.columns + column] = (0..<keys.rows).reduce(0.0) {
            $0 + weights[$1] / sum * Double(values.values[$1 * values.columns + column])
          }
        }
      }
    }
    return output
  }

  static func activate(_ input: Matrix, _ activation: Activation) -> [Double] {
    input.values.map { value in
      let x = Double(value)
      switch activation {
      case .gelu: return x * erfc(-x / 2.0.squareRoot()) / 2
      case .geluTanh:
        let inner = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
        return x / (1 + exp(-2 * inner))
      case .quickGelu: return x / (1 + exp(-1.702 * x))
      case .silu: return silu(x)
      }
    }
  }

  static func gate(_ input: Matrix, by gate: Matrix) -> [Double] {
    zip(input.values, gate.values).map { Double($0) * silu(Double($1)) }
  }

  static func logSoftmax(_ logits: Matrix) -> [Double] {
    mapRows(logits) { row in
      let largest = row.max() ?? 0
      let logarithm = log(row.reduce(0) { $0 + exp($1 - largest) })
      return row.map { $0 - largest - logarithm }
    }
  }

  private static func mapRows(_ input: Matrix, _ body: ([Double]) -> [Double]) -> [Double] {
    (0..<input.rows).flatMap { body(input.rows($0..<$0 + 1).values.map(Double.init)) }
  }

  private static func silu(_ value: Double) -> Double { value / (1 + exp(-value)) }
}
