import Format

/// Questions about images: one JSON object a line with `image` (a path relative to the file), `question`, `answer`
/// and optionally `kind`.
public struct QuestionSet: Sendable {
  /// One question.
  public struct Question: Sendable, Equatable {
    /// Path of the image, relative to the file of the set.
    public let image: String
    /// What is asked.
    public let question: String
    /// The expected answer.
    public let answer: String
    /// A label under which accuracy is reported too.
    public let kind: String?
  }

  /// The directory that image paths start from.
  public let directory: String
  /// All questions, in the order of the file.
  public let questions: [Question]

  /// Reads a question set.
  public init(path: String, limit: Int? = nil) throws {
    let file = try MappedFile(path: path)
    directory =
      path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
    var questions = [Question]()
    let lines = try file.bytes(0..<file.count)
      .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D }) {
      if let limit, questions.count >= limit { break }
      questions.append(try Self.question(Array(line), file: path, line: index + 1))
    }
    self.questions = questions
  }

  private static func question(
    _ bytes: [UInt8], file: String, line: Int
  ) throws(ModelError) -> Question {
    let members: JSON
    do {
      members = try JSON(parsing: bytes)
    } catch {
      throw .malformedQuestions(file: file, line: line, expected: "a JSON object; \(error)")
    }
    guard let image = members["image"]?.stringValue,
      let question = members["question"]?.stringValue,
      let answer = members["answer"]?.stringValue
    else {
      throw .malformedQuestions(
        file: file, line: line, expected: "the texts “image”, “question” and “answer”")
    }
    return Question(
      image: image, question: question, answer: answer, kind: members["kind"]?.stringValue)
  }

  /// Questions that follow each other and ask about the same image.
  package var byImage: [(image: String, questions: [Question])] {
    var groups = [(image: String, questions: [Question])]()
    for question in questions {
      if groups.last?.image == question.image {
        groups[groups.count - 1].questions.append(question)
      } else {
        groups.append((question.image, [question]))
      }
    }
    return groups
  }

  /// The path of an image.
  package func path(of image: String) -> String { directory + "/" + image }
}
