import CKernels

/// Measures what changes of weights do to outputs, and lowers it.
struct OutputError {
  let factor: FeedbackFactor

  /// `e · H` for every row of `[rows, columns]`.
  func gradient(_ errors: [Float], rows: Int) -> [Float] {
    let columns = factor.columns
    return unsafe [Float](unsafeUninitializedCapacity: errors.count) { buffer, count in
      unsafe errors.withUnsafeBufferPointer { errors in
        unsafe factor.moments.withUnsafeBufferPointer { moments in
          guard let left = errors.baseAddress, let right = moments.baseAddress,
            let output = buffer.baseAddress
          else { return }
          unsafe MatrixProduct.multiply(
            left: left, leftStride: columns, right: right, rightStride: columns, output: output,
            outputStride: columns, rows: rows, columns: columns, inner: columns,
            accumulating: false)
          count = rows * columns
        }
      }
    }
  }

  /// `e · H · eᵀ` for every row.
  func squares(_ errors: [Float], rows: Int) -> [Double] {
    let (gradient, columns) = (gradient(errors, rows: rows), factor.columns)
    return (0..<rows).map { row in
      (row * columns..<(row + 1) * columns).reduce(0) {
        $0 + Double(gradient[$1]) * Double(errors[$1])
      }
    }
  }

  /// What rows of weights and the errors in them make of the inputs.
  func squares(_ values: [Float], errors: [Float], rows: Int) -> SquaredError {
    SquaredError(
      signal: squares(values, rows: rows).reduce(0, +),
      error: squares(errors, rows: rows).reduce(0, +))
  }

  /// One pass of coordinate descent over the codes.
  func descend(_ result: inout SteppedRows, from values: [Float], codes limits: ClosedRange<Int>) {
    let errors = zip(result.expanded, values).map { $0 - $1 }
    var gradient = gradient(errors, rows: result.rows)
    var codes = result.codes
    unsafe withSteps(result.steps, of: result, codes: limits) { steps in
      unsafe vk_descend_codes(
        &codes, &gradient, steps, factor.moments, result.rows, result.columns)
    }
    result.codes = codes
  }
}
