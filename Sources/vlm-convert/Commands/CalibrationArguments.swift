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

  @Flag(help: "Fail if a matrix cannot be calibrated, instead of rounding it as without.")
  var strict = false

  func validate() throws {
    if let calibrate, calibrate.split(separator: ",").isEmpty {
      throw ValidationError("--calibrate takes the names of files.")
    }
    if let calibrationTokens, !(1...1 << 30).contains(calibrationTokens) {
      throw ValidationError("--calibration-tokens takes a positive number, at most 1073741824.")
    }
    if calibrate == nil, calibrationTokens != nil || strict {
      throw ValidationError("--calibration-tokens and --strict need --calibrate.")
    }
  }

  /// What was asked for, if anything.
  var options: CalibrationOptions? {
    calibrate.map { files in
      CalibrationOptions(
        files: files.split(separator: ",").map(String.init),
        tokens: calibrationTokens ?? CalibrationOptions.defaultTokens, isStrict: strict)
    }
  }
}
