import Quant

extension Matrix {
  /// `self · rightᵀ + bias`.
  func product(withTransposed right: Matrix, bias: [Float]? = nil) -> Matrix {
    var output = Matrix(rows: rows, columns: right.rows)
    unsafe MatrixProduct.multiplyTransposed(
      left: values, leftStride: columns, right: right.values, rightStride: right.columns,
      output: &output.values, outputStride: right.rows, rows: rows, columns: right.rows,
      inner: columns, accumulating: false)
    if let bias { output.addToRows(bias) }
    return output
  }

  /// `self · right`.
  func product(with right: Matrix) -> Matrix {
    var output = Matrix(rows: rows, columns: right.columns)
    unsafe MatrixProduct.multiply(
      left: values, leftStride: columns, right: right.values, rightStride: right.columns,
      output: &output.values, outputStride: right.columns, rows: rows, columns: right.columns,
      inner: columns, accumulating: false)
    return output
  }

  /// `selfᵀ · right`.
  func transposedProduct(with right: Matrix) -> Matrix {
    var output = Matrix(rows: columns, columns: right.columns)
    output.addTransposedProduct(self, right)
    return output
  }

  /// Adds `leftᵀ · right`.
  mutating func addTransposedProduct(_ left: Matrix, _ right: Matrix) {
    unsafe MatrixProduct.multiplyLeftTransposed(
      left: left.values, leftStride: left.columns, right: right.values,
      rightStride: right.columns, output: &values, outputStride: columns, rows: rows,
      columns: columns, inner: left.rows, accumulating: true)
  }

  /// Multiplies by another matrix of the same shape, element by element.
  mutating func multiply(by other: Matrix) {
    for index in values.indices { values[index] *= other.values[index] }
  }

  /// The sum of every column: `[1, columns]`.
  var columnSums: Matrix {
    var sums = Matrix(rows: 1, columns: columns)
    for row in 0..<rows {
      for column in 0..<columns { sums.values[column] += values[row * columns + column] }
    }
    return sums
  }

  private mutating func addToRows(_ bias: [Float]) {
    for row in 0..<rows {
      for column in 0..<columns { values[row * columns + column] += bias[column] }
    }
  }
}
