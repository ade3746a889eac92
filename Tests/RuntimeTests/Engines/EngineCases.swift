import Foundation
import Quant
import Runtime
import TestSupport

/// The calls of each operation.
enum EngineCases {
  typealias Case = EngineOperation.Case

  /// Values where exponentials leave the range of single precision.
  private static let extremes: [Float] = [
    -1e4, -200, -104, -88, -20, -1, -1e-6, -0.0, 0, 1e-6, 1, 20, 88, 104, 200, 1e4,
  ]

  private static let rowSizes = [(1, 1), (2, 3), (3, 16), (65, 17), (130, 257)]

  static var linear: [Case] {
    get throws {
      // Around the four tokens that are multiplied one by one, the blocks of 64 and 128 rows and of 256 tokens.
      let shapes = [
        (1, 1, 1), (1, 63, 15), (2, 64, 16), (4, 65, 17), (5, 127, 33), (17, 128, 64),
        (19, 129, 257), (257, 130, 31), (3, 65, 384),
      ]
      let names = ["f32", "f16", "bf16", "q8", "q8g16", "q6", "q5g256", "q4", "q4h", "e"]
      return try names.flatMap { name in
        try shapes.flatMap { try linear(name, tokens: $0, rows: $1, columns: $2) }
      }
    }
  }

  private static func linear(
    _ name: String, tokens: Int, rows: Int, columns: Int
  ) throws -> [Case] {
    let input = Matrix.noise(rows: tokens, columns: columns, seed: 1)
    guard let encoding = Encodings.named(name) else { return [] }
    let weight = try stepped(
      EncodedMatrix(
        .noise(rows: rows, columns: columns, seed: 2, deviation: 0.1), encoding: encoding))
    return [nil, [Float].noise(rows, seed: 3)].map { bias in
      Case(
        name: "\(name) \(tokens) × \(columns) × \(rows)\(bias == nil ? "" : " with bias")",
        run: { $0.linear(input, weight, bias: bias).values },
        oracle: { EngineOracle.linear(input, weight.expanded(), bias: bias) })
    }
  }

  /// The same matrix with steps of its columns that differ, if it has such.
  private static func stepped(_ matrix: EncodedMatrix) throws -> EncodedMatrix {
    var planes = matrix.planes
    for (index, layout) in matrix.encoding.planes.enumerated() where layout.isShared {
      planes[index] = [Float].noise(matrix.columns, seed: 24).flatMap {
        Float16(exp2($0)).bitPattern.bytes
      }
    }
    return try EncodedMatrix(
      encoding: matrix.encoding, rows: matrix.rows, columns: matrix.columns, planes: planes)
  }

  static var rmsNormalize: [Case] {
    rowSizes.map { rows, columns in
      let input = Matrix.noise(rows: rows, columns: columns, seed: 4, deviation: 3)
      let weight = [Float].noise(columns, seed: 5)
      return Case(
        name: "\(rows) × \(columns)",
        run: { $0.rmsNormalize(input, weight: weight, epsilon: 1e-3).values },
        oracle: { EngineOracle.rmsNormalize(input, weight: weight, epsilon: 1e-3) })
    }
  }

  static var layerNormalize: [Case] {
    rowSizes.map { rows, columns in
      var input = Matrix.noise(rows: rows, columns: columns, seed: 6, deviation: 3)
      for index in input.values.indices { input.values[index] += 2 }
      let (weight, bias) = ([Float].noise(columns, seed: 7), [Float].noise(columns, seed: 8))
      return Case(
        name: "\(rows) × \(columns)",
        run: { [input] in
          $0.layerNormalize(input, weight: weight, bias: bias, epsilon: 1e-3).values
        },
        oracle: { [input] in
          EngineOracle.layerNormalize(input, weight: weight, bias: bias, epsilon: 1e-3)
        })
    }
  }

