import CKernels
import Synchronization
import Testing

/// Counts how often each index was run.
private final class Tally: Sendable {
  let counts: Mutex<[Int]>

  init(_ count: Int) { counts = Mutex([Int](repeating: 0, count: count)) }

  func run(on pool: OpaquePointer, count: Int) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    vk_pool_run(
      pool, count,
      { context, index in
        guard let context else { return }
        let tally = Unmanaged<Tally>.fromOpaque(context).takeUnretainedValue()
        tally.counts.withLock { $0[index] += 1 }
      }, context)
  }
}

@Suite struct PoolTests {
  @Test(arguments: [1, 2, 4])
  func `every index runs once in each of many small loops`(threads: Int) throws {
    let pool = try #require(vk_pool_create(threads))
    defer { vk_pool_destroy(pool) }
    #expect(vk_pool_threads(pool) == threads)
    for count in [0, 1, 2, 7, 64, 1000] {
      let tally = Tally(count)
      for _ in 0..<200 { tally.run(on: pool, count: count) }
      #expect(tally.counts.withLock { $0 } == [Int](repeating: 200, count: count))
    }
  }

  @Test func `a pool of no threads is the caller alone`() throws {
    let pool = try #require(vk_pool_create(0))
    defer { vk_pool_destroy(pool) }
    #expect(vk_pool_threads(pool) == 1)
    let tally = Tally(3)
    tally.run(on: pool, count: 3)
    #expect(tally.counts.withLock { $0 } == [1, 1, 1])
  }

  @Test func `threads that fell asleep wake for the next loop`() async throws {
    let pool = try #require(vk_pool_create(3))
    defer { vk_pool_destroy(pool) }
    let tally = Tally(16)
    for _ in 0..<20 {
      try await Task.sleep(for: .milliseconds(3))
      tally.run(on: pool, count: 16)
    }
    #expect(tally.counts.withLock { $0 } == [Int](repeating: 20, count: 16))
  }

  @Test(arguments: [1, 2, 4])
  func `concurrent callers wait for one another`(threads: Int) async throws {
    struct Shared: @unchecked Sendable { let pool: OpaquePointer }
    let shared = Shared(pool: try #require(vk_pool_create(threads)))
    defer { vk_pool_destroy(shared.pool) }
    let tallies = (0..<4).map { Tally(5 + $0) }
    await withTaskGroup(of: Void.self) { group in
      for (number, tally) in tallies.enumerated() {
        group.addTask { for _ in 0..<300 { tally.run(on: shared.pool, count: 5 + number) } }
      }
    }
    for (number, tally) in tallies.enumerated() {
      #expect(tally.counts.withLock { $0 } == [Int](repeating: 300, count: 5 + number))
    }
  }
}
