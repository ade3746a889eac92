import CKernels
public import Quant

/// Kernels on the encoded weights.
///
/// A few tokens are multiplied row by row, expanding codes in registers. More tokens expand a block of rows into
/// a buffer that stays in the cache and multiply it by OpenBLAS; the model is never expanded as a whole. Blocks have
/// fixed bounds, so results do not depend on the number of threads. Outputs agree with `ReferenceEngine` within a
/// relative error of 1e-4; the difference is the order of sums and the polynomial exponentials.
public struct FastEngine: Engine {
  /// Weight rows that are expanded at a time.
  private static let rowBlock = 128
  /// Tokens that share one expansion.
  private static let tokenBlock = 256
  /// Up to so many tokens the rows are multiplied one by one.
  private static let vectorTokens = 4
  /// Weight rows of one task when multiplying row by row.
  private static let vectorRows = 64

  let pool: ThreadPool

  /// An engine that works on that many threads.
  public init(threads: Int = 1) {
    pool = ThreadPool(threads: threads)
  }

  /// See `Engine`.
  public func linear(_ input: Matrix, _ weight: EncodedMatrix, bias: [Float]?) -> Matrix {
    var output = Matrix(rows: input.rows, columns: weight.rows)
    if let bias {
      for token in 0..<input.rows {
        output.values.replaceSubrange(token * weight.rows..<(token + 1) * weight.rows, with: bias)
      }
    }
    output.values.withDisjointWriter { writer in
      if input.rows <= Self.vectorTokens {
        multiplyRows(input, weight, addingToBias: bias != nil, writer)
      } else {
        multiplyBlocks(input, weight, addingToBias: bias != nil, writer)
      }
    }
    return output
  }

  private func multiplyRows(
    _ input: Matrix, _ weight: EncodedMatrix, addingToBias: Bool, _ output: DisjointWriter
  ) {
    let blocks = (weight.rows + Self.vectorRows - 1) / Self.vectorRows
    pool.run(blocks) { block in
      let rows = block * Self.vectorRows..<min((block + 1) * Self.vectorRows, weight.rows)
      unsafe input.values.withUnsafeBufferPointer { values in
        guard let first = values.baseAddress else { return }
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count) { products in
          guard let product = products.baseAddress else { return }
          for token in 0..<input.rows {
            let target = unsafe output.start + token * weight.rows + rows.lowerBound
            unsafe weight.encoding.multiply(
              weight, rows: rows, by: first + token * input.columns, into: product)
            if addingToBias {
              unsafe vk_add(target, target, product, rows.count)
            } else {
              unsafe target.update(from: product, count: rows.count)
            }
          }
        }
      }
    }
  }

  private func multiplyBlocks(
    _ input: Matrix, _ weight: EncodedMatrix, addingToBias: Bool, _ output: DisjointWriter
  ) {
    let rowBlocks = (weight.rows + Self.rowBlock - 1) / Self.rowBlock
    let tokenBlocks = (input.rows + Self.tokenBlock - 1) / Self.tokenBlock
    pool.run(rowBlocks * tokenBlocks) { task in
      let (tokenBlock, rowBlock) = task.quotientAndRemainder(dividingBy: rowBlocks)
      let rows = rowBlock * Self.rowBlock..<min((rowBlock + 1) * Self.rowBlock, weight.rows)
      let firstToken = tokenBlock * Self.tokenBlock
      let tokens = min(Self.tokenBlock, input.rows - firstToken)
      let expanded = weight.expanded(rows: rows)
      unsafe input.values.withUnsafeBufferPointer { values in
        unsafe expanded.values.withUnsafeBufferPointer { weights in
          guard let left = values.baseAddress, let right = weights.baseAddress else { return }
          unsafe MatrixProduct.multiplyTransposed(
            left: left + firstToken * input.columns, leftStride: input.columns,
            right: right, rightStride: weight.columns,
            output: output.start + firstToken * weight.rows + rows.lowerBound,
            outputStride: weight.rows,
            rows: tokens, columns: rows.count, inner: weight.columns, accumulating: addingToBias)
        }
      }
    }
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
