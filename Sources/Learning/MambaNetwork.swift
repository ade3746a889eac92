package import Quant
package import Runtime

/// A Mamba-1 language model in single precision that gives the derivatives of its divergence from a reference in every
/// weight.
///
/// Backward passes are written by hand. They keep the stream and the outputs of the input projection of every layer and
/// compute the rest once more.
package struct MambaNetwork: Sendable {
  /// Takes the derivatives in the tensor of a name, `[rows, columns]`; a tensor may come more than once, to be added.
  package typealias GradientSink = (_ tensor: String, _ gradient: Matrix) -> Void
  /// Log-probabilities of a reference for some positions of a sequence: `[positions, vocabulary]`.
  package typealias Reference = (_ positions: Range<Int>) -> Matrix

  /// Taps of a convolution that the loops have room for.
  private static let tapLimit = 64
  /// Positions whose logits are in memory at a time.
  private static let positionsAtOnce = 128

  package let shape: LanguageDescription
  let mixers: [MambaMixerDescription]
  private let engine = ExecutionContext().engine

  /// - Throws: an error if the model is of another kind.
  package init(_ shape: LanguageDescription) throws(LearningError) {
    self.shape = shape
    guard shape.normalization == .rms else {
      throw .unsupportedModel("its norms are no RMS norms")
    }
    var mixers = [MambaMixerDescription]()
    for layer in shape.layers {
      guard case .mamba(let mixer) = layer.mixer else {
        throw .unsupportedModel("it has layers of the kind \(layer.mixer.kind)")
      }
      guard mixer.parameterNormalizationEpsilon == nil else {
        throw .unsupportedModel("it normalizes time step, B and C")
      }
      guard mixer.convolutionWidth <= Self.tapLimit else {
        throw .unsupportedModel("its convolutions have more than \(Self.tapLimit) taps")
      }
      mixers.append(mixer)
    }
    self.mixers = mixers
  }

  /// Outputs of the final norm for a sequence of tokens: `[tokens, width]`.
  package func hidden(_ tokens: [Int], _ weights: MambaWeights) -> Matrix {
    var stream = weights.embedding.permutingRows(tokens)
    for layer in weights.layers { stream = layer.run(stream, engine).output }
    return normalized(stream, weights)
  }

  /// The divergence of the predictions for a sequence from those of a reference, the sum over its positions.
  package func divergence(
    _ tokens: [Int], _ weights: MambaWeights, from reference: Reference
  ) -> Double {
    let hidden = hidden(tokens, weights)
    return chunks(tokens.count).reduce(0) { sum, rows in
      var predicted = engine.logSoftmax(hidden.rows(rows).product(withTransposed: weights.head))
      return sum + GradientLoops.divergence(&predicted, from: reference(rows), weight: 0)
    }
  }

  /// The same with the derivatives of `weight` times the divergence.
  package func gradient(
    _ tokens: [Int], _ weights: MambaWeights, from reference: Reference, weight: Float,
    sink: GradientSink
  ) -> Double {
    var stream = weights.embedding.permutingRows(tokens)
    var traces = [MambaLayer.Trace]()
    for layer in weights.layers {
      let (output, trace) = layer.run(stream, engine)
      traces.append(trace)
      stream = output
    }
    var head = Matrix(rows: shape.vocabularySize, columns: shape.width)
    let (divergence, outputs) = headGradient(
      normalized(stream, weights), weights, from: reference, weight: weight, head: &head)
    let last = GradientLoops.rmsNormalization(
      stream, weight: weights.normalization, epsilon: Float(shape.epsilon), outputs)
    sink(MambaWeights.normalizationName, last.weight)
    stream = last.input
    for layer in weights.layers.reversed() {
      guard let trace = traces.popLast() else { break }
      stream = layer.gradient(stream, trace, engine, sink: sink)
    }
    if shape.hasTiedHead {
      head.addRows(stream, at: tokens)
      sink(MambaWeights.embeddingName, head)
    } else {
      sink(MambaWeights.headName, head)
      var embedding = Matrix(rows: shape.vocabularySize, columns: shape.width)
      embedding.addRows(stream, at: tokens)
      sink(MambaWeights.embeddingName, embedding)
    }
    return divergence
  }

  /// The divergence and the derivatives in the outputs of the final norm; those in the head are added to `head`.
  private func headGradient(
    _ hidden: Matrix, _ weights: MambaWeights, from reference: Reference, weight: Float,
    head: inout Matrix
  ) -> (divergence: Double, hidden: Matrix) {
    var (sum, values) = (0.0, [Float]())
    values.reserveCapacity(hidden.values.count)
    for rows in chunks(hidden.rows) {
      let inputs = hidden.rows(rows)
      var logits = engine.logSoftmax(inputs.product(withTransposed: weights.head))
      sum += GradientLoops.divergence(&logits, from: reference(rows), weight: weight)
      head.addTransposedProduct(logits, inputs)
      values += logits.product(with: weights.head).values
    }
    return (sum, Matrix(rows: hidden.rows, columns: hidden.columns, values: values))
  }

  private func normalized(_ stream: Matrix, _ weights: MambaWeights) -> Matrix {
    engine.rmsNormalize(stream, weight: weights.normalization, epsilon: Float(shape.epsilon))
  }

  private func chunks(_ positions: Int) -> [Range<Int>] {
    stride(from: 0, to: positions, by: Self.positionsAtOnce).map {
      $0..<min($0 + Self.positionsAtOnce, positions)
    }
  }
}

extension Matrix {
  /// Adds rows to those of given indices, which may repeat.
  fileprivate mutating func addRows(_ rows: Matrix, at indices: [Int]) {
    for (row, index) in indices.enumerated() {
      for column in 0..<columns {
        values[index * columns + column] += rows.values[row * columns + column]
      }
    }
  }
}
