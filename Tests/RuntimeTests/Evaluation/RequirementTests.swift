import Format
import Testing

@testable import Runtime

@Suite struct RequirementTests {
  private var report: EvaluationReport {
    var report = EvaluationReport()
    report.perplexity = 12
    report.perplexityRatio = 1.01
    report.natsPerToken = 2.5
    report.klMean = 0.02
    report.klP99 = 0.3
    report.top1Agreement = 0.95
    report.answerAgreement = 0.9
    report.accuracy = 0.7
    report.featureCosineMean = 0.99
    report.featureCosineMin = 0.98
    report.featureRelativeError = 0.02
    report.against = .init()
    report.against?.accuracy = 0.75
    return report
  }

  @Test func `a list of requirements is read`() throws {
    let requirements = try Requirement.parse(" kl <= 0.02, accuracy>0.5 ,top1_agreement>=9e-1,")
    #expect(requirements.map(\.figure) == ["kl", "accuracy", "top1_agreement"])
    #expect(requirements.map(\.comparison) == ["<=", ">", ">="])
    #expect(requirements.map(\.bound) == [0.02, 0.5, 0.9])
    #expect(requirements.map(\.description) == ["kl<=0.02", "accuracy>0.5", "top1_agreement>=0.9"])
    #expect(try Requirement.parse("").isEmpty)
  }

  @Test(arguments: ["kl", "kl=0.02", "kl<=", "kl<=x", "kl<=inf", "kl<=nan", "<=1<=2", "kl<=1<2"])
  func `a text that is no requirement is refused`(text: String) {
    #expect(throws: RequirementError.malformed(text)) { try Requirement.parse(text) }
  }

  @Test(arguments: ["", "KL", "ppl", "kl_max"])
  func `a figure that does not exist is refused`(name: String) {
    #expect(throws: RequirementError.unknownFigure(name)) {
      try Requirement.parse("\(name)<=1")
    }
  }

  /// Requirements that the sample just meets, and bounds that it just misses.
  static let bounds = [
    ("perplexity<=12", "perplexity<12"), ("perplexity_ratio<=1.01", "perplexity_ratio<=1.009"),
    ("nats_per_token<2.6", "nats_per_token<2.5"), ("kl<=0.02", "kl<=0.0199"),
    ("kl_mean>=0.02", "kl_mean>0.02"), ("kl_p99<0.31", "kl_p99<0.3"),
    ("top1_agreement>=0.95", "top1_agreement>0.95"),
    ("answer_agreement>0.89", "answer_agreement>0.9"), ("accuracy>=0.7", "accuracy>=0.71"),
    ("accuracy_drop<=0.051", "accuracy_drop<=0.049"),
    ("feature_cosine_mean>=0.99", "feature_cosine_mean>0.99"),
    ("feature_cosine_min>0.97", "feature_cosine_min>0.98"),
    ("feature_relative_error<0.03", "feature_relative_error<0.02"),
  ]

  @Test(arguments: bounds)
  func `a figure is held against its bound`(met: String, missed: String) throws {
    try Requirement.check(Requirement.parse(met), report)
    for requirement in try Requirement.parse(met) { #expect(try requirement.isMet(by: report)) }
    for requirement in try Requirement.parse(missed) {
      #expect(try !requirement.isMet(by: report))
    }
    do {
      try Requirement.check(Requirement.parse(missed), report)
      Issue.record("nothing was missed")
    } catch {
      #expect(error.kind == .qualityGate)
      #expect(error.description.contains("\(try Requirement.parse(missed)[0]) (found "))
    }
  }

  @Test func `every figure is covered above`() {
    let tested = Set(Self.bounds.map { $0.0.prefix { $0.isLetter || $0 == "_" || $0.isNumber } })
    #expect(tested.map(String.init).sorted() == Requirement.figureNames)
  }

  @Test func `everything that is missed is said at once`() throws {
    let requirements = try Requirement.parse("perplexity<1,kl<=1,accuracy>0.9")
    #expect(
      throws: RequirementError.missed(["perplexity<1.0 (found 12.0)", "accuracy>0.9 (found 0.7)"])
    ) { try Requirement.check(requirements, report) }
  }

  @Test(arguments: Requirement.figureNames)
  func `a figure that was not measured is no success`(name: String) throws {
    let requirements = try Requirement.parse("\(name)<=1e9")
    #expect(throws: RequirementError.notMeasured(name)) {
      try Requirement.check(requirements, EvaluationReport())
    }
    #expect(RequirementError.notMeasured(name).kind == .usage)
  }

  @Test func `no number meets nothing`() throws {
    var report = EvaluationReport()
    report.klMean = .nan
    for text in ["kl<=1", "kl<1", "kl>=0", "kl>0"] {
      #expect(try !Requirement.parse(text)[0].isMet(by: report))
    }
  }
}
