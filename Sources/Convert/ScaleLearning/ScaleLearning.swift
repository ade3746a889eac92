import Learning
import Quant
import Runtime

/// Learns the scales of a language model whose tensors are all encoded and in memory.
struct ScaleLearning {
  private let plan: ConversionPlan
  private let entries: [ConversionPlan.Entry]
  private let source: CheckpointWeightSource
  private let shape: LanguageDescription
  private let network: MambaNetwork
  private let text: LearningText
  private let pool: ThreadPool

  /// Refuses models that it is not made for and texts that are too short, before anything is encoded.
  init(_ plan: ConversionPlan, on calibration: CalibrationOptions, threads: ThreadPool) throws {
    self.plan = plan
    pool = threads
    guard let shape = plan.description.language else {
      throw ModelError.missingPart("language model", needed: "--learn-scales")
    }
    self.shape = shape
    network = try MambaNetwork(shape)
    entries = plan.entries.filter(Self.covers)
    let weights = entries.reduce(0) { $0 + $1.elementCount }
    guard weights <= LearningOptions.weightLimit else {
      throw LearningError.tooLarge(weights: weights, limit: LearningOptions.weightLimit)
    }
    guard entries.contains(where: { $0.encoding is any RescalableEncoding }) else {
      throw LearningError.nothingToLearn(recipe: plan.recipe.name)
    }
    source = try CheckpointWeightSource(plan.checkpoint)
    text = try LearningText(
      calibration,
      ModelLoader.encoders(plan.checkpoint, source, context: ExecutionContext()))
  }

  /// Whether a tensor has to be in memory.
  static func covers(_ entry: ConversionPlan.Entry) -> Bool { entry.name.hasPrefix("language.") }

  /// Replaces the planes of tensors by learned ones, if held-out text confirms that they are better.
  func callAsFunction(
    _ tensors: inout [String: EncodedTensor], _ options: LearningOptions,
    progress: (_ step: Int, _ steps: Int) -> Void
  ) throws -> LearningRecord {
    let learnable = try entries.compactMap { entry in
      try tensors[entry.name].map { try learnableTensor(entry, $0) }
    }
    let learner = ScaleLearner(
      network, learnable, original: try LanguageModel(source, shape), threads: pool)
    var settings = ScaleLearner.Options()
    settings.steps = options.steps
    let before = try learner.divergence(text.heldOut, learnable.map(\.encoded))
    let learned = try learner.learn(text.training, settings, progress: progress)
    let after = try learner.divergence(text.heldOut, learned)
    let isKept = after < before
    for (tensor, matrix) in zip(learnable, learned) where isKept {
      tensors[tensor.name]?.planes = matrix.planes
    }
    let windowTokens = text.training.first?.count ?? 0
    return LearningRecord(
      steps: options.steps, tokens: options.steps * settings.windows * windowTokens,
      heldOutTokens: text.heldOut.reduce(0) { $0 + $1.count },
      parameters: learner.parameterCount, divergenceBefore: before, divergenceAfter: after,
      isKept: isKept)
  }

  private func learnableTensor(
    _ entry: ConversionPlan.Entry, _ tensor: EncodedTensor
  ) throws -> LearnableTensor {
    let encoded = try EncodedMatrix(
      encoding: entry.encoding, rows: entry.rows, columns: entry.columns, planes: tensor.planes)
    var form = LearnableTensor.Form.fixed
    if let encoding = entry.encoding as? any RescalableEncoding {
      form = .scales(encoding)
    } else if entry.encoding.isElementwise, !entry.role.isQuantizable {
      form = .numbers(entry.encoding)
    }
    return LearnableTensor(
      name: entry.name, encoded: encoded,
      original: try plan.values(entry, rows: 0..<entry.rows).values, form: form)
  }
}
