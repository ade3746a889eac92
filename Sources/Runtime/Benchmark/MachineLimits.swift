import CKernels
import Foundation
public import Quant

/// What a machine can do at most on a number of threads, to hold the speed of a model against.
///
/// Decoding reads every weight for each token, so it is bound by the memory; long prompts and images use a
/// weight many times and are bound by the arithmetic. Other work on the same machine lowers these
/// limits like any other figure; they are worth comparing only with what is measured in the same minute.
public struct MachineLimits: Sendable, Equatable {
  /// Bytes a second that all threads together read from memory; nothing if there is no room for the
  /// measurement.
  public let bandwidth: Double?
  /// Operations a second of the best instruction for products of bytes, on all threads; a product and its
  /// addition are two operations.
  public let byteOperations: Double

  /// The instruction set of the kernels that models run on.
  public static var kernels: String {
    unsafe vk_instruction_set().map { unsafe String(cString: $0) } ?? "unknown"
  }

  /// Measures a machine; takes about a second.
  public static func measure(threads: ThreadPool) -> MachineLimits {
    MachineLimits(
      bandwidth: ReadBuffer().map { $0.bandwidth(threads) },
      byteOperations: byteOperations(threads))
  }

  /// Parts of a pass for each thread; a thread that is interrupted then holds up little.
  private static let partsPerThread = 8
  fileprivate static let passes = 5

  private static func byteOperations(_ threads: ThreadPool) -> Double {
    let rounds = roundsOfOneMillisecond()
    let parts = threads.threads * partsPerThread
    let seconds = fastest(of: passes) { threads.run(parts) { _ in _ = vk_byte_dot_pass(rounds) } }
    return 2 * Double(vk_byte_dot_products()) * Double(rounds) * Double(parts) / seconds
  }

  private static func roundsOfOneMillisecond() -> Int {
    var rounds = 1 << 8
    while rounds < 1 << 40, seconds({ _ = vk_byte_dot_pass(rounds) }) < 1e-3 { rounds *= 2 }
    return rounds
  }
}

/// Memory that no cache holds.
@safe private final class ReadBuffer {
  private static let part = 1 << 22
  private let start: UnsafeMutableRawPointer
  private let byteCount: Int

  /// Nothing if the system refuses so much memory.
  init?() {
    // Virtual machines may state a cache that they share with strangers.
    let cache = max(0, sysconf(Int32(_SC_LEVEL3_CACHE_SIZE)))
    byteCount = min(max(1 << 29, 2 * cache), 1 << 31) / Self.part * Self.part
    var memory: UnsafeMutableRawPointer?
    guard unsafe posix_memalign(&memory, Self.part, byteCount) == 0, let memory = unsafe memory
    else { return nil }
    unsafe start = memory
    // With small pages some of the time goes into finding them.
    unsafe madvise(start, byteCount, MADV_HUGEPAGE)
    // Pages that were never written to are all the same one.
    unsafe start.initializeMemory(as: UInt8.self, repeating: 1, count: byteCount)
  }

  deinit { unsafe free(start) }

  /// Bytes a second in the fastest pass.
  func bandwidth(_ threads: ThreadPool) -> Double {
    let parts = byteCount / Self.part
    let seconds = fastest(of: MachineLimits.passes) {
      threads.run(parts) { _ = unsafe vk_read_pass(start + $0 * Self.part, Self.part) }
    }
    return Double(byteCount) / seconds
  }
}

/// Seconds of the fastest of some runs.
private func fastest(of runs: Int, _ body: () -> Void) -> Double {
  (0..<runs).map { _ in seconds(body) }.min() ?? .infinity
}

/// Seconds that some work takes, at least a nanosecond.
func seconds(_ body: () throws -> Void) rethrows -> Double {
  let start = ContinuousClock.now
  try body()
  return max(1e-9, (ContinuousClock.now - start).inSeconds)
}

extension Duration {
  /// The duration in seconds.
  public var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
