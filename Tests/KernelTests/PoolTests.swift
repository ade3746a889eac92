import CKernels
import Testing

/// Counts how often each index was run, in plain memory: the pool alone keeps its threads apart.
private struct Tally: @unchecked Sendable {
  private let memory: UnsafeMutableBufferPointer<Int>

  init(_ count: Int) {
    memory = .allocate(capacity: max(count, 1))
    memory.initialize(repeating: 0)
  }

  func run(on pool: OpaquePointer, count: Int) {
    vk_pool_run(
      pool, count, { context, index in context?.assumingMemoryBound(to: Int.self)[index] += 1 },
      memory.baseAddress)
  }

  /// The counts; the memory is given back.
  func finish(_ count: Int) -> [Int] {
    defer { memory.deallocate() }
    return Array(memory.prefix(count))
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
      #expect(tally.finish(count) == [Int](repeating: 200, count: count))
    }
  }

  @Test func `a pool of no threads is the caller alone`() throws {
    let pool = try #require(vk_pool_create(0))
    defer { vk_pool_destroy(pool) }
    #expect(vk_pool_threads(pool) == 1)
    let tally = Tally(3)
    tally.run(on: pool, count: 3)
    #expect(tally.finish(3) == [1, 1, 1])
  }

  @Test func `threads that fell asleep wake for the next loop`() async throws {
    let pool = try #require(vk_pool_create(3))
    defer { vk_pool_destroy(pool) }
    let tally = Tally(16)
    for _ in 0..<20 {
      try await Task.sleep(for: .milliseconds(3))
      tally.run(on: pool, count: 16)
    }
    #expect(tally.finish(16) == [Int](repeating: 20, count: 16))
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
      #expect(tally.finish(5 + number) == [Int](repeating: 300, count: 5 + number))
    }
  }
}
