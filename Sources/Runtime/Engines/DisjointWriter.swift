import Quant

/// Lets the iterations of a parallel loop write to different elements of one array.
@safe struct DisjointWriter: @unchecked Sendable {
  /// The first element.
  let start: UnsafeMutablePointer<Float>
  /// Number of elements.
  let count: Int

  init(start: UnsafeMutablePointer<Float>, count: Int) {
    unsafe self.start = start
    self.count = count
  }

  fileprivate init(_ buffer: UnsafeMutableBufferPointer<Float>) {
    // The buffer of an empty array has no address; nothing is written to it then.
    unsafe start = buffer.baseAddress ?? UnsafeMutablePointer(bitPattern: 16).unsafelyUnwrapped
    count = buffer.count
  }

  /// Writes one element.
  ///
  /// - Precondition: the index lies inside the array, and no other iteration writes to it.
  func write(_ value: Float, at index: Int) {
    precondition((0..<count).contains(index), "a write outside the array")
    unsafe start[index] = value
  }
}

extension [Float] {
  /// Calls `body` with a writer to the elements of this array.
  mutating func withDisjointWriter(_ body: (DisjointWriter) -> Void) {
    unsafe withUnsafeMutableBufferPointer { buffer in
      unsafe body(DisjointWriter(buffer))
    }
  }
}

extension Matrix {
  /// A matrix whose elements are all written by `body`.
  init(rows: Int, columns: Int, writing body: (DisjointWriter) -> Void) {
    let count = rows * columns
    let values = unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = count
      guard let start = buffer.baseAddress else { return }
      unsafe body(DisjointWriter(start: start, count: count))
    }
    self.init(rows: rows, columns: columns, values: values)
  }
}
