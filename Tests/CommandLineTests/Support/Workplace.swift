import Foundation
import Testing

/// A directory of one test, removed with it. Runs start in it, so that paths in messages are short.
final class Workplace {
  let directory: URL

  init() throws {
    directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("vlm-convert-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  /// Everything in it, hidden files included, in order.
  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() }
  }

  func url(_ name: String) -> URL { directory.appendingPathComponent(name) }

  func path(_ name: String) -> String { url(name).path }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: url(name))) }

  func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

  func write(_ bytes: [UInt8], to name: String) throws { try Data(bytes).write(to: url(name)) }

  func remove(_ name: String) throws { try FileManager.default.removeItem(at: url(name)) }

  func createDirectory(_ name: String) throws {
    try FileManager.default.createDirectory(at: url(name), withIntermediateDirectories: true)
  }
}

/// The committed fixtures.
enum Fixtures {
  static let directory = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures")

  static func image(_ name: String) -> String {
    directory.appendingPathComponent("images/\(name)").path
  }

  static func model(_ name: String) -> URL { directory.appendingPathComponent("models/\(name)") }

  /// A file or folder of the trained models that the package brings.
  static func trained(_ name: String) -> String {
    directory.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Models/\(name)").path
  }
}

extension Program.Outcome {
  /// Expects success without a word on standard error, apart from notes.
  func expectSuccess(_ location: SourceLocation = #_sourceLocation) {
    #expect(status == 0, "\(error)", sourceLocation: location)
    let complaints = error.split(separator: "\n").filter { !$0.hasPrefix("note: ") }
    #expect(complaints.isEmpty, sourceLocation: location)
  }

  /// Expects an exit code, a message that contains some texts, and nothing on standard output.
  func expectFailure(
    _ expected: Int32, _ texts: String..., location: SourceLocation = #_sourceLocation
  ) {
    #expect(status == expected, "\(error)", sourceLocation: location)
    #expect(output == "", sourceLocation: location)
    let message = error.split(separator: "\n").filter { !$0.hasPrefix("note: ") }
      .joined(separator: "\n")
    for text in texts {
      #expect(message.contains(text), "\(message)", sourceLocation: location)
    }
  }
}
