import Foundation

/// The memory that a process occupies, as Linux counts it; mapped files count once they were read.
public struct ResidentMemory: Sendable, Equatable {
  /// Bytes now.
  public let current: Int
  /// The most so far, or since `forgetPeak`.
  public let peak: Int

  /// The memory of this process; zeros where the system does not tell.
  public static var now: ResidentMemory {
    let pages = text("statm").split(separator: " ").dropFirst().first.flatMap { Int($0) }
    let peak = text("status").split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let words = peak?.split(whereSeparator: \.isWhitespace) ?? []
    let kilobytes = words.dropFirst().first.flatMap { Int($0) }
    return ResidentMemory(
      current: (pages ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))), peak: (kilobytes ?? 0) * 1024)
  }

  /// Lets the peak start again from what is occupied now, where the system allows that.
  static func forgetPeak() {
    guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
    try? file.write(contentsOf: Data("5".utf8))
    try? file.close()
  }

  private static func text(_ name: String) -> String {
    (try? String(contentsOfFile: "/proc/self/\(name)", encoding: .utf8)) ?? ""
  }
}
