import Quant

/// A range cut into parts of one size, the last of which may be short.
struct Parts {
  private let total: Int
  private let size: Int

  init(_ total: Int, size: Int) {
    self.total = total
    self.size = size
  }

  var count: Int { (total + size - 1) / size }

  subscript(index: Int) -> Range<Int> { index * size..<min((index + 1) * size, total) }
}

extension ThreadPool {
  /// Below that a second thread comes too late.
  private static let operationsWorthSharing = 1 << 17

  /// Runs `body` for 0..<count, on the calling thread alone if `operations` are too few to share.
  func run(sharing operations: Int, _ count: Int, _ body: (Int) -> Void) {
    guard operations > Self.operationsWorthSharing else {
      for index in 0..<count { body(index) }
      return
    }
    run(count, body)
  }
}
