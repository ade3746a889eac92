import Format
import Foundation
import Glibc

/// Standard output and standard error.
enum Console {
  /// Writes a line to standard output.
  ///
  /// If that fails, for example because the device is full, the program ends: there is nobody left to
  /// tell a result to. By then every output file has its name or does not exist yet.
  static func print(_ line: String, terminator: String = "\n") {
    guard write(line + terminator, to: STDOUT_FILENO) else {
      let reason = unsafe String(cString: strerror(errno))
      error("vlm-convert: writing to standard output failed: \(reason)")
      exit(FailureKind.inputOutput.rawValue)
    }
  }

  /// Writes a piece of a model's text to standard output, unchanged unless a terminal reads it.
  static func stream(_ text: String) {
    print(isatty(STDOUT_FILENO) == 1 ? text.printable : text, terminator: "")
  }

  /// Writes a line to standard error.
  static func error(_ line: String, terminator: String = "\n") {
    _ = write(line + terminator, to: STDERR_FILENO)
  }

  /// Writes a note to standard error.
  static func note(_ text: String) { error("note: \(text.printable)") }

  /// Whether a person watches standard error.
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// Whether text on standard output may be coloured (see no-color.org).
  static var hasColor: Bool {
    isatty(STDOUT_FILENO) == 1
      && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
  }

  /// Text in bold on a terminal.
  static func bold(_ text: String) -> String {
    hasColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text
  }

  private static func write(_ text: String, to descriptor: Int32) -> Bool {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { bytes in
        unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
      }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }
}

extension String {
  /// The text with control characters escaped, except line ends and tabs: names in files come from
  /// strangers, and a terminal obeys some of these characters.
  var printable: String {
    var result = ""
    for scalar in unicodeScalars {
      let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
      let isLayout = scalar == "\n" || scalar == "\t"
      result += isControl && !isLayout ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return result
  }
}
