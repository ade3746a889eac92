import CKernels

/// A fixed set of threads that share the iterations of a loop.
///
/// Iterations must be independent of each other; then results do not depend on the number of threads.
@safe public final class ThreadPool: @unchecked Sendable {
  private let pool: OpaquePointer?

  /// Threads that work, the caller included.
  public let threads: Int

  /// Starts the threads.
  public init(threads: Int) {
    self.threads = max(1, threads)
    unsafe pool = vk_pool_create(self.threads)
  }

  deinit {
    if let pool = unsafe pool { unsafe vk_pool_destroy(pool) }
  }

  /// Runs `body` for 0..<count, on all threads, and returns when all are done.
  public func run(_ count: Int, _ body: (Int) -> Void) {
    guard count > 1, threads > 1, let pool = unsafe pool else {
      for index in 0..<count { body(index) }
      return
    }
    withoutActuallyEscaping(body) { escaping in
      var iteration = Iteration(body: escaping)
      unsafe withUnsafeMutablePointer(to: &iteration) { context in
        unsafe vk_pool_run(pool, count, runIteration, context)
      }
    }
  }
}

private struct Iteration {
  let body: (Int) -> Void
}

/// A free function: closures written in isolated code may not be called from foreign threads.
private func runIteration(context: UnsafeMutableRawPointer?, index: Int) {
  guard let context = unsafe context else { return }
  unsafe context.assumingMemoryBound(to: Iteration.self).pointee.body(index)
}
