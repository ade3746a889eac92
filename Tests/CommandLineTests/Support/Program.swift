import Foundation

/// The built program, which lies beside the test bundle.
enum Program {
  /// What a run left.
  struct Outcome {
    /// The exit code; after a signal 128 and the signal's number, as in a shell.
    let status: Int32
    let output: String
    let error: String
  }

  static let path: String = {
    let bundle = URL(fileURLWithPath: CommandLine.arguments.first ?? "").deletingLastPathComponent()
    return bundle.appendingPathComponent("vlm-convert").path
  }()

  /// Runs the program in a workplace and waits for its end.
  static func run(_ arguments: String..., in workplace: Workplace) throws -> Outcome {
    try Run(path, arguments, in: workplace).outcome()
  }

  /// Runs a line of shell, in which `$PROGRAM` is the program.
  static func shell(_ line: String, in workplace: Workplace) throws -> Outcome {
    try Run("/bin/sh", ["-c", line], in: workplace).outcome()
  }

  /// Starts the program without waiting.
  static func start(_ arguments: String..., in workplace: Workplace) throws -> Run {
    try Run(path, arguments, in: workplace)
  }
}

/// A process of a test.
///
/// Foundation's `Process` is not used: many of them at a time lose each other's ends.
struct Run {
  private static let shell = "/bin/sh"

  let identifier: pid_t
  private let output: Stream
  private let error: Stream

  init(_ executable: String, _ arguments: [String], in workplace: Workplace) throws {
    output = try Stream()
    error = try Stream()
    // A shell changes the directory and then becomes the program, with the same identifier.
    identifier = try Self.spawn(
      [Self.shell, "-c", "cd \"$0\" && exec \"$@\"", workplace.directory.path, executable]
        + arguments, descriptors: [output.descriptor, error.descriptor])
  }

  /// Whether the process has not ended yet.
  var isRunning: Bool {
    var information = siginfo_t()
    let isKnown = waitid(P_PID, id_t(identifier), &information, WEXITED | WNOHANG | WNOWAIT) == 0
    return isKnown && information.si_signo == 0
  }

  /// Waits for the end. May be called once.
  func outcome() throws -> Program.Outcome {
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0 {
      guard errno == EINTR else { throw SpawnFailure(code: errno) }
    }
    let signal = status & 0x7F
    return Program.Outcome(
      status: signal == 0 ? status >> 8 & 0xFF : 128 + signal,
      output: try output.text(), error: try error.text())
  }

  private static func spawn(_ arguments: [String], descriptors: [Int32]) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    for (target, descriptor) in zip([STDOUT_FILENO, STDERR_FILENO], descriptors) {
      posix_spawn_file_actions_adddup2(&actions, descriptor, target)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    resetSignals(&attributes)
    var identifier: pid_t = 0
    let code = withStrings(arguments) { arguments in
      withStrings(environment) { environment in
        posix_spawn(&identifier, shell, &actions, &attributes, arguments, environment)
      }
    }
    guard code == 0 else { throw SpawnFailure(code: code) }
    return identifier
  }

  /// Signals act as usual, whatever the caller of the tests ignores.
  private static func resetSignals(_ attributes: inout posix_spawnattr_t) {
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGXFSZ] { sigaddset(&signals, number) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
  }

  private static var environment: [String] {
    var variables = ProcessInfo.processInfo.environment
    // The width of help texts follows it.
    variables["COLUMNS"] = nil
    variables["PROGRAM"] = Program.path
    return variables.map { "\($0)=\($1)" }
  }

  /// Calls `body` with C strings that end with a null pointer.
  private static func withStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let pointers = strings.map { strdup($0) }
    defer { pointers.forEach { free($0) } }
    return body(pointers + [nil])
  }
}

/// Why a process could not be started or awaited.
struct SpawnFailure: Error {
  let code: Int32
}

/// What a process writes, in a file without a name: a program that writes much need not wait for its
/// reader.
private final class Stream {
  private let handle: FileHandle

  var descriptor: Int32 { handle.fileDescriptor }

  init() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("vlm-convert-test-\(UUID().uuidString)")
    try Data().write(to: path)
    handle = try FileHandle(forUpdating: path)
    try FileManager.default.removeItem(at: path)
  }

  func text() throws -> String {
    try handle.seek(toOffset: 0)
    return String(decoding: try handle.readToEnd() ?? Data(), as: UTF8.self)
  }
}