  static var causalConvolution: [Case] {
    let sizes = [
      (1, 1, 1), (1, 15, 4), (2, 16, 4), (3, 17, 4), (7, 33, 3), (130, 64, 2), (5, 300, 4),
    ]
    return sizes.flatMap { tokens, channels, kernel in
      [false, true].flatMap { hasBias in
        // The channels alone, and some columns of a wider matrix.
        [(0, 0), (3, 6)].map { before, after in
          let wide = Matrix.noise(rows: tokens, columns: before + channels + after, seed: 9)
          let input = wide.slice(before..<before + channels)
          let weight = [Float].noise(channels * kernel, seed: 10)
          let bias = hasBias ? [Float].noise(channels, seed: 11) : nil
          let history = [Float].noise((kernel - 1) * channels, seed: 12)
          return Case(
            name: """
              \(tokens) × \(channels) of \(wide.columns), \(kernel) taps\(hasBias ? " with bias" : "")
              """,
            run: { convolve(input, weight, bias, history, engine: $0) },
            oracle: {
              EngineOracle.causalConvolution(
                input.copied, weight: weight, bias: bias, history: history)
                + (history + input.copied.values).suffix(history.count).map(Double.init)
            })
        }
      }
    }
  }

  private static func convolve(
    _ input: MatrixSlice, _ weight: [Float], _ bias: [Float]?, _ history: [Float],
    engine: any Engine
  ) -> [Float] {
    var seen = history
    let output = engine.causalConvolution(input, weight: weight, bias: bias, history: &seen)
    return output.values + seen
  }

  static var gridConvolution: [Case] {
    let sizes = [
      (1, 1, 1, 3), (1, 5, 15, 3), (4, 1, 16, 3), (3, 2, 17, 3), (5, 7, 33, 5), (2, 3, 8, 1),
    ]
    return sizes.map { height, width, channels, kernel in
      let input = Matrix.noise(rows: height * width, columns: channels, seed: 13)
      let weight = [Float].noise(channels * kernel * kernel, seed: 14)
      let bias = height == 1 ? nil : [Float].noise(channels, seed: 15)
      return Case(
        name: "\(height) × \(width), \(channels) channels, side \(kernel)",
        run: {
          $0.gridConvolution(
            input, height: height, width: width, kernel: kernel, weight: weight, bias: bias
          ).values
        },
        oracle: {
          EngineOracle.gridConvolution(
            input, height: height, width: width, kernel: kernel, weight: weight, bias: bias)
        })
    }
  }

  /// Around the tiles of 16 channels, the groups of 64, and the eight tiles of a task.
  private static let scanSizes = [
    (1, 1, 1), (2, 15, 3), (3, 16, 16), (5, 17, 16), (7, 65, 5), (19, 130, 16), (20, 150, 7),
  ]

  /// Some time steps lie above 20, where the softplus is the identity.
  static func scanParameters(channels: Int, states: Int) -> SelectiveScanParameters {
    SelectiveScanParameters(
      logarithmicDecay: .noise(channels * states, seed: 20, deviation: 0.5),
      skip: .noise(channels, seed: 21),
      timeStepBias: [Float].noise(channels, seed: 22).enumerated().map {
        $0.offset == 2 ? 21 : $0.element
      }, states: states)
  }

  static var scans: [Case] {
    scanSizes.map { tokens, channels, states in
      let input = SelectiveScanInput(
        values: .noise(rows: tokens, columns: channels, seed: 16),
        timeSteps: .noise(rows: tokens, columns: channels, seed: 17, deviation: 2),
        inputWeights: .noise(rows: tokens, columns: states, seed: 18),
        outputWeights: .noise(rows: tokens, columns: states, seed: 19))
      let parameters = scanParameters(channels: channels, states: states)
      let state = parameters.tiles.tiled(.noise(channels * states, seed: 23))
      return scan(input, parameters, state)
    }
  }

  static var gatedScans: [Case] {
    get throws {
      try ["f32", "q8", "q4"].flatMap { name in
        try scanSizes.map { tokens, channels, states in
          let input = try gatedInput(name, tokens: tokens, channels: channels, states: states)
          let parameters = scanParameters(channels: channels, states: states)
          let start = parameters.tiles.tiled(.noise(channels * states, seed: 23))
          return Case(
            name: "\(name) \(tokens) × \(channels), \(states) states",
            run: { engine in
              var state = start
              let output = engine.gatedSelectiveScan(input, parameters, state: &state)
              return output.values + state
            },
            oracle: {
              let (output, state) = EngineOracle.gatedScan(input, parameters, state: start)
              return output + state
            })
        }
      }
    }
  }

