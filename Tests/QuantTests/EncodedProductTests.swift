import Quant
import TestSupport
import Testing

/// Products with encoded matrices, as their encodings compute them.
@Suite struct EncodedProductTests {
  /// Rows and columns around tiles of 16, scales of 32 and super-blocks of 256.
  static let shapes = [
    (1, 1), (3, 15), (16, 16), (17, 33), (31, 255), (48, 256), (50, 257), (33, 300),
  ]
  /// Encodings that are multiplied in tiles; of rotated inputs the bounds would be others.
  static let tileNames =
    Encodings.all.compactMap { encoding in
      guard case .tiles = encoding.product, encoding.rotation(columns: 1) == nil else { return nil }
      return encoding.name
    } as [String]

  private func matrix(_ name: String, _ rows: Int, _ columns: Int) throws -> EncodedMatrix {
    try EncodedMatrix(
      .noise(rows: rows, columns: columns, seed: UInt64(rows * 1000 + columns), deviation: 0.05),
      encoding: try #require(Encodings.named(name)))
  }

  private func tileProduct(_ encoding: any Encoding) throws -> any TileProduct {
    guard case .tiles(let product) = encoding.product else {
      throw Failure(name: encoding.name)
    }
    return product
  }

  private struct Failure: Error { let name: String }

  /// Expects sums of products; `slack` bounds what each input was rounded by, in parts of the largest that shares its
  /// scale.
  private func expectProducts(
    _ found: [Float], _ weights: Matrix, _ input: Matrix, slack: Double,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var worst = 0.0
    let columns = weights.columns
    for token in 0..<input.rows {
      let values = input.values[token * columns..<(token + 1) * columns].map(Double.init)
      let largest = stride(from: 0, to: columns, by: 16).map { first in
        // Scales may be shared by 32 columns.
        values[first / 32 * 32..<min(first / 32 * 32 + 32, columns)].reduce(0) { max($0, abs($1)) }
      }
      for row in 0..<weights.rows {
        var (sum, bound) = (0.0, 0.0)
        for (column, value) in values.enumerated() {
          let weight = Double(weights.values[row * columns + column])
          sum += weight * value
          // Each of 16 partial sums rounds once an element; the tree, the scales and the codes add a few roundings.
          bound += abs(weight * value) * (Double(columns) / 16 + 12) * 0x1p-24
          bound += abs(weight) * largest[column / 16] * slack
        }
        let error = abs(Double(found[token * weights.rows + row]) - sum)
        worst = max(worst, error == 0 ? 0 : error / bound)
      }
    }
    #expect(worst <= 1, "\(worst) of the bound", sourceLocation: sourceLocation)
  }

  @Test(arguments: FloatEncoding.allCases)
  func `a product of floats is the sum over the expanded row`(encoding: FloatEncoding) throws {
    for (rows, columns) in Self.shapes {
      let encoded = try matrix(encoding.name, rows, columns)
      let input = Matrix.noise(rows: 1, columns: columns, seed: UInt64(columns))
      let range = rows / 3..<rows
      var products = [Float](repeating: .nan, count: range.count)
      encoding.multiply(encoded, rows: range, by: input.values, into: &products)
      expectProducts(products, encoded.expanded(rows: range), input, slack: 0)
    }
  }

  @Test(arguments: tileNames)
  func `a product of split inputs is the sum over the expanded row`(name: String) throws {
    for (rows, columns) in Self.shapes {
      let encoded = try matrix(name, rows, columns)
      let product = try tileProduct(encoded.encoding)
      let input = Matrix.noise(rows: 2, columns: columns, seed: UInt64(columns))
      let inputs = RoundedInputs(
        tokens: 2, columns: columns, shape: product.inputShape, precision: .full,
        steps: product.columnSteps(of: encoded))
      #expect(inputs.rowsPerToken == 3)
      inputs.round(input.values, stride: columns, tokens: 0..<2)
      let range = rows / 48 * 16..<rows
      var digits = [Float](repeating: .nan, count: 6 * range.count)
      product.multiply(
        encoded, rows: range, by: inputs, token: 0, count: 6, into: &digits, stride: range.count)
      let products = (0..<2 * range.count).map { index in
        let (token, row) = index.quotientAndRemainder(dividingBy: range.count)
        return (0..<3).reversed().reduce(Float(0)) {
          $0 + digits[(3 * token + $1) * range.count + row]
        }
      }
      expectProducts(products, encoded.expanded(rows: range), input, slack: 0x1.1p-24)
    }
  }

  @Test(arguments: tileNames)
  func `a product of rounded inputs is half a step of each input away`(name: String) throws {
    for (rows, columns) in Self.shapes {
      let encoded = try matrix(name, rows, columns)
      let product = try tileProduct(encoded.encoding)
      let tokens = 11
      let input = Matrix.noise(rows: tokens, columns: columns, seed: UInt64(columns))
      let inputs = RoundedInputs(
        tokens: tokens, columns: columns, shape: product.inputShape, precision: .byte,
        steps: product.columnSteps(of: encoded))
      #expect(inputs.rowsPerToken == 1)
      for part in [8..<tokens, 0..<8] {
        inputs.round(input.values, stride: columns, tokens: part)
      }
      var products = [Float](repeating: .nan, count: tokens * rows)
      product.multiply(
        encoded, rows: 0..<rows, by: inputs, token: 0, count: tokens, into: &products,
        stride: rows)
      expectProducts(products, encoded.expanded(), input, slack: 0.5 / 127)
      // Tokens from a bundle on, into a part of their own.
      var rest = [Float](repeating: .nan, count: 3 * rows)
      product.multiply(
        encoded, rows: 0..<rows, by: inputs, token: 8, count: 3, into: &rest, stride: rows)
      #expect(rest == Array(products[8 * rows..<tokens * rows]))
    }
  }
}
