import Quant
import TestSupport
import Testing

/// Sizes around one, a group of 16 and a super-block of 256, and a larger one that is no multiple of anything.
private let raggedSizes = [1, 3, 15, 16, 17, 255, 256, 257, 300]

/// Rows and columns, each ragged size in both places.
private let raggedShapes = raggedSizes.flatMap { rows in raggedSizes.map { (rows, $0) } }

@Suite struct EncodingTests {
  static let names = Encodings.all.map(\.name)

  private func encoding(_ name: String) throws -> any Encoding {
    try #require(Encodings.named(name))
  }

  private func sample(_ rows: Int, _ columns: Int) -> Matrix {
    .noise(rows: rows, columns: columns, seed: UInt64(rows * 1000 + columns), deviation: 0.05)
  }

  @Test func `every name is unique and leads back to its encoding`() {
    #expect(Set(Self.names).count == Self.names.count)
    for encoding in Encodings.all {
      #expect(Encodings.named(encoding.name)?.name == encoding.name)
      #expect(
        Encodings.named(encoding.name)?.bitsPerWeight(rows: 7, columns: 300)
          == encoding.bitsPerWeight(rows: 7, columns: 300))
    }
  }

  @Test(arguments: ["", "q", "q3", "q8g", "q8g64", "q8g65", "Q8", "f64", "q4g64", "e4"])
  func `a name that is not offered leads nowhere`(name: String) {
    #expect(Encodings.named(name) == nil)
  }

  @Test(arguments: [
    ("f32", 32.0), ("f16", 16), ("bf16", 16), ("q8", 8.25), ("q6g16", 7), ("q4", 4.5625),
  ])
  func `bits of a weight count the scales`(name: String, bits: Double) throws {
    // Whole codes, 16 bits of scale for a group, 8 and 16 bits for the scales of q4.
    #expect(try encoding(name).bitsPerWeight(rows: 48, columns: 512) == bits)
  }

  @Test(arguments: [
    ("f16", 3 * 17 * 2), ("q8", 16 * 32 + 16 * 2), ("q6", 16 * 24 + 16 * 2),
    ("q4", 16 * 16 + 16 * 2 + 16 * 2), ("e", 16 * 32 + 16 * 2 + 17 * 2),
  ])
  func `coded matrices take whole tiles of 16 rows and columns`(name: String, bytes: Int) throws {
    let encoded = try EncodedMatrix(sample(3, 17), encoding: encoding(name))
    #expect(encoded.byteCount == bytes)
    #expect(encoded.encoding.byteCount(rows: 3, columns: 17) == bytes)
  }

  @Test(arguments: names)
  func `planes have the sizes that the layout states and are given back`(name: String) throws {
    let encoding = try encoding(name)
    for (rows, columns) in raggedShapes {
      let matrix = sample(rows, columns)
      let planes = try encoding.encode(matrix.values, rows: rows, columns: columns)
      let expected = encoding.planes.map { $0.storedBytes(rows: rows, columns: columns) }
      #expect(planes.map(\.count) == expected, "\(rows) × \(columns)")
      let encoded = try EncodedMatrix(
        encoding: encoding, rows: rows, columns: columns, planes: planes)
      #expect(encoded.planes == planes, "\(rows) × \(columns)")
      #expect(encoded.byteCount == encoding.byteCount(rows: rows, columns: columns))
      for (layout, plane) in zip(encoding.planes, planes) {
        #expect(plane.count % layout.elementBytes == 0)
        #expect(layout.takes(plane.count, rows: rows, columns: columns))
        #expect(!layout.takes(plane.count + 1, rows: rows, columns: columns))
      }
    }
  }

  @Test(arguments: names)
  func `blocks of rows give the bytes of the whole`(name: String) throws {
    let encoding = try encoding(name)
    for (rows, columns) in raggedShapes {
      let matrix = sample(rows, columns)
      let whole = try encoding.encode(matrix.values, rows: rows, columns: columns)
      var joined = [[UInt8]](repeating: [], count: whole.count)
      for start in stride(from: 0, to: rows, by: 7) {
        let block = matrix.rows(start..<min(start + 7, rows))
        let planes = try encoding.encode(block.values, rows: block.rows, columns: columns)
        for (index, layout) in encoding.planes.enumerated() {
          // What belongs to all rows comes with every block.
          joined[index] = layout.isShared ? planes[index] : joined[index] + planes[index]
        }
      }
      #expect(joined == whole, "\(rows) × \(columns)")
    }
  }

  @Test(arguments: names)
  func `expanding a range gives that part of the whole`(name: String) throws {
    let encoding = try encoding(name)
    for (rows, columns) in raggedShapes {
      let encoded = try EncodedMatrix(sample(rows, columns), encoding: encoding)
      let whole = encoded.expanded()
      for range in [0..<rows, 0..<0, 0..<1, rows / 2..<rows, rows - 1..<rows, rows / 5..<rows / 2] {
        #expect(
          encoded.expanded(rows: range) == whole.rows(range), "\(rows) × \(columns), \(range)")
        #expect(
          encoded.rows(range).expanded() == whole.rows(range), "\(rows) × \(columns), \(range)")
      }
    }
  }

  @Test(arguments: names)
  func `rows of zeros stay zeros`(name: String) throws {
    let encoding = try encoding(name)
    var matrix = sample(3, 300)
    matrix.values.replaceSubrange(300..<600, with: repeatElement(0, count: 300))
    let expanded = try EncodedMatrix(matrix, encoding: encoding).expanded()
    #expect(expanded.rows(1..<2).values.allSatisfy { $0 == 0 })
    #expect(expanded.rows(0..<1).values.contains { $0 != 0 })
    #expect(expanded.rows(2..<3).values.contains { $0 != 0 })
  }

  @Test(arguments: names)
  func `a matrix without rows has empty planes`(name: String) throws {
    let encoded = try EncodedMatrix(Matrix(rows: 0, columns: 17), encoding: encoding(name))
    #expect(encoded.byteCount == 0)
    #expect(encoded.expanded() == Matrix(rows: 0, columns: 17))
  }
}
