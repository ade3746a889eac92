import Format
import Quant
import Runtime

/// Evaluates a model on the files that a user names.
struct EvaluationRun {
  let model: Model
  let reference: Model?
  /// Where the reference's states are kept, if there are more runs against it.
  var states: ReferenceStates?
  let options: EvaluationOptions
  let threads: ThreadPool

  /// Runs what was asked for.
  func report(text: String?, questions: String?, images: String? = nil) throws -> EvaluationReport {
    var report = EvaluationReport()
    if let text {
      report.add(
        try evaluate(text: text), source: try .init(path: text), isWhole: options.limit == nil)
    }
    if let questions {
      report.add(try evaluate(questions: questions), source: try .init(path: questions))
    }
    if let images, let reference { report.add(try compare(images: images, with: reference)) }
    return report
  }

  /// Measures what rounding adds at the stages of the layers.
  func stages(text path: String) throws -> StageEvaluation {
    let text = try MappedFile.text(path: path)
    let bar = ProgressBar("measuring stages", unit: "windows")
    defer { bar.finish() }
    return try StageEvaluation(
      text, model: model, windows: options.windows(for: model), limit: options.limit,
      threads: threads, progress: bar.update)
  }

  private func compare(images: String, with reference: Model) throws -> FeatureEvaluation {
    let bar = ProgressBar("comparing features", unit: "images")
    defer { bar.finish() }
    return try FeatureEvaluation(
      images: ImageDirectory.paths(images), model: model, against: reference,
      limit: options.limit, threads: threads, progress: bar.update)
  }

  private func evaluate(text path: String) throws -> TextEvaluation {
    let text = try MappedFile.text(path: path)
    let bar = ProgressBar("evaluating text", unit: "windows")
    defer { bar.finish() }
    return try TextEvaluation(
      text, model: model, against: reference, keepingIn: states,
      windows: options.windows(for: model), limit: options.limit, stepwise: options.step,
      threads: threads, progress: bar.update)
  }

  private func evaluate(questions path: String) throws -> AnswerEvaluation {
    let set = try QuestionSet(path: path, limit: options.limit)
    let bar = ProgressBar("asking questions", unit: "images")
    defer { bar.finish() }
    return try AnswerEvaluation(
      set, model: model, against: reference, threads: threads, progress: bar.update)
  }
}

extension EvaluationReport {
  /// Prints the figures for people.
  func print() {
    var table = Table([("", .left), ("model", .right), ("reference", .right)])
    func row(_ name: String, _ value: String?, _ reference: String? = nil) {
      if let value { table.add([name, value, reference ?? ""]) }
    }
    row("tokens", tokens.map(String.init))
    row(
      "perplexity", perplexity.map { Quantity.decimal($0, 4) },
      against?.perplexity.map { Quantity.decimal($0, 4) })
    row("nats per token", natsPerToken.map { Quantity.measured($0, natsPerTokenError, 5) })
    row("nats per byte", natsPerByte.map { Quantity.decimal($0, 5) })
    row("perplexity ratio", perplexityRatio.map { Quantity.measured($0, perplexityRatioError, 5) })
    row("KL divergence, mean", klMean.map { Quantity.measured($0, klMeanError, 6) })
    row("KL divergence, 99 %", klP99.map { Quantity.decimal($0, 5) })
    row(
      "same top token",
      top1Agreement.map {
        Quantity.measured($0 * 100, top1AgreementError.map { $0 * 100 }, 2) + " %"
      })
    row("questions", questions.map(String.init))
    row("questions not for this model", questionsSkipped.map(String.init))
    row(
      "accuracy",
      accuracy.map { Quantity.measured($0 * 100, accuracyError.map { $0 * 100 }, 2) + " %" },
      against?.accuracy.map(Quantity.percent))
    let kinds = (kinds ?? [:]).sorted { $0.key < $1.key }
    for (kind, figures) in kinds {
      row("  \(kind) (\(figures.questions))", Quantity.percent(figures.accuracy))
    }
    row(
      "same answer",
      answerAgreement.map {
        Quantity.measured($0 * 100, answerAgreementError.map { $0 * 100 }, 2) + " %"
      })
    for (kind, figures) in kinds {
      row("  \(kind)", figures.answerAgreement.map(Quantity.percent))
    }
    row("images", images.map(String.init))
    row("feature cosine, mean", featureCosineMean.map { Quantity.decimal($0, 6) })
    row("feature cosine, smallest", featureCosineMin.map { Quantity.decimal($0, 6) })
    row("feature error, relative", featureRelativeError.map { Quantity.decimal($0, 5) })
    if let windows {
      let beginning = windows.beginning.map { "id \($0)" } ?? "no extra token"
      Console.print(
        "windows of \(windows.length) positions, stride \(windows.stride), "
          + "beginning with \(beginning)"
          + (windows.scoring == .half ? ", second halves scored" : ""))
    }
    table.print()
    printStages()
  }

  private func printStages() {
    guard let stages else { return }
    var table = Table([
      ("stage", .left), ("lowest", .right), ("in layer", .right), ("mean", .right),
    ])
    var names = [String]()
    for stage in stages where !names.contains(stage.stage) { names.append(stage.stage) }
    for name in names {
      let measured = stages.filter { $0.stage == name && $0.decibels != nil }
      let decibels = measured.compactMap(\.decibels)
      guard let lowest = decibels.min() else {
        table.add([name, "exact", "", ""])
        continue
      }
      let layer = measured.first { $0.decibels == lowest }?.layer
      let mean = decibels.reduce(0, +) / Double(decibels.count)
      table.add([
        name, Quantity.decimal(lowest, 1) + " dB", layer.map(String.init) ?? "",
        Quantity.decimal(mean, 1) + " dB",
      ])
    }
    table.print()
  }
}
