import Foundation
import Runtime
import Synchronization

/// A line on standard error that tells how far long work has come; only on a terminal and only after a second.
final class ProgressBar: Sendable {
  private struct State {
    let start = ContinuousClock.now
    var lastDrawn = ContinuousClock.now
    var isVisible = false
  }

  private let title: String
  private let unit: String
  private let state = Mutex(State())

  /// A bar that names its work and the unit of its rate.
  init(_ title: String, unit: String) {
    self.title = title
    self.unit = unit
  }

  /// Draws the bar anew, at most ten times a second.
  func update(_ done: Int, _ total: Int) {
    guard Console.isTerminal else { return }
    state.withLock { state in
      let now = ContinuousClock.now
      let elapsed = (now - state.start).inSeconds
      guard elapsed > 1, (now - state.lastDrawn).inSeconds > 0.1 else { return }
      state.lastDrawn = now
      state.isVisible = true
      Console.error("\r" + Self.line(title, unit, done, total, elapsed), terminator: "\u{1B}[K")
    }
  }

  /// Removes the bar.
  func finish() {
    state.withLock { state in
      guard state.isVisible else { return }
      Console.error("\r", terminator: "\u{1B}[K")
      state.isVisible = false
    }
  }

  private static func line(
    _ title: String, _ unit: String, _ done: Int, _ total: Int, _ elapsed: Double
  ) -> String {
    let share = Double(done) / Double(max(1, total))
    let width = 24
    let filled = Int(share * Double(width))
    let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled)
    let rate = Double(done) / elapsed
    let rest = rate > 0 ? Double(total - done) / rate : 0
    let speed = "\(Quantity.count(Int(rate))) \(unit)/s"
    return "\(title) \(bar) \(Int(share * 100)) %  \(speed)  ETA \(Quantity.time(rest))"
  }
}
