import ArgumentParser
import Format
import Quant

/// Runs the work of a command; a failure becomes one sentence on standard error and an exit code.
func reportingFailures(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let failure as any DescribedFailure {
    Console.error("vlm-convert: \(failure.description)")
    throw ExitCode(failure.kind.rawValue)
  } catch let failure as QuantError {
    Console.error("vlm-convert: \(failure.description)")
    throw ExitCode(FailureKind.badInput.rawValue)
  }
}
