import COpenBLAS

/// Float products by OpenBLAS, always on the calling thread.
///
/// The library's own threads stay off: results would depend on their number, and they would compete with ours.
public enum MatrixProduct {
  /// Tells OpenBLAS once to stay on the calling thread.
  static let singleThreaded: Void = openblas_set_num_threads(1)

  /// The processor that OpenBLAS chose its loops for, for example `SkylakeX`.
  public static var coreName: String {
    guard let name = unsafe openblas_get_corename() else { return "unknown" }
    return unsafe String(cString: name)
  }

  /// The threads on which OpenBLAS computes one product.
  public static var threads: Int {
    _ = singleThreaded
    return Int(openblas_get_num_threads())
  }

  /// `output[m, n] = Σ_k left[m, k] · right[n, k]  (+ output[m, n] if accumulating)`.
  ///
  /// Strides are in elements from one row to the next.
  public static func multiplyTransposed(
    left: UnsafePointer<Float>, leftStride: Int, right: UnsafePointer<Float>, rightStride: Int,
    output: UnsafeMutablePointer<Float>, outputStride: Int,
    rows: Int, columns: Int, inner: Int, accumulating: Bool
  ) {
    _ = singleThreaded
    unsafe cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(columns), blasint(inner), 1,
      left, blasint(leftStride), right, blasint(rightStride), accumulating ? 1 : 0, output,
      blasint(outputStride))
  }

  /// `output[m, n] = Σ_k left[m, k] · right[k, n]  (+ output[m, n] if accumulating)`.
  public static func multiply(
    left: UnsafePointer<Float>, leftStride: Int, right: UnsafePointer<Float>, rightStride: Int,
    output: UnsafeMutablePointer<Float>, outputStride: Int, rows: Int, columns: Int, inner: Int,
    accumulating: Bool
  ) {
    _ = singleThreaded
    unsafe cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(columns), blasint(inner), 1,
      left, blasint(leftStride), right, blasint(rightStride), accumulating ? 1 : 0, output,
      blasint(outputStride))
  }

  /// `output[m, n] = Σ_k left[k, m] · right[k, n]  (+ output[m, n] if accumulating)`.
  public static func multiplyLeftTransposed(
    left: UnsafePointer<Float>, leftStride: Int, right: UnsafePointer<Float>, rightStride: Int,
    output: UnsafeMutablePointer<Float>, outputStride: Int, rows: Int, columns: Int, inner: Int,
    accumulating: Bool = false
  ) {
    _ = singleThreaded
    unsafe cblas_sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, blasint(rows), blasint(columns), blasint(inner), 1,
      left, blasint(leftStride), right, blasint(rightStride), accumulating ? 1 : 0,
      output, blasint(outputStride))
  }
}
