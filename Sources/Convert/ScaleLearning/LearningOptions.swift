import Learning

/// How scales are learned after a conversion.
public struct LearningOptions: Sendable {
  /// Steps unless another number is asked for.
  public static let defaultSteps = ScaleLearner.Options().steps
  /// Weights of a language model above which it would take days.
  public static let weightLimit = 400_000_000

  /// Steps of gradient descent.
  public var steps: Int

  /// Gathers options.
  public init(steps: Int = LearningOptions.defaultSteps) { self.steps = steps }
}
