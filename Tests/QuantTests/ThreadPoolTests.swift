import Foundation
import Quant
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
  struct Refusal: Error, Equatable { let index: Int }

  @Test(arguments: [-1, 0, 1, 2, 3, 8], [0, 1, 2, 7, 1000])
  func `every iteration runs once`(threads: Int, count: Int) {
    let runs = Mutex([Int](repeating: 0, count: count))
    ThreadPool(threads: threads).run(count) { index in runs.withLock { $0[index] += 1 } }
    #expect(runs.withLock { $0 } == [Int](repeating: 1, count: count))
  }

  @Test(arguments: [(-3, 1), (0, 1), (1, 1), (3, 3)])
  func `there is at least one thread`(asked: Int, given: Int) {
    #expect(ThreadPool(threads: asked).threads == given)
  }

  @Test(arguments: [1, 2, 3])
  func `results keep the order of their indices`(threads: Int) {
    let pool = ThreadPool(threads: threads)
    #expect(pool.map(500) { $0 * $0 } == (0..<500).map { $0 * $0 })
    #expect(pool.map(0) { $0 } == [])
    #expect(pool.map(3) { $0 == 1 ? nil : $0 } == [0, nil, 2])
  }

  @Test(arguments: [1, 2, 3])
  func `the error of the lowest index is thrown`(threads: Int) {
    #expect(throws: Refusal(index: 3)) {
      try ThreadPool(threads: threads).map(50) { index in
        if index % 7 == 3 { throw Refusal(index: index) }
        return index
      }
    }
  }

  @Test(arguments: [1, 2, 3])
  func `progress counts every iteration`(threads: Int) {
    let reports = Mutex([Int]())
    let results = ThreadPool(threads: threads).map(
      20,
      progress: { done, total in reports.withLock { $0.append(total == 20 ? done : -1) } },
      { $0 })
    #expect(results.count == 20)
    #expect(reports.withLock { $0.sorted() } == Array(1...20))
  }

  @Test func `a pool may be used from several threads`() async {
    let pool = ThreadPool(threads: 2)
    let sums = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<8 { group.addTask { pool.map(100) { $0 }.reduce(0, +) } }
      return await group.reduce(into: [Int]()) { $0.append($1) }
    }
    #expect(sums == [Int](repeating: 4950, count: 8))
  }

  @Test func `no iteration is lost when the processors are taken`() {
    let isOver = Atomic(false)
    let ended = DispatchGroup()
    for _ in 0..<2 * ProcessInfo.processInfo.activeProcessorCount {
      DispatchQueue.global().async(group: ended) {
        while !isOver.load(ordering: .relaxed) {}
      }
    }
    let pool = ThreadPool(threads: 2)
    let runs = Atomic(0)
    for _ in 0..<500 {
      pool.run(4) { _ in
        for _ in 0..<100_000 { _ = isOver.load(ordering: .relaxed) }
        runs.add(1, ordering: .relaxed)
      }
    }
    isOver.store(true, ordering: .relaxed)
    ended.wait()
    #expect(runs.load(ordering: .relaxed) == 2000)
  }
}
