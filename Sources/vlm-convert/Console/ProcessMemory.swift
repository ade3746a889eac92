import Foundation

/// The memory of this process.
enum ProcessMemory {
  /// The largest resident size so far, in bytes.
  static var peak: Int {
    var usage = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }
}
