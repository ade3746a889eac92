import ArgumentParser
import Convert

/// What a conversion is calibrated on.
struct CalibrationArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Fit the language model's matrices to their inputs on these texts, or questions if a name ends in .jsonl.",
      valueName: "file[,file…]"))
  var calibrate: String?

  @Option(
    help: ArgumentHelp(
      "Tokens to calibrate on; \(CalibrationOptions.defaultTokens) by default.", valueName: "n"))
  var calibrationTokens: Int?

  @Option(
    help: ArgumentHelp(
      """
      What calibration gathers about the inputs of matrices: written if there is no such file, else used \
      without running the model.
      """, valueName: "file"))
  var statistics: String?

  @Flag(help: "Fail if a matrix cannot be calibrated, instead of rounding it as without.")
  var strict = false

  func validate() throws {
    if let calibrate, calibrate.split(separator: ",").isEmpty {
      throw ValidationError("--calibrate takes the names of files.")
    }
    if let calibrationTokens, !(1...1 << 30).contains(calibrationTokens) {
      throw ValidationError("--calibration-tokens takes a positive number, at most 1073741824.")
    }
    if calibrate == nil, calibrationTokens != nil {
      throw ValidationError("--calibration-tokens needs --calibrate.")
    }
    if calibrate == nil, statistics == nil, strict {
      throw ValidationError("--strict needs --calibrate or --statistics.")
    }
  }

  /// What was asked for, if anything.
  var options: CalibrationOptions? {
    guard calibrate != nil || statistics != nil else { return nil }
    return CalibrationOptions(
      files: files, tokens: calibrationTokens ?? CalibrationOptions.defaultTokens,
      isStrict: strict, statistics: statistics)
  }

  /// Files that must exist.
  var inputs: [String] { calibrate == nil ? [statistics].compactMap(\.self) : files }

  private var files: [String] { calibrate?.split(separator: ",").map(String.init) ?? [] }
}
