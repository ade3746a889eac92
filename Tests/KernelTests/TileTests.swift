import CKernels
import Testing

@Suite struct TileTests {
  /// Group sizes that encodings offer.
  static let groupSizes = [16, 32, 64, 128, 256]

  /// Widths of codes with single scales.
  static let widths = [8, 6]

  /// Ranges of rows, on and off the bounds of tiles.
  static func ranges(_ rows: Int) -> [Range<Int>] {
    [0..<rows, rows / 2..<rows, min(1, rows)..<rows, 0..<min(rows, 17)]
  }

  @Test(arguments: InstructionSet.all, Shape.ragged)
  func `codes and scales of q8 and q6 lie in tiles, padded with zeros`(
    set: InstructionSet, shape: Shape
  ) throws {
    let kernels = try set.kernels
    var random = Seeded(shape.count)
    for (bits, groupSize) in product(Self.widths, Self.groupSizes) {
      let stored = StoredCodes(random: &random, bits: bits, shape: shape, groupSize: groupSize)
      let tiles = stored.tiles()
      let found: [UInt8] = filled(tiles.count) {
        if bits == 8 {
          kernels.q8_tile($0, stored.codes, shape.rows, shape.columns)
        } else {
          #expect(kernels.q6_tile($0, stored.codes, shape.rows, shape.columns) != 0)
        }
      }
      #expect(found == tiles)
      let scales = stored.tiledScales(padding: 0)
      let foundScales = filled(scales.count) {
        kernels.tile_halves($0, stored.scales, shape.rows, stored.groups)
      }
      #expect(foundScales == scales)
    }
  }

  @Test(arguments: InstructionSet.all)
  func `a code that does not fit into six bits is told of`(set: InstructionSet) throws {
    let kernels = try set.kernels
    let shape = Shape(19, 37)
    let cases = [(-128, false), (-33, false), (-32, true), (31, true), (32, false), (127, false)]
    for (code, fits) in cases {
      for place in [0, 20, 16 * 37, shape.count - 1] {
        var codes = [Int8](repeating: -1, count: shape.count)
        codes[place] = Int8(code)
        _ = filled(2 * 3 * 192) { (tiles: UnsafeMutablePointer<UInt8>) in
          #expect((kernels.q6_tile(tiles, codes, shape.rows, shape.columns) != 0) == fits)
        }
      }
    }
  }

  @Test(arguments: InstructionSet.all, Shape.ragged)
  func `codes and scales of q4 lie in tiles, padded with zeros`(
    set: InstructionSet, shape: Shape
  ) throws {
    let kernels = try set.kernels
    var random = Seeded(shape.count)
    let stored = StoredQ4(random: &random, shape: shape)
    let tiles = stored.tiles(padding: 0)
    let found = filled(tiles.count) { kernels.q4_tile($0, stored.codes, shape.rows, shape.columns) }
    #expect(found == tiles)
    let subScales = stored.tiledSubScales(padding: 0)
    let foundSubScales = filled(subScales.count) {
      kernels.tile_bytes($0, stored.subScales, shape.rows, stored.groups)
    }
    #expect(foundSubScales == subScales)
  }

  @Test(arguments: InstructionSet.all, Shape.ragged)
  func `tiles of q8 and q6 expand to the bits that they stand for`(
    set: InstructionSet, shape: Shape
  ) throws {
    let kernels = try set.kernels
    var random = Seeded(shape.count)
    for (bits, groupSize) in product(Self.widths, Self.groupSizes) {
      let stored = StoredCodes(random: &random, bits: bits, shape: shape, groupSize: groupSize)
      let expand = bits == 8 ? kernels.q8_expand : kernels.q6_expand
      let (tiles, scales) = (stored.tiles(padding: 0x5a), stored.tiledScales(padding: 0x7e00))
      for rows in Self.ranges(shape.rows) {
        let expanded = filled(rows.count * shape.columns) {
          expand?(
            $0, tiles, scales, rows.lowerBound, rows.count, shape.columns, groupSize)
        }
        let part = rows.lowerBound * shape.columns..<rows.upperBound * shape.columns
        #expect(expanded == Array(stored.values[part]))
      }
    }
  }

  @Test(arguments: InstructionSet.all, Shape.ragged)
  func `tiles of q4 expand to the bits that they stand for`(
    set: InstructionSet, shape: Shape
  ) throws {
    let kernels = try set.kernels
    var random = Seeded(shape.count)
    let stored = StoredQ4(random: &random, shape: shape)
    let (tiles, values) = (stored.tiles(padding: 0xa5), stored.values)
    let subScales = stored.tiledSubScales(padding: -7)
    let superScales = stored.tiledSuperScales(padding: 0x7e00)
    for rows in Self.ranges(shape.rows) {
      let expanded = filled(rows.count * shape.columns) {
        kernels.q4_expand(
          $0, tiles, subScales, superScales, rows.lowerBound, rows.count, shape.columns)
      }
      #expect(
        expanded
          == Array(values[rows.lowerBound * shape.columns..<rows.upperBound * shape.columns]))
    }
  }
}
