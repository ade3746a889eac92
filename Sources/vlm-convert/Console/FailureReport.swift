import ArgumentParser
import Convert
import Format
import Foundation
import Quant

/// Runs the work of a command; a failure becomes one sentence on standard error and an exit code.
///
/// - Parameter runsModels: whether the command may execute a model, whose speed then matters.
func reportingFailures(runsModels: Bool = false, _ body: () throws -> Void) throws {
  if runsModels { noteInheritedCore() }
  do {
    try body()
  } catch let failure as any DescribedFailure {
    try report(failure.description + (remedy(for: failure) ?? ""), failure.kind)
  } catch let failure as QuantError {
    try report(failure.description, .badInput)
  }
}

/// OpenBLAS obeys the variable when it is loaded, before any of our code could remove it.
private func noteInheritedCore() {
  let name = "OPENBLAS_CORETYPE"
  guard let core = ProcessInfo.processInfo.environment[name] else { return }
  Console.note(
    "\(name)=\(core) is inherited; it can halve the speed of float products; unset it")
}

private func report(_ sentence: String, _ kind: FailureKind) throws {
  Console.error("vlm-convert: \(sentence.printable)")
  throw ExitCode(kind.rawValue)
}

/// What the person at the command line can do about it, where the error alone does not say.
private func remedy(for failure: any DescribedFailure) -> String? {
  switch failure {
  case FormatError.outputExists: "; --force replaces it"
  case ConvertError.uncoveredTensor: "; give --quantize, or “base: q4” in the recipe"
  case FormatError.notPack: "; expected a pack or a checkpoint directory"
  case FormatError.unsupportedVersion: "; a newer version of this program may know it"
  case FormatError.hashMismatch, FormatError.undecodable:
    "; the file is damaged, get or make it anew"
  default: nil
  }
}
