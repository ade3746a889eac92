import CKernels

/// An orthonormal rotation of vectors in blocks of neighbouring columns: signs, then a Walsh-Hadamard transform.
///
/// It spreads what a few columns hold over all of their block (QuIP, arXiv:2307.13304; QuaRot, arXiv:2404.00456). With the
/// weights of a matrix and its inputs rotated alike, products stay what they are: `(W · Rᵀ) · (R · x) = W · x`.
public struct BlockRotation: Sendable {
  /// Columns of a block, unless they have to be fewer to divide the columns of a matrix.
  public static let largestBlock = 128

  /// 1 or −1 for each column of 128; then they repeat. Column `c` has −1 where the highest bit of output number `c` of
  /// SplitMix64 with the seed 0 is set.
  static let signs: [Float] = (1...largestBlock).map { number in
    var bits = UInt64(number) &* 0x9e37_79b9_7f4a_7c15
    bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
    return (bits ^ (bits >> 31)) >> 63 == 0 ? 1 : -1
  }

  /// Columns of the vectors.
  public let columns: Int
  /// The largest power of two up to 128 that divides the columns.
  public let block: Int

  /// The rotation for vectors of so many columns.
  public init(columns: Int) {
    self.columns = columns
    block = columns == 0 ? 1 : min(Self.largestBlock, columns & -columns)
  }

  /// Rotates the rows of `[tokens, columns]`.
  public func rotated(_ matrix: Matrix) -> Matrix {
    precondition(matrix.columns == columns, "vectors of other columns")
    let values = unsafe [Float](unsafeUninitializedCapacity: matrix.values.count) { buffer, count in
      unsafe matrix.values.withUnsafeBufferPointer { values in
        guard let start = values.baseAddress, let output = buffer.baseAddress else { return }
        unsafe rotate(start, stride: columns, rows: matrix.rows, into: output)
      }
      count = matrix.values.count
    }
    return Matrix(rows: matrix.rows, columns: columns, values: values)
  }

  /// Rotates rows that are `stride` apart; writes them one after the other.
  func rotate(
    _ rows: UnsafePointer<Float>, stride: Int, rows count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    unsafe vk_rotate_blocks(output, rows, stride, Self.signs, count, columns, block, 0)
  }

  /// Turns rotated rows, one after the other, back in place.
  func undo(_ rows: UnsafeMutablePointer<Float>, rows count: Int) {
    unsafe vk_rotate_blocks(rows, rows, columns, Self.signs, count, columns, block, 1)
  }
}
