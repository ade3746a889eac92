import Foundation
import Testing

/// Help texts, word for word. `UPDATE_SNAPSHOTS=1 swift test --filter HelpTests` writes them anew.
@Suite struct HelpTests {
  private static let directory = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().appendingPathComponent("Snapshots")

  @Test(arguments: [
    "", "convert", "inspect", "verify", "evaluate", "generate", "benchmark", "forward", "unpack",
    "sweep",
  ])
  func `is as recorded`(command: String) throws {
    let outcome = try Program.shell("exec \"$PROGRAM\" \(command) --help", in: Workplace())
    outcome.expectSuccess()
    let name = command.isEmpty ? "help.txt" : "help-\(command).txt"
    let snapshot = Self.directory.appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["UPDATE_SNAPSHOTS"] != nil {
      try outcome.output.write(to: snapshot, atomically: true, encoding: .utf8)
    }
    #expect(try outcome.output == String(contentsOf: snapshot, encoding: .utf8))
  }

  @Test func `fits a terminal of 80 columns, usage lines apart`() throws {
    for file in try FileManager.default.contentsOfDirectory(atPath: Self.directory.path) {
      let text = try String(
        contentsOf: Self.directory.appendingPathComponent(file), encoding: .utf8)
      for line in text.split(separator: "\n") where !line.hasPrefix("USAGE: ") {
        #expect(line.count <= 80, "\(file): \(line)")
      }
    }
  }
}
