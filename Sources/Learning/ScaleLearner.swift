import Foundation
package import Quant
package import Runtime

/// Learns the scales and small parameters of a rounded language model by gradient descent on the divergence of its
/// predictions from the original's (QSLAW, arXiv:2408.03735), while codes stay.
///
/// Results depend on windows and options only, not on the number of threads: each window is one task, and what windows
/// give is added up in their order.
package struct ScaleLearner {
  /// How to learn.
  package struct Options: Sendable {
    /// Steps of gradient descent.
    package var steps = 200
    /// Windows of a step.
    package var windows = 4
    /// How far a parameter moves in a step at most, about.
    package var rate: Float = 2e-3

    /// The usual ones.
    package init() {}
  }

  private static let warmUp = 0.05

  private let network: MambaNetwork
  private let tensors: [LearnableTensor]
  private let ranges: [Range<Int>]
  private let indices: [String: Int]
  private let original: LanguageModel
  private let context = ExecutionContext()
  private let pool: ThreadPool

  /// - Parameters:
  ///   - tensors: all tensors of the rounded model.
  ///   - original: the model as it was.
  package init(
    _ network: MambaNetwork, _ tensors: [LearnableTensor], original: LanguageModel,
    threads: ThreadPool
  ) {
    self.network = network
    self.tensors = tensors
    self.original = original
    pool = threads
    var ranges = [Range<Int>]()
    for tensor in tensors {
      let start = ranges.last?.upperBound ?? 0
      ranges.append(start..<start + tensor.parameterCount)
    }
    self.ranges = ranges
    indices = Dictionary(
      uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
  }

  /// Numbers that are learned.
  package var parameterCount: Int { ranges.last?.upperBound ?? 0 }

  /// The mean divergence over the positions of some windows of the model with given tensors.
  package func divergence(_ windows: [[Int]], _ encoded: [EncodedMatrix]) throws -> Double {
    let weights = try weights(pool.map(encoded.count) { encoded[$0].expanded() })
    let sums = try pool.map(windows.count) { index in
      network.divergence(windows[index], weights, from: try reference(windows[index]))
    }
    return sums.reduce(0, +) / Double(max(1, windows.reduce(0) { $0 + $1.count }))
  }

  /// The tensors with what was learned, in their order.
  package func learn(
    _ windows: [[Int]], _ options: Options, progress: (_ step: Int, _ steps: Int) -> Void
  ) throws -> [EncodedMatrix] {
    var parameters = [Float](repeating: 0, count: parameterCount)
    var optimizer = AdamOptimizer(count: parameters.count)
    let order = SpreadOrder(count: windows.count)
    for step in 0..<options.steps {
      let batch = (0..<options.windows).map { windows[order[step * options.windows + $0]] }
      let (divergence, gradient) = try gradient(batch, parameters)
      guard divergence.isFinite else { throw LearningError.diverged(step: step) }
      optimizer.move(
        &parameters, against: gradient,
        rate: options.rate * Self.share(ofStep: step, of: options.steps))
      progress(step + 1, options.steps)
    }
    return try pool.map(tensors.count) { [parameters] index in
      try tensors[index].encoded(parameters[ranges[index]])
    }
  }

  /// The mean divergence over some windows and its derivatives in the parameters.
  package func gradient(
    _ windows: [[Int]], _ parameters: [Float]
  ) throws -> (divergence: Double, gradient: [Float]) {
    let weights = try weights(
      pool.map(tensors.count) { try tensors[$0].values(parameters[ranges[$0]]) })
    let weight = 1 / Float(max(1, windows.reduce(0) { $0 + $1.count }))
    let parts = try pool.map(windows.count) { index in
      var gradient = [Float](repeating: 0, count: parameters.count)
      let divergence = network.gradient(
        windows[index], weights, from: try reference(windows[index]), weight: weight
      ) { name, dense in
        guard let tensor = indices[name] else { return }
        let range = ranges[tensor]
        let parts = tensors[tensor].derivatives(dense, at: parameters[range])
        for (index, value) in zip(range, parts) { gradient[index] += value }
      }
      return (divergence: divergence, gradient: gradient)
    }
    var gradient = [Float](repeating: 0, count: parameters.count)
    for part in parts {
      for index in gradient.indices { gradient[index] += part.gradient[index] }
    }
    return (parts.reduce(0) { $0 + $1.divergence } * Double(weight), gradient)
  }

  private func weights(_ values: [Matrix]) throws -> MambaWeights {
    try MambaWeights(network) { name, rows, columns in
      guard let index = indices[name], values[index].values.count == rows * columns else {
        throw ModelError.contradiction("“\(name)” is no tensor of \(rows) × \(columns)")
      }
      return Matrix(rows: rows, columns: columns, values: values[index].values)
    }
  }

  private func reference(_ tokens: [Int]) throws -> MambaNetwork.Reference {
    var state = original.initialState
    let hidden = original.run(try original.embed(tokens), state: &state, context)
    return { [original, context] positions in
      context.engine.logSoftmax(original.logits(hidden.rows(positions), context))
    }
  }

  /// A short rise, then half a cosine down to zero.
  private static func share(ofStep step: Int, of steps: Int) -> Float {
    let place = (Double(step) + 0.5) / Double(steps)
    let rise = min(1, place / warmUp)
    return Float(rise * (1 + cos(.pi * place)) / 2)
  }
}

/// Goes through indices again and again so that those close in time are far apart.
struct SpreadOrder {
  private let count: Int
  private let step: Int

  init(count: Int) {
    self.count = max(1, count)
    // Near the golden section, and with no divisor in common with the count.
    var step = max(1, Int(Double(self.count) * 0.618))
    while Self.divisor(step, self.count) != 1 { step += 1 }
    self.step = step
  }

  subscript(_ index: Int) -> Int { index % count * step % count }

  private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
}
