import Quant
import Synchronization

/// What a reference model makes of windows of text, kept so that several models can be compared with it while it reads
/// each window once.
///
/// Final hidden states are kept, not predictions: these would take as many numbers as the vocabulary has tokens. For one
/// reference model only.
public final class ReferenceStates: Sendable {
  private struct Kept {
    var states = [[Int]: Matrix]()
    var bytes = 0
  }

  private let limit: Int
  private let kept = Mutex(Kept())

  /// Keeps nothing yet.
  ///
  /// - Parameter limit: bytes that are kept at most; windows beyond that are read anew each time.
  public init(limit: Int = 1 << 30) { self.limit = limit }

  /// The final hidden states of a window: `[ids, width]`.
  ///
  /// - Parameter compute: gives them where they are not kept; depends on the ids alone.
  func hidden(_ ids: [Int], _ compute: () throws -> Matrix) rethrows -> Matrix {
    if let states = kept.withLock({ $0.states[ids] }) { return states }
    let states = try compute()
    let bytes = states.values.count * MemoryLayout<Float>.size
    kept.withLock { kept in
      guard kept.bytes + bytes <= limit, kept.states[ids] == nil else { return }
      kept.states[ids] = states
      kept.bytes += bytes
    }
    return states
  }
}
