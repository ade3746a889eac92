import Format
import Report
import Runtime

/// A sweep as one page that needs nothing else: no script, no network, light or dark as the reader likes it.
struct SweepPage {
  let document: SweepDocument

  var markup: Markup {
    .page(
      title: document.title, style: PageStyle.sheet,
      body: [.element("main", introduction + overview + charts + details + explanation)])
  }

  private var introduction: [Markup] {
    [.element("h1", text: document.title), .element("p", ["class": "lead"], text: lead)]
      + document.notes.map { .element("p", ["class": "note"], text: $0) }
  }

  private var lead: String {
    var sentences = [
      "\(document.profile), \(Quantity.count(document.parameters)) weights, in \(document.settings.count) settings, each measured against the float original."
    ]
    let report = document.settings.first?.evaluation
    if let tokens = report?.tokens, let windows = report?.windows {
      sentences.append(
        "Text: \(tokens) tokens in windows of \(windows.length) positions\(windows.scoring == .half ? ", second halves scored" : "")."
      )
    }
    if let questions = report?.questions { sentences.append("\(questions) questions.") }
    let execution = ["engine", "activations", "state"].compactMap { name in
      document.execution[.init(name)]?.stringValue.map { "\(name) \($0)" }
    }
    sentences.append("Executed with \(execution.joined(separator: ", ")).")
    if let calibration = document.calibration {
      sentences.append("Calibrated on about \(calibration.tokens) tokens.")
    }
    return sentences.joined(separator: " ")
  }

  private var overview: [Markup] {
    let figures = SweepFigure.measured(in: document)
    let report = document.settings.first?.evaluation
    let bits = Double(document.originalBytes) * 8 / Double(max(1, document.parameters))
    let original =
      ["original", String(document.originalBytes), Quantity.decimal(bits, 3)]
      + figures.map { figure in report.flatMap(figure.original) ?? "" }
    let rows = document.settings.map { setting in
      [setting.name, String(setting.byteCount), Quantity.decimal(setting.bitsPerWeight, 3)]
        + figures.map { $0.text(setting.evaluation) ?? "" }
    }
    return [
      .element("h2", text: "Settings"),
      .table(
        ["setting", "bytes", "bits a weight"] + figures.map(\.name), [original] + rows,
        caption: "Sizes are whole files, of the original its tensors. After ±: standard errors."),
    ]
  }

  private var charts: [Markup] {
    let figures = document.charts.enumerated().map { number, chart in
      let hidden =
        chart.hidden.isEmpty
        ? ""
        : " Without a place on a logarithmic scale: \(chart.hidden.joined(separator: ", "))."
      return Markup.element(
        "figure",
        [
          .element(
            "figcaption",
            [
              .element("strong", text: chart.title),
              .init(text: ": \(chart.valueName), against \(chart.costName).\(hidden)"),
            ]), chart.drawing("chart-\(number)"), table(of: chart),
        ])
    }
    let key =
      "Filled points lie on the frontier: no other setting is as small and as good. Bars reach one standard error up and down."
    return [
      .element("h2", text: "Quality against size"), .element("p", text: key),
      .element("div", ["class": "charts"], figures),
    ]
  }

  private func table(of chart: FrontierChart) -> Markup {
    let frontier = Set(chart.frontier)
    return .disclosure(
      "Table",
      [
        .table(
          ["setting", chart.costName, chart.valueName, "standard error", "on the frontier"],
          chart.entries.map { entry in
            [
              entry.name, Quantity.decimal(entry.cost, 3), Quantity.decimal(entry.value, 6),
              entry.error.map { Quantity.decimal($0, 6) } ?? "",
              frontier.contains(entry.name) ? "yes" : "no",
            ]
          })
      ])
  }

  private var details: [Markup] {
    let (colors, domain) = (document.kindColors, document.decibels)
    let sections = document.settings.enumerated().map { number, setting in
      SweepSettingSection(
        setting: setting, identifier: "setting-\(number)", colors: colors, domain: domain
      ).markup(isOpen: number == 0)
    }
    return [.element("h2", text: "Setting by setting")] + sections
  }

  private var explanation: [Markup] {
    let terms = [
      (
        "bits a weight",
        "Bits of the whole file, tokenizer and index included, divided by the number of weights."
      ),
      (
        "KL divergence",
        "How far the predicted probabilities of the next token are from the original's, Σ p · ln(p / q) in nats; 0 if they are the same."
      ),
      (
        "perplexity ratio",
        "Perplexity divided by the original's on the same tokens; its error comes from paired differences."
      ),
      (
        "same top token", "Share of positions at which both models find the same token most likely."
      ),
      (
        "signal over error",
        "10 · log10(Σ w² / Σ (w − ŵ)²) in decibels; 6 dB more halve the error. Of outputs: over the calibration data."
      ),
    ]
    return [
      .element("h2", text: "What the figures mean"),
      .element(
        "dl",
        terms.flatMap { [.element("dt", text: $0.0), .element("dd", text: $0.1)] }),
    ]
  }
}

extension Markup {
  /// A table whose first column names its rows; the others are numbers.
  static func table(_ titles: [String], _ rows: [[String]], caption: String? = nil) -> Markup {
    let head = Markup.element(
      "thead", [.element("tr", titles.map { .element("th", ["scope": "col"], text: $0) })])
    let body = Markup.element(
      "tbody",
      rows.map { row in
        .element(
          "tr",
          row.enumerated().map { column, text in
            column == 0
              ? .element("th", ["scope": "row"], text: text) : .element("td", text: text)
          })
      })
    let caption = caption.map { [Markup.element("caption", text: $0)] } ?? []
    return .element("div", ["class": "scroll"], [.element("table", caption + [head, body])])
  }

  /// Something that is shown when its heading is chosen.
  static func disclosure(_ heading: String, _ content: [Markup]) -> Markup {
    .element("details", [.element("summary", text: heading)] + content)
  }
}
