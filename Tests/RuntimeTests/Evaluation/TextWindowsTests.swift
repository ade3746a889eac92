import Testing

@testable import Runtime

@Suite struct TextWindowsTests {
  /// Ids that tell their place in the text.
  private func text(_ count: Int) -> [Int] { (0..<count).map { 100 + $0 } }

  /// All windows of few positions, with all strides.
  static let lengths = Array(2...9)

  @Test(arguments: lengths, [true, false])
  func `every target follows what the window has read`(length: Int, hasBeginning: Bool) {
    for stride in 1...length {
      let windows = TextWindows(
        length: length, stride: stride, beginning: hasBeginning ? 0 : nil)
      for count in 0...25 {
        for window in windows.cut(text(count)) {
          let read = hasBeginning ? Array(window.input.dropFirst()) : window.input
          #expect(!hasBeginning || window.input.first == 0)
          #expect(window.firstScored >= 0 && !window.targets.isEmpty)
          // Nothing is read that is not needed, and a window with its last target has at most its length.
          #expect(window.input.count == window.firstScored + window.targets.count)
          #expect(window.input.count + 1 <= length + (hasBeginning ? 1 : 0))
          let follows = (read.first ?? window.targets[0])...
          let sequence = Array(follows.prefix(read.count + 1))
          #expect(Array(sequence.prefix(read.count)) == read)
          #expect(Array(sequence.suffix(window.targets.count)) == window.targets)
        }
      }
    }
  }

  @Test(arguments: lengths)
  func `behind a beginning every token is scored once`(length: Int) {
    for stride in 1...length {
      let windows = TextWindows(length: length, stride: stride, beginning: 0)
      for count in 0...25 {
        #expect(windows.cut(text(count)).flatMap(\.targets) == text(count))
      }
    }
  }

  @Test(arguments: lengths)
  func `without a beginning the first token of a window stays unscored`(length: Int) {
    let windows = TextWindows(length: length, beginning: nil)
    for count in 0...25 {
      let scored = text(count).enumerated().filter { $0.offset % length != 0 }.map(\.element)
      #expect(windows.cut(text(count)).flatMap(\.targets) == scored)
    }
    for stride in 1..<length {
      let overlapping = TextWindows(length: length, stride: stride, beginning: nil)
      for count in 0...25 {
        #expect(
          overlapping.cut(text(count)).flatMap(\.targets) == Array(text(count).dropFirst()))
      }
    }
  }

  @Test func `windows lie a stride apart and see what lies before`() {
    let windows = TextWindows(length: 5, stride: 2, beginning: 7).cut(text(7))
    #expect(
      windows == [
        .init(input: [7, 100, 101, 102], targets: [100, 101, 102, 103], firstScored: 0),
        .init(input: [7, 102, 103, 104], targets: [104, 105], firstScored: 2),
        .init(input: [7, 104, 105], targets: [106], firstScored: 2),
      ])
  }

  @Test func `the last window is as short as the rest of the text`() {
    let windows = TextWindows(length: 4, beginning: nil).cut(text(6))
    #expect(
      windows == [
        .init(input: [100, 101, 102], targets: [101, 102, 103], firstScored: 0),
        .init(input: [104], targets: [105], firstScored: 0),
      ])
  }

  /// Length, stride asked for, beginning, stride given.
  static let strides: [(Int, Int?, Int?, Int)] = [
    (8, nil, nil, 8), (8, nil, 0, 7), (8, 100, nil, 8), (8, 100, 0, 7), (8, 0, nil, 1),
    (8, -3, 0, 1), (8, 3, 0, 3), (1, nil, 0, 1),
  ]

  @Test(arguments: strides)
  func `a stride is between one token and a window`(
    length: Int, asked: Int?, beginning: Int?, given: Int
  ) {
    #expect(TextWindows(length: length, stride: asked, beginning: beginning).stride == given)
  }

  @Test func `half of a window is scored as llama.cpp does it`() {
    let windows = TextWindows(length: 6, beginning: 7, scoring: .half).cut(text(13))
    // 7 in front of 13 tokens gives two whole windows; the second loses its first token to 7.
    #expect(
      windows == [
        .init(input: [7, 100, 101, 102, 103], targets: [103, 104], firstScored: 3),
        .init(input: [7, 106, 107, 108, 109], targets: [109, 110], firstScored: 3),
      ])
    let bare = TextWindows(length: 5, beginning: nil, scoring: .half).cut(text(9))
    #expect(
      bare == [.init(input: [100, 101, 102, 103], targets: [103, 104], firstScored: 2)])
    #expect(TextWindows(beginning: nil, scoring: .half).length == 512)
    #expect(TextWindows(length: 2, beginning: nil, scoring: .half).cut(text(9)).isEmpty)
  }
}
