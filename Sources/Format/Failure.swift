/// What sort of thing went wrong, as far as a caller of the program can react to it.
///
/// The raw values are the exit codes of the command line, taken from BSD's `sysexits.h` where it has one.
public enum FailureKind: Int32, Sendable {
  /// The command line or a recipe asks for something that does not exist or does not fit together.
  case usage = 64
  /// An input file breaks its format or contradicts another one.
  case badInput = 65
  /// An input file or a part of it does not exist or cannot be opened.
  case missingInput = 66
  /// An input is larger than what this program accepts.
  case limitExceeded = 69
  /// The output exists already or cannot be created.
  case cannotCreate = 73
  /// Reading or writing failed half-way, for example because the device is full.
  case inputOutput = 74
  /// The model is worse than `--require` allows.
  case qualityGate = 76
  /// A file does not agree with its own checksums.
  case verification = 77
}

/// An error that can explain itself to a person in one sentence and knows how the program should exit.
public protocol DescribedFailure: Error, CustomStringConvertible {
  /// What sort of failure this is.
  var kind: FailureKind { get }
}
