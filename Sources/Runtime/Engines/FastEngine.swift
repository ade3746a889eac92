import CKernels
public import Quant

/// Kernels on the encoded weights.
///
/// Outputs on float inputs agree with `ReferenceEngine` within a relative error of 1e-4; the difference is the order
/// of sums and the polynomial exponentials. Work is shared out in parts of fixed bounds, so results do not depend on
/// the number of threads.
public struct FastEngine: Engine {
  let pool: ThreadPool
  let activations: ActivationPrecision
  let state: StatePrecision

  /// An engine that works on that many threads.
  ///
  /// - Parameters:
  ///   - activations: how activations enter products with quantized weights and scans.
  ///   - state: how the states of scans are kept.
  public init(
    threads: Int = 1, activations: ActivationPrecision = .float, state: StatePrecision = .fp32
  ) {
    pool = ThreadPool(threads: threads)
    self.activations = activations
    self.state = state
  }

  /// See `Engine`.
  public func attention(queries: Matrix, keys: Matrix, values: Matrix, heads: Int) -> Matrix {
    let width = queries.columns / max(1, heads)
    var output = Matrix(rows: queries.rows, columns: queries.columns)
    output.values.withDisjointWriter { writer in
      pool.run(heads) { head in
        var scores = [Float](repeating: 0, count: queries.rows * keys.rows)
        unsafe scores.withUnsafeMutableBufferPointer { scores in
          unsafe queries.values.withUnsafeBufferPointer { query in
            unsafe keys.values.withUnsafeBufferPointer { key in
              unsafe values.values.withUnsafeBufferPointer { value in
                guard let score = scores.baseAddress, let query = query.baseAddress,
                  let key = key.baseAddress, let value = value.baseAddress
                else { return }
                unsafe MatrixProduct.multiplyTransposed(
                  left: query + head * width, leftStride: queries.columns,
                  right: key + head * width, rightStride: keys.columns,
                  output: score, outputStride: keys.rows,
                  rows: queries.rows, columns: keys.rows, inner: width, accumulating: false)
                unsafe vk_softmax_rows(
                  score, 1 / Float(width).squareRoot(), queries.rows, keys.rows)
                unsafe MatrixProduct.multiply(
                  left: score, leftStride: keys.rows,
                  right: value + head * width, rightStride: values.columns,
                  output: writer.start + head * width, outputStride: queries.columns,
                  rows: queries.rows, columns: width, inner: keys.rows, accumulating: false)
              }
            }
          }
        }
      }
    }
    return output
  }
}
