import Dispatch
import Synchronization

/// Does two things at the same time if there are two threads or more, else one after the other.
///
/// - Throws: the error of `first`, or else that of `second`.
func concurrently<First: Sendable, Second: Sendable>(
  threads: Int, _ first: @Sendable () throws -> First, _ second: @Sendable () throws -> Second
) throws -> (First, Second) {
  guard threads > 1 else { return (try first(), try second()) }
  let results = Mutex<(Result<First, any Error>?, Result<Second, any Error>?)>((nil, nil))
  DispatchQueue.concurrentPerform(iterations: 2) { index in
    if index == 0 {
      let result = Result(catching: first)
      results.withLock { $0.0 = result }
    } else {
      let result = Result(catching: second)
      results.withLock { $0.1 = result }
    }
  }
  let (one, other) = results.withLock { $0 }
  return (try (one ?? Result(catching: first)).get(), try (other ?? Result(catching: second)).get())
}
