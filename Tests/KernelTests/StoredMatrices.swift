/// Where the elements of a matrix lie in tiles, written from the layouts in tiles.h of CKernels.
struct TileLayout {
  let shape: Shape
  let stripes: Int
  let padded: Int

  init(_ shape: Shape) {
    self.shape = shape
    stripes = (shape.rows + 15) / 16
    padded = (shape.columns + 15) / 16 * 16
  }

  /// Scales of `[rows][groups]`, the rows that are not there filled with `padding`.
  func scales<Element>(_ scales: [Element], groups: Int, padding: Element) -> [Element] {
    var tiles = [Element](repeating: padding, count: stripes * groups * 16)
    for row in 0..<shape.rows {
      for group in 0..<groups {
        tiles[(row / 16 * groups + group) * 16 + row % 16] = scales[row * groups + group]
      }
    }
    return tiles
  }
}

/// A matrix of random codes of eight or six bits, and what it stands for.
struct StoredCodes {
  let bits: Int
  let shape: Shape
  let groupSize: Int
  let codes: [Int8]
  let scales: [UInt16]

  init(random: inout Seeded, bits: Int, shape: Shape, groupSize: Int) {
    self.bits = bits
    self.shape = shape
    self.groupSize = groupSize
    codes = random.codes(shape.count, within: Int8(1 << (bits - 1) - 1))
    scales = random.scales(shape.rows * ((shape.columns + groupSize - 1) / groupSize))
  }

  /// A matrix of one code with scales of one.
  init(code: Int8, bits: Int, shape: Shape, groupSize: Int) {
    self.bits = bits
    self.shape = shape
    self.groupSize = groupSize
    codes = [Int8](repeating: code, count: shape.count)
    scales = [UInt16](
      repeating: Float16(1).bitPattern,
      count: shape.rows * ((shape.columns + groupSize - 1) / groupSize))
  }

  var groups: Int { (shape.columns + groupSize - 1) / groupSize }

  func scale(_ row: Int, _ column: Int) -> Float {
    Float(Float16(bitPattern: scales[row * groups + column / groupSize]))
  }

  var values: [Float] {
    codes.indices.map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: shape.columns)
      return Float(codes[index]) * scale(row, column)
    }
  }

  /// What is added to a code where it lies.
  var offset: Int { 1 << (bits - 1) }

  /// The codes in tiles, with `padding`, or code 0, where no code is.
  func tiles(padding: UInt8? = nil) -> [UInt8] {
    let layout = TileLayout(shape)
    let zeros: [UInt8] =
      bits == 8
      ? [UInt8](repeating: 128, count: 256)
      : [UInt8](repeating: 0, count: 128) + [UInt8](repeating: 0b1010_1010, count: 64)
    let group = padding.map { [UInt8](repeating: $0, count: zeros.count) } ?? zeros
    var tiles = (0..<layout.stripes * layout.padded / 16).flatMap { _ in group }
    for (index, code) in codes.enumerated() {
      let (row, column) = index.quotientAndRemainder(dividingBy: shape.columns)
      let group = (row / 16 * layout.padded / 16 + column / 16) * 32 * bits
      let place = row % 16 * 4 + column % 4, four = column % 16 / 4
      let stored = UInt8(Int(code) + offset)
      if bits == 8 {
        tiles[group + four * 64 + place] = stored
      } else {
        let (low, high) = (group + four / 2 * 64 + place, group + 128 + place)
        let (nibble, pair) = (four % 2 * 4, four * 2)
        tiles[low] = tiles[low] & ~(15 << nibble) | (stored & 15) << nibble
        tiles[high] = tiles[high] & ~(3 << pair) | (stored >> 4) << pair
      }
    }
    return tiles
  }

  func tiledScales(padding: UInt16) -> [UInt16] {
    TileLayout(shape).scales(scales, groups: groups, padding: padding)
  }
}

/// A q4 matrix of random bytes, and what it stands for.
struct StoredQ4 {
  let shape: Shape
  let codes: [UInt8]
  let subScales: [Int8]
  let superScales: [UInt16]

  init(random: inout Seeded, shape: Shape) {
    self.init(
      codes: random.bytes(shape.rows * ((shape.columns + 1) / 2)),
      subScales: random.codes(shape.rows * ((shape.columns + 15) / 16), within: 31),
      superScales: random.scales(shape.rows * ((shape.columns + 255) / 256)), shape: shape)
  }

  init(codes: [UInt8], subScales: [Int8], superScales: [UInt16], shape: Shape) {
    self.shape = shape
    self.codes = codes
    self.subScales = subScales
    self.superScales = superScales
  }

  /// A matrix of one byte of codes and one sub-scale with super-scales of one.
  init(byte: UInt8, subScale: Int8, shape: Shape) {
    self.init(
      codes: [UInt8](repeating: byte, count: shape.rows * ((shape.columns + 1) / 2)),
      subScales: [Int8](repeating: subScale, count: shape.rows * ((shape.columns + 15) / 16)),
      superScales: [UInt16](
        repeating: Float16(1).bitPattern, count: shape.rows * ((shape.columns + 255) / 256)),
      shape: shape)
  }

  var groups: Int { (shape.columns + 15) / 16 }
  var blocks: Int { (shape.columns + 255) / 256 }

  private func nibble(_ row: Int, _ column: Int) -> UInt8 {
    let byte = codes[row * ((shape.columns + 1) / 2) + column / 2]
    return column % 2 == 0 ? byte & 15 : byte >> 4
  }

  /// The code times its sub-scale.
  func number(_ row: Int, _ column: Int) -> Int {
    (Int(nibble(row, column)) - 8) * Int(subScales[row * groups + column / 16])
  }

  func superScale(_ row: Int, _ column: Int) -> Float {
    Float(Float16(bitPattern: superScales[row * blocks + column / 256]))
  }

  var values: [Float] {
    (0..<shape.count).map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: shape.columns)
      return superScale(row, column) * Float(number(row, column))
    }
  }

  /// The codes in tiles, with the nibbles of `padding` where no code is; the unused nibble of a row keeps its value.
  func tiles(padding: UInt8) -> [UInt8] {
    let layout = TileLayout(shape)
    var tiles = [UInt8](repeating: padding, count: layout.stripes * layout.padded * 8)
    for row in 0..<shape.rows {
      for column in 0..<(shape.columns + 1) / 2 * 2 {
        let vector = row / 16 * layout.padded / 8 + column / 8
        let place = vector * 64 + row % 16 * 4 + column % 4
        let code = nibble(row, column)
        tiles[place] = column % 8 < 4 ? tiles[place] & 0xf0 | code : tiles[place] & 15 | code << 4
      }
    }
    return tiles
  }

  func tiledSubScales(padding: Int8) -> [Int8] {
    TileLayout(shape).scales(subScales, groups: groups, padding: padding)
  }

  func tiledSuperScales(padding: UInt16) -> [UInt16] {
    TileLayout(shape).scales(superScales, groups: blocks, padding: padding)
  }
}
