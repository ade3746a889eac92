import ArgumentParser
import Convert
import Runtime

/// How large the pack may be, or how good it must be.
struct BudgetArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Choose the bits of every matrix so that the whole file comes as near as 0.5 % below a size, as in 900MB, 1.2GiB \
      or plain bytes; --quantize says from which family, as in q4 or e4.
      """,
      valueName: "size"))
  var targetSize: String?

  @Option(
    help: ArgumentHelp(
      "The same with a size of so many bits for every weight of the model.", valueName: "bits"))
  var targetBpw: Double?

  @Option(
    help: ArgumentHelp(
      "Make the smallest file found that keeps a bound, as in “kl<=0.01”, on --validate-text.",
      valueName: "bound"))
  var quality: String?

  func validate() throws {
    let asked = [targetSize != nil, targetBpw != nil, quality != nil].filter { $0 }
    guard asked.count < 2 else {
      throw ValidationError("Give one of --target-size, --target-bpw and --quality.")
    }
    if let targetSize, ByteSize.parse(targetSize) == nil {
      throw ValidationError(
        "--target-size takes a size such as 900MB, 1.2GiB or 900000, not “\(targetSize)”.")
    }
    if let targetBpw, !(0.01...64).contains(targetBpw) {
      throw ValidationError("--target-bpw takes 0.01 to 64 bits, not \(targetBpw).")
    }
    if let quality, try requirement(quality) == nil {
      throw ValidationError("--quality takes a bound such as “kl<=0.01” or “kl_p99<=0.2”.")
    }
  }

  /// Whether there is a budget.
  var isGiven: Bool { targetSize != nil || targetBpw != nil || quality != nil }

  /// The size asked for, if any.
  func bytes(weights: Int) -> Int? {
    targetSize.flatMap(ByteSize.parse) ?? targetBpw.map { Int($0 * Double(weights) / 8) }
  }

  /// The bound asked for, if any.
  func bound() throws -> Requirement? { try quality.flatMap(requirement) }

  private func requirement(_ text: String) throws -> Requirement? {
    let requirements = try Requirement.parse(text)
    guard requirements.count == 1, let bound = requirements.first, bound.bound > 0,
      ["kl", "kl_mean", "kl_p99"].contains(bound.figure), bound.comparison.hasPrefix("<")
    else { return nil }
    return bound
  }
}

extension Requirement {
  /// The figure of a report that is bounded, where larger is worse.
  func divergence(_ report: EvaluationReport) -> Double? {
    figure == "kl_p99" ? report.klP99 : report.klMean
  }
}
