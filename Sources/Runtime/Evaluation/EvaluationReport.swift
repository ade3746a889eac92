import Foundation
import Format

/// The figures of an evaluation, as printed and stored. The names of its JSON members are part of the interface.
public struct EvaluationReport: Codable, Sendable, Equatable {
  /// How the text was cut.
  public struct Windows: Codable, Sendable, Equatable {
    /// Positions of a window.
    public let length: Int
    /// Text tokens from one window to the next.
    public let stride: Int
    /// The id in front of each window.
    public let beginning: Int?
    /// Which tokens of a window are scored.
    public let scoring: TextWindows.Scoring
  }

  /// What was evaluated on, without its path.
  public struct Source: Codable, Sendable, Equatable {
    /// Size of the file.
    public let bytes: Int
    /// SHA-256 of the file.
    public let sha256: String

    /// Describes a file.
    public init(path: String) throws {
      let file = try MappedFile(path: path)
      bytes = file.count
      sha256 = try Format.sha256(of: file).hexText
    }
  }

  /// Accuracy of one kind of question.
  public struct Kind: Codable, Sendable, Equatable {
    /// Number of questions.
    public let questions: Int
    /// Share of exact answers.
    public let accuracy: Double
    /// Share of questions that both models answered in the same words.
    public let answerAgreement: Double?
  }

  /// Divergence of predictions from the reference's.
  public struct Divergences: Codable, Sendable, Equatable {
    /// Positions compared.
    public let positions: Int
    /// Mean Kullback-Leibler divergence, in nats.
    public let klMean: Double
    /// Its standard error.
    public let klMeanError: Double
    /// The value that 99 % of the positions do not exceed.
    public let klP99: Double
    /// Share of positions with the same most likely token.
    public let top1Agreement: Double
    /// Its standard error.
    public let top1AgreementError: Double

    init(_ divergence: Divergence) {
      positions = divergence.values.count
      klMean = divergence.mean.mean
      klMeanError = divergence.mean.standardError
      klP99 = divergence.percentile99
      top1Agreement = divergence.agreement.mean
      top1AgreementError = divergence.agreement.standardError
    }
  }

  /// Figures of the reference model.
  public struct Reference: Codable, Sendable, Equatable {
    /// Its perplexity.
    public var perplexity: Double?
    /// Its accuracy.
    public var accuracy: Double?
  }

  /// Tokens that were scored.
  public var tokens: Int?
  /// `exp(natsPerToken)`.
  public var perplexity: Double?
  /// Mean negative log-likelihood.
  public var natsPerToken: Double?
  /// Its standard error.
  public var natsPerTokenError: Double?
  /// Negative log-likelihood divided by the bytes of the text; absent when only a part of it was evaluated.
  public var natsPerByte: Double?
  /// How the text was cut.
  public var windows: Windows?
  /// The text.
  public var text: Source?

  /// Questions that were asked.
  public var questions: Int?
  /// Questions of the set that cannot be put to this model.
  public var questionsSkipped: Int?
  /// Share of exact answers.
  public var accuracy: Double?
  /// Its standard error.
  public var accuracyError: Double?
  /// Accuracy of each kind of question.
  public var kinds: [String: Kind]?
  /// The question set.
  public var questionSet: Source?

  /// Images whose features were compared.
  public var images: Int?
  /// Mean cosine of the angle between features and the reference's, an image at a time.
  public var featureCosineMean: Double?
  /// The smallest of these cosines.
  public var featureCosineMin: Double?
  /// Mean of ‖features − reference‖ / ‖reference‖.
  public var featureRelativeError: Double?

  /// Figures of the reference model.
  public var against: Reference?
  /// Perplexity divided by the reference's.
  public var perplexityRatio: Double?
  /// Its standard error, from the paired differences of the losses.
  public var perplexityRatioError: Double?
  /// Divergence on the text, or on the expected answers if there was no text.
  public var klMean: Double?
  /// Its standard error.
  public var klMeanError: Double?
  /// The value that 99 % of the positions do not exceed.
  public var klP99: Double?
  /// Share of positions with the same most likely token.
  public var top1Agreement: Double?
  /// Its standard error.
  public var top1AgreementError: Double?
  /// Share of questions that both models answered in the same words.
  public var answerAgreement: Double?
  /// Its standard error.
  public var answerAgreementError: Double?
  /// Divergence on the tokens of the expected answers.
  public var answers: Divergences?

  /// Signal over error at the stages of the layers.
  public var stages: [StageEvaluation.Stage]?

