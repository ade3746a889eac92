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
      let reader = try PackReader(path: pack)
      let bar = ProgressBar("verifying", unit: "blocks")
      let faults = try reader.verify(progress: bar.update)
      bar.finish()
      if format.json {
        Console.print(document(reader, faults).prettyText)
      } else {
        faults.forEach { Console.print("\(pack): \($0)") }
        if faults.isEmpty {
          Console.print("\(pack): \(Quantity.bytes(reader.byteCount)) verified, model id \(reader.modelID)")
        }
      }
      guard faults.isEmpty else { throw ExitCode(FailureKind.verification.rawValue) }
    }
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
