import Report
import Runtime

/// The figures of an evaluation that a sweep compares, in the order of its tables.
struct SweepFigure: Sendable {
  let name: String
  /// The figure in the original's row, if it has one.
  var original: @Sendable (EvaluationReport) -> String? = { _ in nil }
  /// The figure as a text, or nothing where it was not measured.
  let text: @Sendable (EvaluationReport) -> String?

  static let all = [
    SweepFigure(
      name: "perplexity", original: { ($0.against?.perplexity).map { Quantity.decimal($0, 4) } },
      text: { report in
        // The error of an exponential is that of its argument times the value.
        report.perplexity.map { value in
          Quantity.measured(value, report.natsPerTokenError.map { $0 * value }, 4)
        }
      }),
    SweepFigure(
      name: "perplexity ratio",
      text: { report in
        report.perplexityRatio.map { Quantity.measured($0, report.perplexityRatioError, 5) }
      }),
    SweepFigure(
      name: "KL mean",
      text: { report in report.klMean.map { Quantity.measured($0, report.klMeanError, 6) } }),
    SweepFigure(name: "KL 99 %", text: { $0.klP99.map { Quantity.decimal($0, 5) } }),
    SweepFigure(
      name: "same top token, %",
      text: { report in percent(report.top1Agreement, report.top1AgreementError) }),
    SweepFigure(
      name: "accuracy, %", original: { percent($0.against?.accuracy, nil) },
      text: { percent($0.accuracy, $0.accuracyError) }),
    SweepFigure(
      name: "same answer, %", text: { percent($0.answerAgreement, $0.answerAgreementError) }),
  ]

  /// The figures that were measured.
  static func measured(in document: SweepDocument) -> [SweepFigure] {
    all.filter { figure in document.settings.contains { figure.text($0.evaluation) != nil } }
  }

  private static func percent(_ share: Double?, _ error: Double?) -> String? {
    share.map { Quantity.measured($0 * 100, error.map { $0 * 100 }, 2) }
  }
}

extension SweepDocument {
  /// Figures against bits a weight; those that were measured.
  var charts: [FrontierChart] {
    [
      chart(
        "Divergence", "mean KL divergence, nats", isLogarithmic: true, \.klMean, \.klMeanError),
      chart(
        "Perplexity", "perplexity / original's", \.perplexityRatio, \.perplexityRatioError),
      chart("Accuracy", "right answers, %", isShare: true, \.accuracy, \.accuracyError),
      chart(
        "Same answers", "answers like the original's, %", isShare: true, \.answerAgreement,
        \.answerAgreementError),
    ].filter { !$0.entries.isEmpty }
  }

  private func chart(
    _ title: String, _ name: String, isLogarithmic: Bool = false, isShare: Bool = false,
    _ value: KeyPath<EvaluationReport, Double?>, _ error: KeyPath<EvaluationReport, Double?>
  ) -> FrontierChart {
    let factor = isShare ? 100.0 : 1
    return FrontierChart(
      title: title, costName: "bits a weight, whole file", valueName: name,
      isLogarithmic: isLogarithmic, isGain: isShare, limits: isShare ? 0...100 : 0 ... .infinity,
      entries: settings.compactMap { setting in
        setting.evaluation[keyPath: value].map {
          FrontierChart.Entry(
            name: setting.name, cost: setting.bitsPerWeight, value: $0 * factor,
            error: setting.evaluation[keyPath: error].map { $0 * factor })
        }
      })
  }

  /// Prints the figures for people.
  func print() {
    let figures = SweepFigure.measured(in: self)
    var table = Table(
      [("setting", .left), ("bytes", .right), ("bits a weight", .right)]
        + figures.map { ($0.name, .right) })
    for setting in settings {
      table.add(
        [
          setting.name, String(setting.byteCount), Quantity.decimal(setting.bitsPerWeight, 3),
        ] + figures.map { $0.text(setting.evaluation) ?? "" })
    }
    table.print()
  }
}
