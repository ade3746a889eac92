import Synchronization

/// Tells how far long work has come.
public typealias ProgressReport = @Sendable (_ done: Int, _ total: Int) -> Void

extension ThreadPool {
  /// Applies `body` to 0..<count on all threads; results come back in order, the first error is thrown.
  public func map<Result: Sendable>(
    _ count: Int, progress: ProgressReport = { _, _ in },
    _ body: @Sendable (Int) throws -> Result
  ) throws -> [Result] {
    let results = Mutex([Int: Swift.Result<Result, any Error>]())
    run(count) { index in
      let result = Swift.Result { try body(index) }
      let done = results.withLock {
        $0[index] = result
        return $0.count
      }
      progress(done, count)
    }
    let all = results.withLock { $0 }
    return try (0..<count).compactMap { try all[$0]?.get() }
  }

  /// Applies `body` to 0..<count on all threads; results come back in order.
  func map<Result: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Result) -> [Result] {
    let results = Mutex([Int: Result]())
    run(count) { index in
      let result = body(index)
      results.withLock { $0[index] = result }
    }
    let all = results.withLock { $0 }
    return (0..<count).compactMap { all[$0] }
  }
}
