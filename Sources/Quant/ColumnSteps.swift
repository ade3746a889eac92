/// Factors of the columns of a matrix, in half precision.
public struct ColumnSteps: Sendable {
  private let storage: AlignedBytes

  init(_ storage: AlignedBytes) { self.storage = storage }

  /// The address of the first of them, for as long as this lives.
  var start: UnsafePointer<UInt16> {
    unsafe UnsafePointer(storage.start.assumingMemoryBound(to: UInt16.self))
  }
}
