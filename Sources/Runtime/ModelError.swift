public import Format

/// Why a model could not be loaded or run.
public enum ModelError: DescribedFailure, Equatable {
  /// The description asks for a tensor that the file does not have.
  case missingTensor(String, file: String)
  /// A tensor has another shape than the description says.
  case misshapenTensor(String, file: String, found: [Int], expected: [Int])
  /// A tensor is encoded in a way this version does not know.
  case unknownEncoding(String, tensor: String, file: String)
  /// A tensor's planes do not have the sizes that its encoding gives.
  case misshapenPlanes(tensor: String, file: String)
  /// A tensor's planes hold what its encoding does not give.
  case malformedTensor(String, file: String, reason: String)
  /// A size in the description is outside what is accepted.
  case unacceptableSize(String, value: Int, accepted: ClosedRange<Int>)
  /// Members of the description contradict each other.
  case contradiction(String)
  /// The model lacks a part that the request needs.
  case missingPart(String, needed: String)
  /// A token id is not in the vocabulary.
  case tokenOutsideVocabulary(Int, vocabulary: Int)
  /// An input tensor has the wrong shape.
  case misshapenInput(String, found: [Int], expected: String)
  /// There are not as many prepared images as vision encoders.
  case wrongImageCount(Int, encoders: Int)
  /// An evaluation file does not have the expected form.
  case malformedQuestions(file: String, line: Int, expected: String)
  /// There is nothing to evaluate.
  case nothingToEvaluate(String)
  /// A model's predictions are NaN or infinite, so that nothing can be said about them.
  case nonFinitePredictions(String)
  /// A state file was written by another model.
  case foreignState(file: String, found: String, expected: String)

  /// What sort of failure this is.
  public var kind: FailureKind {
    switch self {
    case .missingPart: .usage
    default: .badInput
    }
  }

  /// One sentence in lower case.
  public var description: String {
    switch self {
    case .missingTensor(let name, let file): "\(file) has no tensor “\(name)”"
    case .misshapenTensor(let name, let file, let found, let expected):
      "tensor “\(name)” in \(file) has shape \(found); expected \(expected)"
    case .unknownEncoding(let encoding, let tensor, let file):
      "tensor “\(tensor)” in \(file) has the unknown encoding “\(encoding)”"
    case .misshapenPlanes(let tensor, let file):
      "the planes of tensor “\(tensor)” in \(file) do not have the sizes that its shape and encoding give"
    case .malformedTensor(let name, let file, let reason):
      "tensor “\(name)” in \(file) is malformed: \(reason)"
    case .unacceptableSize(let name, let value, let accepted):
      "\(name) is \(value); expected \(accepted.lowerBound) to \(accepted.upperBound)"
    case .contradiction(let what): what
    case .missingPart(let part, let needed): "the model has no \(part), which \(needed) needs"
    case .tokenOutsideVocabulary(let id, let vocabulary):
      "token id \(id) is outside the vocabulary; expected 0 to \(vocabulary - 1)"
    case .misshapenInput(let name, let found, let expected):
      "input “\(name)” has shape \(found); expected \(expected)"
    case .wrongImageCount(let found, let encoders):
      "the inputs hold \(found) prepared image\(found == 1 ? "" : "s"), the model has \(encoders) vision encoder\(encoders == 1 ? "" : "s"); expected \(encoders == 1 ? "pixel_values" : "one for each, pixel_values.0 to pixel_values.\(encoders - 1)")"
    case .malformedQuestions(let file, let line, let expected):
      "\(file), line \(line): expected \(expected)"
    case .nothingToEvaluate(let what): "nothing to evaluate: \(what)"
    case .nonFinitePredictions(let whose):
      "the predictions of \(whose) are not finite; expected finite weights and activations"
    case .foreignState(let file, let found, let expected):
      "\(file) is a state of the model \(found); expected the model \(expected)"
    }
  }
}
