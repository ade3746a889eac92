public import Format

/// Why scales cannot be learned.
public enum LearningError: DescribedFailure, Equatable {
  /// The language model is of a kind whose derivatives are not known.
  case unsupportedModel(String)
  /// The language model has too many weights.
  case tooLarge(weights: Int, limit: Int)
  /// There is too little text.
  case tooLittleText(windows: Int, expected: Int)
  /// No scale of the recipe's encodings can be changed.
  case nothingToLearn(recipe: String)
  /// The divergence of a step is no number.
  case diverged(step: Int)

  /// What sort of failure this is.
  public var kind: FailureKind {
    switch self {
    case .nothingToLearn: .usage
    case .tooLarge: .limitExceeded
    default: .badInput
    }
  }

  /// One sentence in lower case.
  public var description: String {
    switch self {
    case .unsupportedModel(let reason):
      "scales cannot be learned for this model: \(reason); expected a Mamba-1 language model"
    case .tooLarge(let weights, let limit):
      "scales cannot be learned for a language model of \(weights) weights; expected at most \(limit)"
    case .tooLittleText(let windows, let expected):
      "the text to calibrate on gives \(windows) windows to learn scales on; expected at least \(expected)"
    case .nothingToLearn(let recipe):
      "the recipe “\(recipe)” gives no matrix of the language model scales that can be learned"
    case .diverged(let step):
      "the divergence from the original is no number at step \(step) of learning scales"
    }
  }
}
