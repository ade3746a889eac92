import Foundation
import Testing

@testable import Format

/// Codes whose size differs between the rows or the columns of their matrix.
@Suite struct ClassedCompressionTests {
  /// A part of a matrix.
  struct Case: Sendable, CustomTestStringConvertible {
    let axis: LineClasses.Axis
    let part: MatrixPart

    init(_ axis: LineClasses.Axis, bytes: Int, width: Int, firstColumn: Int = 0) {
      self.axis = axis
      part = MatrixPart(byteCount: bytes, width: width, firstColumn: firstColumn)
    }

    var testDescription: String {
      "\(axis), \(part.byteCount) bytes, \(part.width) a row from \(part.firstColumn)"
    }

    /// Codes of up to 1, 3, 7, … 127 by line.
    func codes(seed: UInt64 = 5) -> [UInt8] {
      noise(part.byteCount, seed: seed).enumerated().map { index, byte in
        // Lines of like size do not follow each other.
        let bits = 1 + line(index) * 5 % 7
        return byte & UInt8(1 << bits - 1)
      }
    }

    func line(_ index: Int) -> Int {
      let place = index + part.firstColumn
      return axis == .rows ? place / part.width : place % part.width
    }
  }

  /// Whole rows; incomplete ones at both ends; the size of a block.
  static let cases = LineClasses.Axis.allCases.flatMap { axis in
    [
      Case(axis, bytes: 60 * 200, width: 200),
      Case(axis, bytes: 50_021, width: 333, firstColumn: 332),
      Case(axis, bytes: 29_999, width: 256, firstColumn: 1),
      Case(axis, bytes: 1 << 20, width: 768, firstColumn: 512),
    ]
  }

  private func entropy(_ bytes: some Sequence<UInt8>) -> Double {
    var counts = [Double](repeating: 0, count: 256)
    for byte in bytes { counts[Int(byte)] += 1 }
    let total = counts.reduce(0, +)
    return counts.filter { $0 > 0 }.reduce(0) { $0 - $1 * log2($1 / total) } / 8
  }

  @Test(arguments: cases)
  func `codes take the entropies of their lines rather than that of all`(_ example: Case) throws {
    let codes = example.codes()
    let content = BlockContent.unevenCodes(example.part)
    let (codec, bytes) = try #require(Codec.zstd.encode(codes, content: content))
    #expect(codec == .classedRANS)
    #expect(codec.decompress(bytes.span.bytes, length: codes.count) == codes)
    // Of the seven sizes, each has lines of its own; eight classes of equally many lines mix two sizes now and then.
    let whole = entropy(codes)
    let sizes = Dictionary(grouping: codes.indices) { example.line($0) * 5 % 7 }
    let least = sizes.values.reduce(0) { $0 + entropy($1.map { codes[$0] }) }
    let tablesAndHeader = 8.0 * 257 + 138 + 3 / 8 * 768
    #expect(Double(bytes.count) < (3 * least + whole) / 4 + tablesAndHeader)
  }

  @Test(arguments: cases)
  func `neither cut nor extended streams are read`(_ example: Case) throws {
    let codes = example.codes()
    let bytes = try #require(ClassedRANS.compress(codes, of: example.part))
    func read(_ bytes: [UInt8], length: Int) -> [UInt8]? {
      ClassedRANS.decompress(bytes.span.bytes, length: length)
    }
    for count in [0, 1, 9, 10, 11, bytes.count / 2, bytes.count - 1] {
      #expect(read(Array(bytes.prefix(count)), length: codes.count) == nil)
    }
    #expect(read(bytes + [0], length: codes.count) == nil)
    for length in [0, 1, codes.count - 1, codes.count + 1] {
      #expect(read(bytes, length: length) == nil)
    }
  }

  @Test func `a header that says something impossible is refused`() throws {
    let example = Case(.rows, bytes: 30_000, width: 300)
    let bytes = try #require(ClassedRANS.compress(example.codes(), of: example.part))
    func isRead(_ changes: [(at: Int, to: UInt8)]) -> Bool {
      var changed = bytes
      for (place, byte) in changes { changed[place] = byte }
      return ClassedRANS.decompress(changed.span.bytes, length: 30_000) != nil
    }
    #expect(isRead([]))
    #expect(!isRead([(at: 0, to: 2)]), "neither rows nor columns")
    #expect(!isRead([(at: 1, to: 0)]), "numbers of no bits")
    #expect(!isRead([(at: 1, to: 5)]), "numbers of too many bits")
    #expect(!isRead([(at: 2, to: 0), (at: 3, to: 0)]), "rows of no bytes")
    #expect(!isRead([(at: 5, to: 1)]), "rows of more bytes than a block")
    #expect(!isRead([(at: 6, to: 44), (at: 7, to: 1)]), "a first column behind the last")
    // A hundred numbers of three bits leave four bits.
    #expect(!isRead([(at: 10 + 37, to: bytes[10 + 37] | 0x80)]), "a bit behind the last number")
    #expect(!isRead((10..<47).map { (at: $0, to: 0) }), "classes without bytes")
  }

  @Test func `damage is refused or decompresses to its length, and nothing traps`() throws {
    let example = Case(.columns, bytes: 5000, width: 50, firstColumn: 7)
    let bytes = try #require(ClassedRANS.compress(example.codes(), of: example.part))
    var refused = 0
    for (position, change) in zip(bytes.indices, noise(bytes.count)) {
      var damaged = bytes
      damaged[position] ^= change | 1
      let content = ClassedRANS.decompress(damaged.span.bytes, length: 5000)
      if content == nil { refused += 1 } else { #expect(content?.count == 5000) }
    }
    #expect(refused > bytes.count / 2)
  }

  @Test func `codes alike everywhere have no classes`() {
    let part = MatrixPart(byteCount: 1 << 17, width: 512, firstColumn: 0)
    #expect(ClassedRANS.compress(mildNoise(1 << 17), of: part) == nil)
  }

  @Test(arguments: [(1, 1, 0), (1, 5, 4), (5, 5, 0), (6, 5, 4), (9, 3, 1), (2, 10, 3), (12, 1, 0)])
  func `rows and columns of a part have its bytes`(count: Int, width: Int, first: Int) {
    let part = MatrixPart(byteCount: count, width: width, firstColumn: first)
    let places = (0..<count).map { (row: ($0 + first) / width, column: ($0 + first) % width) }
    #expect(part.rowCount == (places.map(\.row).max() ?? 0) + 1)
    for row in 0..<part.rowCount {
      #expect(Array(part.bytes(ofRow: row)) == (0..<count).filter { places[$0].row == row })
    }
    for column in 0..<width {
      #expect(part.byteCount(ofColumn: column) == places.count { $0.column == column })
    }
  }
}
