/// A binary heap that hands out its smallest number first.
struct MinimumQueue {
  private var heap = [UInt64]()

  mutating func removeAll() { heap.removeAll(keepingCapacity: true) }

  /// - Complexity: O(log count).
  mutating func insert(_ value: UInt64) {
    heap.append(value)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[parent] > value else { break }
      heap[child] = heap[parent]
      child = parent
    }
    heap[child] = value
  }

  /// - Complexity: O(log count).
  mutating func popMinimum() -> UInt64? {
    guard let last = heap.popLast() else { return nil }
    guard let smallest = heap.first else { return last }
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      guard heap[child] < last else { break }
      heap[parent] = heap[child]
      parent = child
    }
    heap[parent] = last
    return smallest
  }
}
