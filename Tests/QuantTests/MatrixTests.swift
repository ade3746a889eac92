import Quant
import TestSupport
import Testing

@Suite struct MatrixTests {
  private let matrix = Matrix(rows: 2, columns: 3, values: [1, 2, 3, 4, 5, 6])

  @Test func `columns and rows are cut out`() {
    #expect(matrix.columns(1..<3) == Matrix(rows: 2, columns: 2, values: [2, 3, 5, 6]))
    #expect(matrix.columns(2..<2) == Matrix(rows: 2, columns: 0))
    #expect(matrix.rows(1..<2) == Matrix(rows: 1, columns: 3, values: [4, 5, 6]))
    #expect(matrix.rows(0..<0) == Matrix(rows: 0, columns: 3))
  }

  @Test func `a new matrix is all zeros`() {
    #expect(Matrix(rows: 2, columns: 2).values == [0, 0, 0, 0])
  }

  @Test func `matrices are added and scaled element by element`() {
    var sum = matrix
    sum.add(Matrix(rows: 2, columns: 3, values: [6, 5, 4, 3, 2, 1]))
    #expect(sum.values == [7, 7, 7, 7, 7, 7])
    sum.scale(by: -0.5)
    #expect(sum.values == [-3.5, -3.5, -3.5, -3.5, -3.5, -3.5])
  }

  @Test func `rows are taken in any order`() {
    #expect(matrix.permutingRows([1, 0, 1]).values == [4, 5, 6, 1, 2, 3, 4, 5, 6])
    #expect(matrix.permutingRows([]) == Matrix(rows: 0, columns: 3))
  }
}

@Suite struct MatrixProductTests {
  /// Rows, columns, inner.
  static let shapes = [(1, 1, 1), (3, 5, 7), (17, 15, 16), (64, 33, 257), (130, 2, 300)]

  private func oracle(
    _ left: Matrix, _ right: Matrix, isTransposed: Bool
  ) -> (products: [Double], magnitude: Double) {
    let columns = isTransposed ? right.rows : right.columns
    var products = [Double]()
    var largest = 0.0
    for row in 0..<left.rows {
      for column in 0..<columns {
        var (sum, magnitude) = (0.0, 0.0)
        for k in 0..<left.columns {
          let index = isTransposed ? column * right.columns + k : k * right.columns + column
          let term = Double(left.values[row * left.columns + k]) * Double(right.values[index])
          sum += term
          magnitude += abs(term)
        }
        products.append(sum)
        largest = max(largest, magnitude)
      }
    }
    return (products, largest)
  }

  /// No order of additions rounds more than once a term.
  private func isClose(
    _ found: [Float], _ expected: (products: [Double], magnitude: Double), inner: Int
  ) -> Bool {
    let bound = Double(inner + 1) * 0x1p-24 * expected.magnitude
    return found.count == expected.products.count
      && zip(found, expected.products).allSatisfy { abs(Double($0) - $1) <= bound }
  }

  @Test(arguments: shapes)
  func `a product is the sum of its terms`(rows: Int, columns: Int, inner: Int) {
    let left = Matrix.noise(rows: rows, columns: inner, seed: 1)
    let right = Matrix.noise(rows: inner, columns: columns, seed: 2)
    var output = [Float](repeating: .nan, count: rows * columns)
    MatrixProduct.multiply(
      left: left.values, leftStride: inner, right: right.values, rightStride: columns,
      output: &output, outputStride: columns, rows: rows, columns: columns, inner: inner,
      accumulating: false)
    #expect(isClose(output, oracle(left, right, isTransposed: false), inner: inner))
  }

  @Test(arguments: shapes)
  func `a transposed product may add to what is there`(rows: Int, columns: Int, inner: Int) {
    let left = Matrix.noise(rows: rows, columns: inner, seed: 3)
    let right = Matrix.noise(rows: columns, columns: inner, seed: 4)
    var expected = oracle(left, right, isTransposed: true)
    var output = [Float](repeating: .nan, count: rows * columns)
    func multiply(accumulating: Bool) {
      MatrixProduct.multiplyTransposed(
        left: left.values, leftStride: inner, right: right.values, rightStride: inner,
        output: &output, outputStride: columns, rows: rows, columns: columns, inner: inner,
        accumulating: accumulating)
    }
    multiply(accumulating: false)
    #expect(isClose(output, expected, inner: inner))
    multiply(accumulating: true)
    expected = (expected.products.map { 2 * $0 }, 2 * expected.magnitude)
    #expect(isClose(output, expected, inner: inner))
  }

  @Test func `strides skip what lies between rows`() {
    let left: [Float] = [1, 2, 99, 3, 4, 99]
    let right: [Float] = [5, 6, 99, 7, 8, 99]
    var output: [Float] = [-1, -1, -1, -1, -1, -1]
    MatrixProduct.multiplyTransposed(
      left: left, leftStride: 3, right: right, rightStride: 3, output: &output, outputStride: 3,
      rows: 2, columns: 2, inner: 2, accumulating: false)
    #expect(output == [17, 23, -1, 39, 53, -1])
    MatrixProduct.multiply(
      left: left, leftStride: 3, right: right, rightStride: 3, output: &output, outputStride: 3,
      rows: 2, columns: 2, inner: 2, accumulating: false)
    #expect(output == [19, 22, -1, 43, 50, -1])
  }
}
