import Format
import TestSupport
import Testing

@testable import Runtime

@Suite struct QuestionSetTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func read(_ text: String, limit: Int? = nil) throws -> QuestionSet {
    try QuestionSet(path: directory.write(text, as: "set.jsonl"), limit: limit)
  }

  private func line(_ image: String, _ question: String) -> String {
    #"{"image": "\#(image)", "question": "\#(question)", "answer": "yes", "kind": "k"}"#
  }

  @Test func `every line is a question`() throws {
    let set = try read(
      #"{"image": "a.png", "question": "How many?", "answer": "3", "kind": "count"}"# + "\n"
        + #"{"answer": "ä", "question": "?", "image": "sub/b.jpg", "more": [1]}"#)
    #expect(
      set.questions == [
        .init(image: "a.png", question: "How many?", answer: "3", kind: "count"),
        .init(image: "sub/b.jpg", question: "?", answer: "ä", kind: nil),
      ])
    #expect(set.path(of: "sub/b.jpg") == directory.path + "/sub/b.jpg")
  }

  @Test func `empty lines and carriage returns do not matter`() throws {
    let set = try read("\n  \r\n" + line("a", "1") + "\r\n\n" + line("a", "2") + "\n\n")
    #expect(set.questions.map(\.question) == ["1", "2"])
    #expect(try read("\n \n").questions.isEmpty)
  }

  @Test func `a limit takes the first questions, and reads no further`() throws {
    let text = [line("a", "1"), line("a", "2"), "broken"].joined(separator: "\n")
    #expect(try read(text, limit: 2).questions.map(\.question) == ["1", "2"])
  }

  @Test func `questions about the same image stay together`() throws {
    let lines = [line("a", "1"), line("a", "2"), line("b", "3"), line("a", "4")]
    let groups = try read(lines.joined(separator: "\n")).byImage
    #expect(groups.map(\.image) == ["a", "b", "a"])
    #expect(groups.map { $0.questions.map(\.question) } == [["1", "2"], ["3"], ["4"]])
  }

  static let malformed: [(String, String)] = [
    ("{", "a JSON object; "), ("{\"image\": \"a\", \"image\": \"b\"}", "a JSON object; "),
    ("[]", "the texts “image”, “question” and “answer”"),
    ("3", "the texts “image”, “question” and “answer”"),
    (#"{"image": "a", "question": "q"}"#, "the texts “image”, “question” and “answer”"),
    (
      #"{"image": "a", "question": 1, "answer": "x"}"#,
      "the texts “image”, “question” and “answer”"
    ),
    (
      #"{"image": null, "question": "q", "answer": "x"}"#,
      "the texts “image”, “question” and “answer”"
    ),
  ]

  @Test(arguments: malformed)
  func `a line that is no question is named`(bad: String, expected: String) throws {
    let path = directory.file("set.jsonl")
    do {
      _ = try read(line("a", "1") + "\n\n" + bad)
      Issue.record("nothing was refused")
    } catch ModelError.malformedQuestions(let file, let line, let reason) {
      #expect(file == path && line == 3)
      #expect(reason.hasPrefix(expected))
    }
  }

  @Test func `a file that is not there is named`() {
    let path = directory.file("none.jsonl")
    #expect(throws: FormatError.self) { try QuestionSet(path: path) }
  }
}
