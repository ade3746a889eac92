import Quant
import Synchronization
import TestSupport
import Testing

/// Matrices whose planes arrive in pieces.
@Suite struct MatrixAssemblyTests {
  /// Rows around tiles of 16, columns around pairs, groups and super-blocks.
  static let shapes = [(1, 1), (3, 17), (16, 33), (17, 15), (35, 16), (50, 258)]

  private struct Piece: Sendable {
    let plane: Int
    let offset: Int
    let bytes: [UInt8]
  }

  private func encoded(_ encoding: any Encoding, _ rows: Int, _ columns: Int) throws
    -> EncodedMatrix
  {
    try EncodedMatrix(
      .noise(rows: rows, columns: columns, seed: UInt64(rows * 1000 + columns), deviation: 0.05),
      encoding: encoding)
  }

  private func write(_ piece: Piece, to assembly: MatrixAssembly) {
    piece.bytes.withUnsafeBytes { assembly.write($0, plane: piece.plane, at: piece.offset) }
  }

  /// Planes cut into pieces whose sizes are taken in turn.
  private func pieces(_ planes: [[UInt8]], sizes: [Int]) -> [Piece] {
    planes.enumerated().flatMap { plane, bytes in
      var (pieces, offset, turn) = ([Piece](), 0, 0)
      while offset < bytes.count {
        let end = min(bytes.count, offset + sizes[turn % sizes.count])
        pieces.append(Piece(plane: plane, offset: offset, bytes: Array(bytes[offset..<end])))
        (offset, turn) = (end, turn + 1)
      }
      return pieces
    }
  }

  private func expectSame(
    _ found: EncodedMatrix, _ expected: EncodedMatrix, _ comment: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(found.planes == expected.planes, "\(comment)", sourceLocation: sourceLocation)
    #expect(found.expanded() == expected.expanded(), "\(comment)", sourceLocation: sourceLocation)
  }

  @Test(arguments: Encodings.all.map(\.name))
  func `planes cut in two at any byte give the whole`(name: String) throws {
    let encoding = try #require(Encodings.named(name))
    for (rows, columns) in [(3, 17), (17, 5), (35, 3)] {
      let whole = try encoded(encoding, rows, columns)
      let planes = whole.planes
      for (plane, bytes) in planes.enumerated() {
        for cut in 0...bytes.count {
          let assembly = MatrixAssembly(encoding: encoding, rows: rows, columns: columns)
          #expect(assembly.planeBytes == planes.map(\.count))
          for (other, bytes) in planes.enumerated() where other != plane {
            write(Piece(plane: other, offset: 0, bytes: bytes), to: assembly)
          }
          write(Piece(plane: plane, offset: cut, bytes: Array(bytes[cut...])), to: assembly)
          write(Piece(plane: plane, offset: 0, bytes: Array(bytes[..<cut])), to: assembly)
          let found = try assembly.finished().planes
          #expect(found == planes, "\(rows) × \(columns), plane \(plane) cut at \(cut)")
        }
      }
    }
  }

  @Test(arguments: Encodings.all.map(\.name))
  func `pieces of any size in any order give the whole`(name: String) throws {
    let encoding = try #require(Encodings.named(name))
    for (rows, columns) in Self.shapes {
      let whole = try encoded(encoding, rows, columns)
      for sizes in [[1], [2, 3], [7, 1000, 1], [511], [16 * columns, 5]] {
        var pieces = pieces(whole.planes, sizes: sizes)
        for order in 0..<3 {
          if order == 1 { pieces.reverse() }
          if order == 2 {
            var noise = Noise(seed: UInt64(rows + columns))
            pieces.shuffle(using: &noise)
          }
          let assembly = MatrixAssembly(encoding: encoding, rows: rows, columns: columns)
          for piece in pieces { write(piece, to: assembly) }
          try expectSame(
            assembly.finished(), whole, "\(rows) × \(columns) in \(sizes), order \(order)")
        }
      }
    }
  }

  @Test(arguments: ["f32", "bf16", "q8", "q8g16", "q5g256", "q4", "e"])
  func `several threads may write at once`(name: String) throws {
    let encoding = try #require(Encodings.named(name))
    let pool = ThreadPool(threads: 4)
    for (rows, columns) in [(35, 16), (130, 258)] {
      let whole = try encoded(encoding, rows, columns)
      for sizes in [[3, 50], [columns * 16 + 1]] {
        var pieces = pieces(whole.planes, sizes: sizes)
        var noise = Noise(seed: UInt64(sizes.count))
        pieces.shuffle(using: &noise)
        let assembly = MatrixAssembly(encoding: encoding, rows: rows, columns: columns)
        pool.run(pieces.count) { [pieces] in write(pieces[$0], to: assembly) }
        try expectSame(assembly.finished(), whole, "\(rows) × \(columns) in \(sizes)")
      }
    }
  }

  @Test(arguments: Encodings.all.map(\.name))
  func `pieces need no alignment`(name: String) throws {
    let encoding = try #require(Encodings.named(name))
    let whole = try encoded(encoding, 50, 300)
    let assembly = MatrixAssembly(encoding: encoding, rows: 50, columns: 300)
    for (plane, bytes) in whole.planes.enumerated() {
      let shifted = [0] + bytes
      shifted.withUnsafeBytes {
        assembly.write(UnsafeRawBufferPointer(rebasing: $0[1...]), plane: plane, at: 0)
      }
    }
    try expectSame(assembly.finished(), whole, name)
  }

  @Test(arguments: Encodings.all.map(\.name))
  func `rows are cut out at any place`(name: String) throws {
    let encoding = try #require(Encodings.named(name))
    let whole = try encoded(encoding, 50, 273)
    for range in [0..<50, 1..<50, 15..<17, 16..<33, 17..<31, 7..<49, 49..<50, 20..<20] {
      let part = whole.rows(range)
      #expect(part.rows == range.count)
      #expect(part.expanded() == whole.expanded().rows(range), "\(range)")
      let planes = zip(encoding.planes, whole.planes).map { layout, bytes in
        guard !layout.isShared else { return range.isEmpty ? [] : bytes }
        let stride = bytes.count / whole.rows
        return Array(bytes[range.lowerBound * stride..<range.upperBound * stride])
      }
      #expect(part.planes == planes, "\(range)")
    }
  }
}
