import Foundation
import Runtime

/// A Mamba-1 language model in double precision, written from its equations alone, and central differences of its loss.
struct DoubleMamba {
  let shape: LanguageDescription
  let mixer: MambaMixerDescription
  var weights: [String: [Double]]

  /// Rows and columns of every tensor by its name.
  static func tensors(
    _ shape: LanguageDescription, _ mixer: MambaMixerDescription
  ) -> [String: (rows: Int, columns: Int)] {
    let (width, inner, states, rank) = (
      mixer.width, mixer.innerWidth, mixer.stateSize, mixer.timeStepRank
    )
    var tensors = [
      "language.embedding.weight": (shape.vocabularySize, width),
      "language.normalization.weight": (1, width),
    ]
    if !shape.hasTiedHead { tensors["language.head.weight"] = (shape.vocabularySize, width) }
    for layer in shape.layers.indices {
      let name = "language.layers.\(layer)."
      tensors[name + "normalization.weight"] = (1, width)
      tensors[name + "mixer.inputProjection.weight"] = (2 * inner, width)
      tensors[name + "mixer.convolution.weight"] = (inner, mixer.convolutionWidth)
      tensors[name + "mixer.scanProjection.weight"] = (rank + 2 * states, inner)
      tensors[name + "mixer.timeStepProjection.weight"] = (inner, rank)
      tensors[name + "mixer.timeStepProjection.bias"] = (1, inner)
      tensors[name + "mixer.logarithmicDecay"] = (inner, states)
      tensors[name + "mixer.skip"] = (1, inner)
      tensors[name + "mixer.outputProjection.weight"] = (width, inner)
      if mixer.hasConvolutionBias { tensors[name + "mixer.convolution.bias"] = (1, inner) }
      if mixer.hasProjectionBias {
        tensors[name + "mixer.inputProjection.bias"] = (1, 2 * inner)
        tensors[name + "mixer.outputProjection.bias"] = (1, width)
      }
    }
    return tensors
  }

  /// `Σ p (ln p − ln q)` over all positions, where the logarithms of p are given.
  func divergence(_ tokens: [Int], from reference: [[Double]]) -> Double {
    let logits = logits(tokens)
    var sum = 0.0
    for (row, expected) in zip(logits, reference) {
      let total = log(row.reduce(0) { $0 + exp($1) })
      for (logit, logP) in zip(row, expected) { sum += exp(logP) * (logP - logit + total) }
    }
    return sum
  }

  /// Derivatives of the divergence in every weight.
  func centralDifferences(_ tokens: [Int], from reference: [[Double]]) -> [String: [Double]] {
    let distance = 1e-5
    return weights.mapValues { $0.count }.reduce(into: [:]) { result, tensor in
      result[tensor.key] = (0..<tensor.value).map { index in
        var changed = self
        changed.weights[tensor.key]?[index] += distance
        let above = changed.divergence(tokens, from: reference)
        changed.weights[tensor.key]?[index] -= 2 * distance
        return (above - changed.divergence(tokens, from: reference)) / (2 * distance)
      }
    }
  }

  func logits(_ tokens: [Int]) -> [[Double]] {
    let width = mixer.width
    let embedding = weights["language.embedding.weight"] ?? []
    var stream = tokens.map { Array(embedding[$0 * width..<($0 + 1) * width]) }
    for layer in shape.layers.indices {
      let change = mixed(
        stream.map { normalized($0, "language.layers.\(layer).normalization.weight") },
        "language.layers.\(layer).mixer.")
      for token in stream.indices {
        for channel in 0..<width { stream[token][channel] += change[token][channel] }
      }
    }
    let head = shape.hasTiedHead ? "language.embedding.weight" : "language.head.weight"
    return stream.map { product(normalized($0, "language.normalization.weight"), head) }
  }

  private func normalized(_ row: [Double], _ weight: String) -> [Double] {
    let mean = row.reduce(0) { $0 + $1 * $1 } / Double(row.count)
    let scale = 1 / (mean + shape.epsilon).squareRoot()
    return zip(row, weights[weight] ?? []).map { $0 * scale * $1 }
  }

  private func product(_ row: [Double], _ matrix: String, bias: String? = nil) -> [Double] {
    let values = weights[matrix] ?? []
    let biases = bias.flatMap { weights[$0] }
    return (0..<values.count / row.count).map { output in
      var sum = biases?[output] ?? 0
      for (column, value) in row.enumerated() { sum += value * values[output * row.count + column] }
      return sum
    }
  }

  private func mixed(_ inputs: [[Double]], _ name: String) -> [[Double]] {
    let (inner, states, rank) = (mixer.innerWidth, mixer.stateSize, mixer.timeStepRank)
    let projected = inputs.map {
      product($0, name + "inputProjection.weight", bias: name + "inputProjection.bias")
    }
    let taps = weights[name + "convolution.weight"] ?? []
    let tapBias = weights[name + "convolution.bias"]
    let logDecay = weights[name + "logarithmicDecay"] ?? []
    let (skip, stepBias) = (
      weights[name + "skip"] ?? [], weights[name + "timeStepProjection.bias"] ?? []
    )
    var state = [Double](repeating: 0, count: inner * states)
    return inputs.indices.map { token in
      let values = (0..<inner).map { channel in
        var sum = tapBias?[channel] ?? 0
        for tap in 0..<mixer.convolutionWidth {
          let place = token + tap - (mixer.convolutionWidth - 1)
          guard place >= 0 else { continue }
          sum += taps[channel * mixer.convolutionWidth + tap] * projected[place][channel]
        }
        return silu(sum)
      }
      let parameters = product(values, name + "scanProjection.weight")
      let steps = product(Array(parameters[..<rank]), name + "timeStepProjection.weight")
      let gated = (0..<inner).map { channel in
        let step = log1p(exp(steps[channel] + stepBias[channel]))
        var sum = skip[channel] * values[channel]
        for n in 0..<states {
          let place = channel * states + n
          state[place] *= exp(-exp(logDecay[place]) * step)
          state[place] += step * parameters[rank + n] * values[channel]
          sum += parameters[rank + states + n] * state[place]
        }
        return sum * silu(projected[token][inner + channel])
      }
      return product(gated, name + "outputProjection.weight", bias: name + "outputProjection.bias")
    }
  }

  private func silu(_ value: Double) -> Double { value / (1 + exp(-value)) }
}
