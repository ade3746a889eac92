import Format
import Foundation
import Synchronization

/// What happens when a person or the system stops the program: nothing half-made stays behind.
///
/// Unfinished outputs are removed, then the signal takes its usual course, so that a shell sees that
/// the program was stopped.
enum Interruption {
  private static let directories = Mutex([String]())

  /// Carries the numbers of signals from their handler, which may do next to nothing, to a thread,
  /// which may do everything. Signals cannot be blocked and awaited instead: libraries start threads
  /// before this program begins.
  private static let messages = Pipe()
  private static let inlet = messages.fileHandleForWriting.fileDescriptor

  /// Listens from now on. A signal that the caller of the program ignores, as `nohup` does, stays
  /// ignored.
  static func prepare() {
    // Without this a limit on the size of files ends the program instead of failing a write.
    _ = signal(SIGXFSZ, SIG_IGN)
    guard inlet >= 0 else { return }
    Thread.detachNewThread {
      let bytes = messages.fileHandleForReading.readData(ofLength: 1)
      if let number = bytes.first { stop(Int32(number)) }
    }
    for number in [SIGINT, SIGTERM, SIGHUP] where !isIgnored(number) {
      _ = signal(number) { number in
        var byte = UInt8(truncatingIfNeeded: number)
        unsafe write(Interruption.inlet, &byte, 1)
      }
    }
  }

  /// Runs work that fills a new directory; if it fails or is stopped, the directory is removed.
  static func creatingDirectory(_ path: String, _ body: () throws -> Void) throws {
    directories.withLock { $0.append(path) }
    defer { directories.withLock { _ = $0.popLast() } }
    do {
      try body()
    } catch {
      try? FileManager.default.removeItem(atPath: path)
      throw error
    }
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard unsafe sigaction(number, nil, &action) == 0 else { return false }
    // Function pointers cannot be compared; ignoring is the constant 1.
    return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  private static func stop(_ number: Int32) {
    removeUnfinishedFiles()
    for path in directories.withLock({ $0 }) {
      try? FileManager.default.removeItem(atPath: path)
    }
    if Console.isTerminal { Console.error("\r\u{1B}[K", terminator: "") }
    _ = signal(number, SIG_DFL)
    raise(number)
  }

  /// Removes the outputs that this process has open under their temporary names.
  private static func removeUnfinishedFiles() {
    let descriptors = "/proc/self/fd"
    for number in (try? FileManager.default.contentsOfDirectory(atPath: descriptors)) ?? [] {
      let path = try? FileManager.default.destinationOfSymbolicLink(
        atPath: "\(descriptors)/\(number)")
      guard let path, FileSystem.name(of: path).hasPrefix(".unfinished-") else { continue }
      try? FileManager.default.removeItem(atPath: path)
    }
  }
}
