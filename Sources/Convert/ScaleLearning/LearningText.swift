import Format
import Learning
import Runtime

/// The texts that scales are learned on, as windows of tokens.
struct LearningText {
  /// Tokens of a window.
  private static let windowTokens = 512
  /// The share of each text, at its end, that is only measured on.
  private static let heldOutShare = 10
  /// Windows of a text that are held out at most.
  private static let heldOutLimit = 32

  private(set) var training = [[Int]]()
  private(set) var heldOut = [[Int]]()

  /// Reads the texts among the files that a conversion is calibrated on.
  init(_ calibration: CalibrationOptions, _ model: Model) throws {
    let beginning = model.description.language?.endOfText.first.map { [$0] } ?? []
    let tokenizer = try model.requireTokenizer("--learn-scales")
    for file in calibration.files where !file.hasSuffix(".jsonl") {
      let ids = tokenizer.encode(try MappedFile.text(path: file))
      let length = Self.windowTokens - beginning.count
      let count = max(2, ids.count / length)
      // A text that is too short for two windows gives two halves.
      let size = min(length, ids.count / 2)
      guard size > 0 else { continue }
      let windows = (0..<count).map { beginning + ids[$0 * size..<($0 + 1) * size] }
      let held = min(max(1, windows.count / Self.heldOutShare), Self.heldOutLimit)
      training += windows.dropLast(held)
      heldOut += windows.suffix(held)
    }
    guard !training.isEmpty else {
      throw LearningError.tooLittleText(windows: training.count + heldOut.count, expected: 2)
    }
  }
}
