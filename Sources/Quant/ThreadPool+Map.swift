import Synchronization

/// Tells how far long work has come.
public typealias ProgressReport = @Sendable (_ done: Int, _ total: Int) -> Void

extension ThreadPool {
  /// Applies `body` to 0..<count on all threads; results come back in order, the first error is thrown.
  public func map<Result: Sendable, Failure: Error>(
    _ count: Int, progress: ProgressReport = { _, _ in },
    _ body: @Sendable (Int) throws(Failure) -> Result
  ) throws(Failure) -> [Result] {
    let results = Mutex([Int: Swift.Result<Result, Failure>]())
    run(count) { index in
      let result = Swift.Result { () throws(Failure) in try body(index) }
      let done = results.withLock {
        $0[index] = result
        return $0.count
      }
      progress(done, count)
    }
    let all = results.withLock { $0 }
    var ordered = [Result]()
    ordered.reserveCapacity(count)
    for index in 0..<count {
      if let result = all[index] { ordered.append(try result.get()) }
    }
    return ordered
  }
}
