/// How a text is cut for a perplexity.
///
/// The whole text is one sequence of tokens. Each window starts from a zero state and begins with `beginning`, if
/// there is one; it scores the tokens that no window before it has scored. With `stride` equal to the tokens of a
/// window every token is scored once and sees only its own window.
public struct TextWindows: Sendable, Equatable {
  /// Positions of a window, `beginning` included.
  public var length: Int
  /// Text tokens from one window to the next.
  public var stride: Int
  /// The id in front of each window.
  public var beginning: Int?

  /// Describes windows; `stride` defaults to the text tokens of a window.
  public init(length: Int = 1024, stride: Int? = nil, beginning: Int?) {
    self.length = length
    self.beginning = beginning
    let tokens = length - (beginning == nil ? 0 : 1)
    self.stride = min(max(1, stride ?? tokens), max(1, tokens))
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