  /// A report without figures.
  public init() {}

  /// Takes in the figures of a text.
  public mutating func add(_ evaluation: TextEvaluation, source: Source, isWhole: Bool) {
    tokens = evaluation.loss.count
    perplexity = evaluation.perplexity
    natsPerToken = evaluation.loss.mean
    natsPerTokenError = evaluation.loss.standardError
    natsPerByte =
      isWhole
      ? evaluation.loss.mean * Double(evaluation.loss.count) / Double(evaluation.bytes) : nil
    windows = Windows(
      length: evaluation.windows.length, stride: evaluation.windows.stride,
      beginning: evaluation.windows.beginning, scoring: evaluation.windows.scoring)
    text = source
    guard let difference = evaluation.lossDifference else { return }
    against = against ?? Reference()
    against?.perplexity = evaluation.referencePerplexity
    perplexityRatio = evaluation.perplexityRatio
    perplexityRatioError = exp(difference.mean) * difference.standardError
    if let divergence = evaluation.divergence { set(Divergences(divergence)) }
  }

  /// Takes in the figures of a question set. Add a text first: divergence on a text is the headline figure.
  public mutating func add(_ evaluation: AnswerEvaluation, source: Source) {
    questions = evaluation.accuracy.count
    questionsSkipped = evaluation.skipped == 0 ? nil : evaluation.skipped
    accuracy = evaluation.accuracy.mean
    accuracyError = evaluation.accuracy.standardError
    kinds = evaluation.kinds.mapValues {
      Kind(
        questions: $0.accuracy.count, accuracy: $0.accuracy.mean,
        answerAgreement: $0.agreement.count > 0 ? $0.agreement.mean : nil)
    }
    questionSet = source
    guard let reference = evaluation.referenceAccuracy else { return }
    against = against ?? Reference()
    against?.accuracy = reference.mean
    answerAgreement = evaluation.agreement?.mean
    answerAgreementError = evaluation.agreement?.standardError
    answers = evaluation.divergence.map(Divergences.init)
    if klMean == nil, let answers { set(answers) }
  }

  /// Takes in the features of images.
  public mutating func add(_ evaluation: FeatureEvaluation) {
    images = evaluation.cosine.count
    featureCosineMean = evaluation.cosine.mean
    featureCosineMin = evaluation.smallestCosine
    featureRelativeError = evaluation.relativeError.mean
  }

  /// Takes in the stages of the layers.
  public mutating func add(_ evaluation: StageEvaluation) { stages = evaluation.stages }

  private mutating func set(_ divergences: Divergences) {
    klMean = divergences.klMean
    klMeanError = divergences.klMeanError
    klP99 = divergences.klP99
    top1Agreement = divergences.top1Agreement
    top1AgreementError = divergences.top1AgreementError
  }
}

extension EvaluationReport.Windows {
  enum CodingKeys: String, CodingKey { case length, stride, beginning, scoring }
}

extension EvaluationReport.Kind {
  enum CodingKeys: String, CodingKey {
    case questions, accuracy
    case answerAgreement = "answer_agreement"
  }
}

extension EvaluationReport.Divergences {
  enum CodingKeys: String, CodingKey {
    case positions
    case klMean = "kl_mean"
    case klMeanError = "kl_mean_error"
    case klP99 = "kl_p99"
    case top1Agreement = "top1_agreement"
    case top1AgreementError = "top1_agreement_error"
  }
}

extension EvaluationReport {
  enum CodingKeys: String, CodingKey {
    case tokens, perplexity
    case natsPerToken = "nats_per_token"
    case natsPerTokenError = "nats_per_token_error"
    case natsPerByte = "nats_per_byte"
    case windows, text, questions
    case questionsSkipped = "questions_skipped"
    case accuracy
    case accuracyError = "accuracy_error"
    case kinds
    case questionSet = "question_set"
    case images
    case featureCosineMean = "feature_cosine_mean"
    case featureCosineMin = "feature_cosine_min"
    case featureRelativeError = "feature_relative_error"
    case against
    case perplexityRatio = "perplexity_ratio"
    case perplexityRatioError = "perplexity_ratio_error"
    case klMean = "kl_mean"
    case klMeanError = "kl_mean_error"
    case klP99 = "kl_p99"
    case top1Agreement = "top1_agreement"
    case top1AgreementError = "top1_agreement_error"
    case answerAgreement = "answer_agreement"
    case answerAgreementError = "answer_agreement_error"
    case answers, stages
  }
}
