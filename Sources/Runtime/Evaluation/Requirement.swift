public import Format

/// A bound on a figure of an evaluation, written as in `kl<=0.02`.
public struct Requirement: Sendable, Equatable, CustomStringConvertible {
  /// The name of the figure.
  public let figure: String
  /// `<=`, `<`, `>=` or `>`.
  public let comparison: String
  /// The bound.
  public let bound: Double

  /// The requirement as it is written.
  public var description: String { "\(figure)\(comparison)\(bound)" }

  private static let figures: [String: @Sendable (EvaluationReport) -> Double?] = [
    "perplexity": { $0.perplexity },
    "perplexity_ratio": { $0.perplexityRatio },
    "nats_per_token": { $0.natsPerToken },
    "kl": { $0.klMean },
    "kl_mean": { $0.klMean },
    "kl_p99": { $0.klP99 },
    "top1_agreement": { $0.top1Agreement },
    "answer_agreement": { $0.answerAgreement },
    "feature_cosine_mean": { $0.featureCosineMean },
    "feature_cosine_min": { $0.featureCosineMin },
    "feature_relative_error": { $0.featureRelativeError },
    "accuracy": { $0.accuracy },
    "accuracy_drop": { report in
      report.against?.accuracy.flatMap { reference in report.accuracy.map { reference - $0 } }
    },
  ]

  /// Figures that can be required.
  public static var figureNames: [String] { figures.keys.sorted() }

  /// Reads a comma-separated list of requirements.
  public static func parse(_ text: String) throws(RequirementError) -> [Requirement] {
    var requirements = [Requirement]()
    for part in text.split(separator: ",") { requirements.append(try Requirement(String(part))) }
    return requirements
  }

  private init(_ text: String) throws(RequirementError) {
    let stripped = text.filter { $0 != " " }
    guard let comparison = ["<=", ">=", "<", ">"].first(where: stripped.contains),
      let range = stripped.firstRange(of: comparison),
      let bound = Double(stripped[range.upperBound...]), bound.isFinite
    else { throw .malformed(text) }
    figure = String(stripped[..<range.lowerBound])
    self.comparison = comparison
    self.bound = bound
    guard Self.figures[figure] != nil else { throw .unknownFigure(figure) }
  }

  /// Whether a report meets this.
  ///
  /// - Throws: `notMeasured` when the report lacks the figure.
  public func isMet(by report: EvaluationReport) throws(RequirementError) -> Bool {
    guard let value = Self.figures[figure]?(report) else { throw .notMeasured(figure) }
    switch comparison {
    case "<=": return value <= bound
    case "<": return value < bound
    case ">=": return value >= bound
    default: return value > bound
    }
  }

  /// Throws if a report misses any of the requirements.
  public static func check(
    _ requirements: [Requirement], _ report: EvaluationReport
  ) throws(RequirementError) {
    var missed = [String]()
    for requirement in requirements where try !requirement.isMet(by: report) {
      let value = Self.figures[requirement.figure]?(report) ?? .nan
      missed.append("\(requirement) (found \(value))")
    }
    guard missed.isEmpty else { throw .missed(missed) }
  }
}

/// What is wrong with a requirement, or that it is not met.
public enum RequirementError: DescribedFailure, Equatable {
  /// The text is no requirement.
  case malformed(String)
  /// There is no figure of that name.
  case unknownFigure(String)
  /// The evaluation did not measure the figure.
  case notMeasured(String)
  /// The model is worse than required.
  case missed([String])

  /// What sort of failure this is.
  public var kind: FailureKind {
    if case .missed = self { .qualityGate } else { .usage }
  }

  /// One sentence in lower case.
  public var description: String {
    switch self {
    case .malformed(let text):
      "“\(text)” is no requirement; expected a figure, a comparison and a number, as in kl<=0.02"
    case .unknownFigure(let name):
      "there is no figure “\(name)”; known: \(Requirement.figureNames.joined(separator: ", "))"
    case .notMeasured(let name):
      "“\(name)” is required but was not measured; give a text, questions or a model to compare with"
    case .missed(let requirements):
      "the model does not meet \(requirements.joined(separator: " and "))"
    }
  }
}
