/// How a text is cut for a perplexity.
///
/// The whole text is one sequence of tokens. Each window starts from a zero state and begins with `beginning`, if
/// there is one; it scores the tokens that no window before it has scored. With `stride` equal to the tokens of a
/// window every token is scored once and sees only its own window.
public struct TextWindows: Sendable, Equatable {
  /// Which tokens of a window are scored.
  public enum Scoring: String, Sendable, Equatable, CaseIterable, Codable {
    /// All that no window before it has scored, the convention of papers.
    case full
    /// Those behind the first half, in whole windows only, as llama.cpp does it.
    case half

    /// Positions of a window unless told otherwise.
    public var usualLength: Int { self == .full ? 1024 : 512 }
  }

  /// Positions of a window, `beginning` included.
  public var length: Int
  /// Text tokens from one window to the next.
  public var stride: Int
  /// The id in front of each window.
  public var beginning: Int?
  /// What is scored.
  public var scoring: Scoring

  /// Describes windows; `stride` defaults to the text tokens of a window. Windows of which half is scored do not
  /// overlap.
  public init(
    length: Int? = nil, stride: Int? = nil, beginning: Int?, scoring: Scoring = .full
  ) {
    self.length = length ?? scoring.usualLength
    self.beginning = beginning
    self.scoring = scoring
    let tokens = self.length - (beginning == nil ? 0 : 1)
    self.stride =
      scoring == .half ? self.length : min(max(1, stride ?? tokens), max(1, tokens))
  }

  /// One window.
  struct Window: Sendable, Equatable {
    /// What the model reads.
    let input: [Int]
    /// The token that each scored position should predict.
    let targets: [Int]
    /// Position that predicts the first target.
    let firstScored: Int
  }

  /// Cuts a sequence of tokens.
  func cut(_ ids: [Int]) -> [Window] {
    switch scoring {
    case .full: cutFully(ids)
    case .half: cutWhole(ids)
    }
  }

  /// The beginning stands in front of the text, and in the place of the first token of every other window.
  private func cutWhole(_ ids: [Int]) -> [Window] {
    let sequence = (beginning.map { [$0] } ?? []) + ids
    let first = length / 2
    return (0..<sequence.count / length).compactMap { index in
      var window = Array(sequence[index * length..<(index + 1) * length])
      if let beginning { window[0] = beginning }
      let targets = Array(window[(first + 1)...])
      return targets.isEmpty
        ? nil : Window(input: window.dropLast(), targets: targets, firstScored: first)
    }
  }

  private func cutFully(_ ids: [Int]) -> [Window] {
    let tokens = max(1, length - (beginning == nil ? 0 : 1))
    var windows = [Window]()
    var scored = beginning == nil ? 1 : 0
    var start = 0
    while scored < ids.count {
      let end = min(start + tokens, ids.count)
      let text = Array(ids[start..<end])
      let input = (beginning.map { [$0] } ?? []) + text
      let firstTarget = scored - start + (beginning == nil ? 0 : 1)
      windows.append(
        Window(
          input: Array(input.dropLast()), targets: Array(ids[scored..<end]),
          firstScored: firstTarget - 1))
      scored = end
      // Without a beginning the first token of a window cannot be predicted unless windows overlap.
      if beginning == nil, stride == tokens { scored += 1 }
      start += stride
    }
    return windows
  }
}
