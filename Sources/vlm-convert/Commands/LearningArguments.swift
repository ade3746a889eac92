import ArgumentParser
import Convert

/// How scales are learned.
struct LearningArguments: ParsableArguments {
  @Flag(
    help: """
      Learn the scales of a Mamba-1 language model on the texts of --calibrate, so that its predictions come \
      nearer to the original's; minutes for small models.
      """)
  var learnScales = false

  @Option(
    help: ArgumentHelp(
      "Steps of learning scales; \(LearningOptions.defaultSteps) by default.", valueName: "n"))
  var learningSteps: Int?

  func validate() throws {
    if let learningSteps, !(1...1_000_000).contains(learningSteps) {
      throw ValidationError("--learning-steps takes a positive number, at most 1000000.")
    }
    if learningSteps != nil, !learnScales {
      throw ValidationError("--learning-steps needs --learn-scales.")
    }
  }

  func requireCalibration(_ calibration: CalibrationArguments) throws {
    if learnScales, calibration.calibrate == nil {
      throw ValidationError("--learn-scales needs --calibrate with a text.")
    }
  }

  /// What was asked for, if anything.
  var options: LearningOptions? {
    learnScales ? LearningOptions(steps: learningSteps ?? LearningOptions.defaultSteps) : nil
  }
}
