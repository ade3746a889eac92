import Quant
import Runtime
import Synchronization

/// A layer that shows the inputs of some of its matrices.
struct ObservedLayer: Sendable {
  /// What one sequence shows.
  struct Run: Sendable {
    /// The inputs of matrices by their names: `[tokens, columns]`.
    let inputs: [String: Matrix]
    /// The stream behind the layer.
    let output: Matrix
  }

  private let layer: LanguageLayer
  private let weights: CalibrationWeights
  private let names: Set<String>

  /// Loads a layer as it is in the checkpoint.
  ///
  /// - Parameter names: the matrices whose inputs are shown.
  init(
    _ source: CheckpointWeightSource, _ shape: LanguageDescription, index: Int,
    showing names: [String]
  ) throws {
    self.names = Set(names)
    weights = CalibrationWeights(source)
    layer = try LanguageLayer(weights, shape, index: index)
  }

  /// Runs a sequence `[tokens, width]`.
  func run(_ stream: Matrix, _ context: ExecutionContext) -> Run {
    let seen = Mutex([String: Matrix]())
    let observed = context.observed { [weights, names] matrix, input in
      guard let name = weights.name(of: matrix), names.contains(name) else { return }
      seen.withLock { $0[name] = input.copied }
    }
    let output = layer.run(stream, observed)
    return Run(inputs: seen.withLock { $0 }, output: output)
  }
}
