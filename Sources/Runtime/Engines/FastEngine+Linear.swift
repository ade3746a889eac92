import CKernels
public import Quant

extension FastEngine {
  /// Weight rows of one task, a multiple of the rows of a tile.
  private static let rowsPerTask = 128

  /// See `Engine`.
  public func linear(_ input: Matrix, _ weight: EncodedMatrix, bias: [Float]?) -> Matrix {
    let product = PreparedProduct(
      input.slice, weight, activations: activations, pool: pool)
    let rowParts = Parts(weight.rows, size: Self.rowsPerTask)
    let tokenParts = product.tokenParts
    return Matrix(rows: input.rows, columns: weight.rows) { output in
      pool.run(sharing: product.operations, rowParts.count * tokenParts.count) { task in
        let (tokenPart, rowPart) = task.quotientAndRemainder(dividingBy: rowParts.count)
        let (rows, tokens) = (rowParts[rowPart], tokenParts[tokenPart])
        let start =
          unsafe output.start + tokens.lowerBound * weight.rows + rows.lowerBound
        unsafe product.multiply(tokens: tokens, rows: rows, into: start, stride: weight.rows)
        if let bias {
          unsafe add(bias, rows, to: start, tokens: tokens.count, stride: weight.rows)
        }
      }
    }
  }

  private func add(
    _ bias: [Float], _ rows: Range<Int>, to start: UnsafeMutablePointer<Float>, tokens: Int,
    stride: Int
  ) {
    unsafe bias.withUnsafeBufferPointer { bias in
      guard let values = bias.baseAddress else { return }
      for token in 0..<tokens {
        let target = unsafe start + token * stride
        unsafe vk_add(target, target, values + rows.lowerBound, rows.count)
      }
    }
  }
}
