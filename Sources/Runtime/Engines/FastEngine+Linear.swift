import CKernels
public import Quant

extension FastEngine {
  /// Weight rows of one task, a multiple of the rows of a tile.
  private static let rowsPerTask = 64
  /// Tokens that one task rounds.
  private static let tokensPerRounding = 16
  /// Bytes of rounded inputs that stay near while the weights go by.
  private static let nearBytes = 1 << 18
  /// Up to so many tokens are multiplied in full precision without expanding the weights.
  private static let vectorTokens = 4
  /// Weight rows that are expanded at a time.
  private static let expandedRows = 128
  /// Tokens that share one expansion.
  private static let tokensPerExpansion = 256

  /// See `Engine`.
  public func linear(_ input: Matrix, _ weight: EncodedMatrix, bias: [Float]?) -> Matrix {
    let count = input.rows * weight.rows
    var values = unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = count
      guard let start = buffer.baseAddress else { return }
      unsafe multiply(input, weight, into: DisjointWriter(start: start, count: count))
    }
    if let bias { add(bias, to: &values) }
    return Matrix(rows: input.rows, columns: weight.rows, values: values)
  }

  private func add(_ bias: [Float], to values: inout [Float]) {
    let (count, rows) = (values.count, values.count / max(1, bias.count))
    values.withDisjointWriter { writer in
      pool.run(sharing: count, rows) { row in
        let start = unsafe writer.start + row * bias.count
        unsafe vk_add(start, start, bias, bias.count)
      }
    }
  }

  /// A few tokens are multiplied by the encoded rows. More tokens in full precision expand a block of rows into a
  /// buffer that stays in the cache and multiply it by OpenBLAS; the model is never expanded as a whole.
  private func multiply(_ input: Matrix, _ weight: EncodedMatrix, into output: DisjointWriter) {
    switch weight.encoding.product {
    case .tiles(let product):
      if activations == .int8 {
        multiplyTiles(input, weight, product, .byte, into: output)
      } else if input.rows <= Self.vectorTokens {
        multiplyDigits(input, weight, product, into: output)
      } else {
        multiplyExpanded(input, weight, into: output)
      }
    case .rows(let product):
      if input.rows <= Self.vectorTokens {
        multiplyRows(input, weight, product, into: output)
      } else {
        multiplyExpanded(input, weight, into: output)
      }
    }
  }

  private func multiplyTiles(
    _ input: Matrix, _ weight: EncodedMatrix, _ product: any TileProduct,
    _ precision: RoundedInputs.Precision, into output: DisjointWriter
  ) {
    let inputs = rounded(input, product, precision)
    let tokens = input.rows * inputs.rowsPerToken
    let together = max(8, Self.nearBytes / max(1, input.columns) / 8 * 8)
    let rowParts = Parts(weight.rows, size: Self.rowsPerTask)
    let tokenParts = Parts(tokens, size: together)
    pool.run(sharing: tokens * weight.rows * weight.columns, rowParts.count * tokenParts.count) {
      task in
      let (tokenPart, rowPart) = task.quotientAndRemainder(dividingBy: rowParts.count)
      let (rows, tokens) = (rowParts[rowPart], tokenParts[tokenPart])
      unsafe product.multiply(
        weight, rows: rows, by: inputs, token: tokens.lowerBound, count: tokens.count,
        into: output.start + tokens.lowerBound * weight.rows + rows.lowerBound,
        stride: weight.rows)
    }
  }

  private func rounded(
    _ input: Matrix, _ product: any TileProduct, _ precision: RoundedInputs.Precision
  ) -> RoundedInputs {
    let inputs = RoundedInputs(
      tokens: input.rows, columns: input.columns, shape: product.inputShape, precision: precision)
    let parts = Parts(input.rows, size: Self.tokensPerRounding)
    pool.run(parts.count) { part in
      unsafe input.values.withUnsafeBufferPointer { values in
        guard let start = values.baseAddress else { return }
        unsafe inputs.round(start, stride: input.columns, tokens: parts[part])
      }
    }
    return inputs
  }

  /// Each token goes as three rows of digits, whose products are added.
  private func multiplyDigits(
    _ input: Matrix, _ weight: EncodedMatrix, _ product: any TileProduct,
    into output: DisjointWriter
  ) {
    let inputs = rounded(input, product, .full)
    let digits = inputs.rowsPerToken
    let parts = Parts(weight.rows, size: Self.rowsPerTask)
    pool.run(sharing: input.rows * weight.rows * weight.columns, parts.count) { part in
      let rows = parts[part]
      unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: digits * rows.count) {
        products in
        guard let start = products.baseAddress else { return }
        for token in 0..<input.rows {
          unsafe product.multiply(
            weight, rows: rows, by: inputs, token: token, count: digits, into: start,
            stride: rows.count)
          let target = unsafe output.start + token * weight.rows + rows.lowerBound
          unsafe target.update(from: start + (digits - 1) * rows.count, count: rows.count)
          for digit in (0..<digits - 1).reversed() {
            unsafe vk_add(target, target, start + digit * rows.count, rows.count)
          }
        }
      }
    }
  }

  private func multiplyRows(
    _ input: Matrix, _ weight: EncodedMatrix, _ product: any RowProduct,
    into output: DisjointWriter
  ) {
    let parts = Parts(weight.rows, size: Self.rowsPerTask)
    pool.run(sharing: input.rows * weight.rows * weight.columns, parts.count) { part in
      unsafe input.values.withUnsafeBufferPointer { values in
        guard let first = values.baseAddress else { return }
        for token in 0..<input.rows {
          unsafe product.multiply(
            weight, rows: parts[part], by: first + token * input.columns,
            into: output.start + token * weight.rows + parts[part].lowerBound)
        }
      }
    }
  }

  private func multiplyExpanded(
    _ input: Matrix, _ weight: EncodedMatrix, into output: DisjointWriter
  ) {
    let rowParts = Parts(weight.rows, size: Self.expandedRows)
    let tokenParts = Parts(input.rows, size: Self.tokensPerExpansion)
    pool.run(rowParts.count * tokenParts.count) { task in
      let (tokenPart, rowPart) = task.quotientAndRemainder(dividingBy: rowParts.count)
      let (rows, tokens) = (rowParts[rowPart], tokenParts[tokenPart])
      let expanded = weight.expanded(rows: rows)
      unsafe input.values.withUnsafeBufferPointer { values in
        unsafe expanded.values.withUnsafeBufferPointer { weights in
          guard let left = values.baseAddress, let right = weights.baseAddress else { return }
          unsafe MatrixProduct.multiplyTransposed(
            left: left + tokens.lowerBound * input.columns, leftStride: input.columns,
            right: right, rightStride: weight.columns,
            output: output.start + tokens.lowerBound * weight.rows + rows.lowerBound,
            outputStride: weight.rows,
            rows: tokens.count, columns: rows.count, inner: weight.columns, accumulating: false)
        }
      }
    }
  }
}

/// A range cut into parts of one size, the last of which may be short.
struct Parts {
  private let total: Int
  private let size: Int

  init(_ total: Int, size: Int) {
    self.total = total
    self.size = size
  }

  var count: Int { (total + size - 1) / size }

  subscript(index: Int) -> Range<Int> { index * size..<min((index + 1) * size, total) }
}

extension ThreadPool {
  /// Below that a second thread comes too late.
  private static let operationsWorthSharing = 1 << 17

  /// Runs `body` for 0..<count, on the calling thread alone if `operations` are too few to share.
  func run(sharing operations: Int, _ count: Int, _ body: (Int) -> Void) {
    guard operations > Self.operationsWorthSharing else {
      for index in 0..<count { body(index) }
      return
    }
    run(count, body)
  }
}
