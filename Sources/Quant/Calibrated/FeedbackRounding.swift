import CKernels

/// Rounds rows column by column; the columns that follow make up for the error of each.
///
/// Scales of a block are searched when all columns before it are done, on columns that are compensated already, and
/// stay as they are (GPTQ, arXiv:2210.17323, with groups).
struct FeedbackRounding {
  /// Columns that are compensated one by one; those after them all at once.
  static let columnsAtOnce = 128

  let encoding: any SteppedEncoding
  let importance: [Float]
  /// Without one, every column is rounded by itself.
  let factor: FeedbackFactor?
  /// Scales of the rows where they are not to be searched; halves, as their bits.
  var rowScales: [UInt16]?

  /// Rounds rows of `importance.count` columns.
  func callAsFunction(_ values: [Float], rows: Int) -> SteppedRows {
    let columns = importance.count
    var current = values
    var result = SteppedRows(encoding, rows: rows, columns: columns)
    for block in 0..<result.blocks {
      let range = result.columns(ofBlock: block)
      if let rowScales {
        result.set((rowScales, [Int8](repeating: 1, count: rows)), block: block)
      } else {
        let part = Matrix(rows: rows, columns: columns, values: current).columns(range)
        let found = encoding.scales(
          for: part.values, importance: Array(importance[range]), rows: rows, columns: range.count)
        result.set(found, block: block)
      }
      let steps = result.steps
      for first in stride(from: range.lowerBound, to: range.upperBound, by: Self.columnsAtOnce) {
        let near = first..<min(first + Self.columnsAtOnce, range.upperBound)
        let errors = round(near, of: &current, steps, into: &result)
        compensate(near.upperBound..<columns, of: &current, for: errors, near, rows: rows)
      }
    }
    return result
  }

  /// Rounds the near columns; changes no others.
  ///
  /// - Returns: the errors that remain, `[rows, near.count]`.
  private func round(
    _ near: Range<Int>, of current: inout [Float], _ steps: [Float], into result: inout SteppedRows
  ) -> [Float] {
    let (rows, columns, place) = (result.rows, importance.count, near.lowerBound)
    let group = place / result.groupColumns
    var errors = [Float](repeating: 0, count: factor == nil ? 0 : rows * near.count)
    var codes = result.codes
    unsafe withSteps(steps, of: result, codes: encoding.codes, fromGroup: group) { steps in
      unsafe current.withUnsafeMutableBufferPointer { current in
        unsafe codes.withUnsafeMutableBufferPointer { codes in
          unsafe errors.withUnsafeMutableBufferPointer { errors in
            unsafe withFactor { upper in
              guard let start = current.baseAddress, let codes = codes.baseAddress else { return }
              unsafe vk_round_columns(
                codes + place, errors.baseAddress, start + place, columns, steps,
                upper.map { unsafe $0 + place * columns + place }, columns, rows, near.count)
            }
          }
        }
      }
    }
    result.codes = codes
    return errors
  }

  private func withFactor(_ body: (UnsafePointer<Float>?) -> Void) {
    guard let factor else { return body(nil) }
    unsafe factor.upper.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
  }

  /// Changes the far columns only: those that rounding the near ones has left alone.
  private func compensate(
    _ far: Range<Int>, of current: inout [Float], for errors: [Float], _ near: Range<Int>,
    rows: Int
  ) {
    guard let factor, !far.isEmpty else { return }
    let columns = importance.count
    unsafe current.withUnsafeMutableBufferPointer { current in
      unsafe errors.withUnsafeBufferPointer { errors in
        unsafe factor.upper.withUnsafeBufferPointer { upper in
          guard let start = current.baseAddress, let errors = errors.baseAddress,
            let upper = upper.baseAddress
          else { return }
          unsafe MatrixProduct.multiply(
            left: errors, leftStride: near.count,
            right: upper + near.lowerBound * columns + far.lowerBound, rightStride: columns,
            output: start + far.lowerBound, outputStride: columns, rows: rows, columns: far.count,
            inner: near.count, accumulating: true)
        }
      }
    }
  }
}