  /// Time steps, B and C lie side by side, as does the gate beside what is not used.
  static func gatedInput(
    _ encoding: String, tokens: Int, channels: Int, states: Int
  ) throws -> GatedScanInput {
    let rank = max(1, channels / 6)
    guard let encoding = Encodings.named(encoding) else { throw UnknownEncoding(name: encoding) }
    return GatedScanInput(
      values: .noise(rows: tokens, columns: channels, seed: 16),
      parameters: .noise(rows: tokens, columns: rank + 2 * states, seed: 17),
      timeStepProjection: try EncodedMatrix(
        .noise(rows: channels, columns: rank, seed: 18, deviation: 0.5), encoding: encoding),
      states: states,
      gate: Matrix.noise(rows: tokens, columns: 2 * channels, seed: 19, deviation: 2)
        .slice(channels..<2 * channels))
  }

  private struct UnknownEncoding: Error { let name: String }

  private static func scan(
    _ input: SelectiveScanInput, _ parameters: SelectiveScanParameters, _ start: [Float]
  ) -> Case {
    let tiles = parameters.tiles
    return Case(
      name: "\(input.values.rows) × \(tiles.channels), \(tiles.states) states",
      run: { engine in
        var state = start
        let output = engine.selectiveScan(input, parameters, state: &state)
        return output.values + state
      },
      oracle: {
        let (output, state) = EngineOracle.selectiveScan(input, parameters, state: start)
        return output + state
      })
  }

  static var attention: [Case] {
    let sizes = [(1, 1, 1, 1), (1, 9, 2, 5), (9, 9, 3, 6), (17, 5, 1, 33), (33, 65, 4, 16)]
    return sizes.map { queries, keys, heads, width in
      let columns = heads * width
      let query = Matrix.noise(rows: queries, columns: columns, seed: 24, deviation: 3)
      let key = Matrix.noise(rows: keys, columns: columns, seed: 25, deviation: 3)
      let value = Matrix.noise(rows: keys, columns: columns, seed: 26)
      return Case(
        name: "\(queries) × \(keys), \(heads) heads of \(width)",
        run: { $0.attention(queries: query, keys: key, values: value, heads: heads).values },
        oracle: { EngineOracle.attention(queries: query, keys: key, values: value, heads: heads) })
    }
  }

  static var activate: [Case] {
    // 40,000 elements are more than one task takes.
    let inputs = [
      Matrix(rows: 1, columns: extremes.count, values: extremes),
      .noise(rows: 3, columns: 5, seed: 27, deviation: 3),
      .noise(rows: 8, columns: 5000, seed: 28, deviation: 3),
    ]
    return Activation.allCases.flatMap { activation in
      inputs.map { input in
        Case(
          name: "\(activation.rawValue) of \(input.values.count)",
          run: { $0.activate(input, activation).values },
          oracle: { EngineOracle.activate(input, activation) })
      }
    }
  }

  static var gate: [Case] {
    let inputs = [
      (
        Matrix.noise(rows: 1, columns: extremes.count, seed: 29),
        Matrix(rows: 1, columns: extremes.count, values: extremes)
      ),
      (.noise(rows: 3, columns: 5, seed: 30), .noise(rows: 3, columns: 5, seed: 31)),
      (.noise(rows: 8, columns: 5000, seed: 32), .noise(rows: 8, columns: 5000, seed: 33)),
    ]
    return inputs.map { input, gate in
      Case(
        name: "\(input.values.count)", run: { $0.gate(input, by: gate).values },
        oracle: { EngineOracle.gate(input, by: gate) })
    }
  }

  static var logSoftmax: [Case] {
    let inputs =
      rowSizes.map { Matrix.noise(rows: $0, columns: $1, seed: 34, deviation: 4) }
      + [Matrix(rows: 1, columns: extremes.count, values: extremes)]
    return inputs.map { input in
      Case(
        name: "\(input.rows) × \(input.columns)", run: { $0.logSoftmax(input).values },
        oracle: { EngineOracle.logSoftmax(input) })
    }
  }
}
