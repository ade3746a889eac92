import ArgumentParser
import Format

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every block of a pack against its hash; exit code 77 says that it is broken.")

  @Argument(help: "The pack.")
  var pack: String

  @OptionGroup var format: OutputOptions

  func run() throws {
    try reportingFailures {
      let reader = try open()
      let faults = try check(reader)
      if format.json {
        Console.print(document(reader, faults).prettyText)
      } else {
        faults.forEach { Console.print("\(pack): \($0)".printable) }
        if faults.isEmpty {
          Console.print(
            "\(pack): \(Quantity.bytes(reader.byteCount)) verified, model id \(reader.modelID)")
        }
      }
      guard faults.isEmpty else { throw ExitCode(FailureKind.verification.rawValue) }
    }
  }

  /// A file of another kind or version is bad input; a pack whose preamble or index is damaged is a
  /// pack that does not verify.
  private func open() throws -> PackReader {
    do {
      return try PackReader(path: pack)
    } catch {
      guard error.isDamage else { throw error }
      Console.error("vlm-convert: \(error.description)")
      if format.json {
        Console.print(
          JSON.dictionary(["ok": .bool(false), "problem": .string(error.description)]).prettyText)
      }
      throw ExitCode(FailureKind.verification.rawValue)
    }
  }

  private func check(_ reader: PackReader) throws -> [PackFault] {
    let bar = ProgressBar("verifying", unit: "blocks")
    defer { bar.finish() }
    return try reader.verify(progress: bar.update)
  }

  private func document(_ reader: PackReader, _ faults: [PackFault]) -> JSON {
    .dictionary([
      "model_id": .string(reader.modelID),
      "bytes": .integer(Int64(reader.byteCount)),
      "ok": .bool(faults.isEmpty),
      "faults": .array(
        faults.map { fault in
          .dictionary([
            "block": .integer(Int64(fault.block)), "owner": .string(fault.owner),
            "problem": .string(fault.problem.rawValue),
            "first_byte": .integer(Int64(fault.bytes.lowerBound)),
            "end_byte": .integer(Int64(fault.bytes.upperBound)),
          ])
        }),
    ])
  }
}

extension FormatError {
  /// Whether the file is a pack of a version that this program knows, but not an intact one.
  fileprivate var isDamage: Bool {
    switch self {
    case .notPack, .unsupportedVersion: false
    default: kind == .badInput || kind == .verification
    }
  }
}
