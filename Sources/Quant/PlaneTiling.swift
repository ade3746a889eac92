import CKernels

/// How a plane lies in memory when products read it: in rows, or in tiles of 16 rows.
///
/// tiles.h of CKernels describes the tiles. What is stored and exchanged is always in rows.
enum PlaneTiling: Sendable {
  /// As stored.
  case rows
  /// One byte an element: int8 codes, four columns of a row together, 128 added.
  case codes
  /// The same in six bits.
  case sixes
  /// Two 4-bit codes to a byte.
  case nibbles
  /// Two bytes an element, a scale for each row and group.
  case halves
  /// One byte an element, a sub-scale for each row and group.
  case bytes

  /// Rows of a tile.
  static let stripe = 16

  /// Bytes in memory of a plane whose rows take `bytesPerRow` bytes.
  func byteCount(rows: Int, columns: Int, bytesPerRow: Int) -> Int {
    let padded = (columns + Self.stripe - 1) / Self.stripe * Self.stripe
    let allRows = (rows + Self.stripe - 1) / Self.stripe * Self.stripe
    return switch self {
    case .rows: rows * bytesPerRow
    case .codes: allRows * padded
    case .sixes: allRows * padded / 4 * 3
    case .nibbles: allRows * padded / 2
    case .halves, .bytes: allRows * bytesPerRow
    }
  }

  /// Brings rows, the first of which is the first of a stripe, into tiles.
  ///
  /// - Returns: whether all elements fit into theirs.
  func tile(
    _ source: UnsafeRawPointer, into target: UnsafeMutableRawPointer, rows: Int, columns: Int,
    bytesPerRow: Int
  ) -> Bool {
    switch self {
    case .rows:
      unsafe target.copyMemory(from: source, byteCount: rows * bytesPerRow)
    case .codes:
      unsafe vk_q8_tile(
        target.assumingMemoryBound(to: UInt8.self), source.assumingMemoryBound(to: Int8.self),
        rows, columns)
    case .sixes:
      return unsafe vk_q6_tile(
        target.assumingMemoryBound(to: UInt8.self), source.assumingMemoryBound(to: Int8.self),
        rows, columns) != 0
    case .nibbles:
      unsafe vk_q4_tile(
        target.assumingMemoryBound(to: UInt8.self), source.assumingMemoryBound(to: UInt8.self),
        rows, columns)
    case .halves:
      unsafe withAlignedHalves(source, byteCount: rows * bytesPerRow) { halves in
        unsafe vk_tile_halves(
          target.assumingMemoryBound(to: UInt16.self), halves, rows, bytesPerRow / 2)
      }
    case .bytes:
      unsafe vk_tile_bytes(
        target.assumingMemoryBound(to: Int8.self), source.assumingMemoryBound(to: Int8.self),
        rows, bytesPerRow)
    }
    return true
  }

  /// Calls `body` with the same halves at an address where halves may lie; pieces of planes begin anywhere.
  private func withAlignedHalves(
    _ source: UnsafeRawPointer, byteCount: Int, _ body: (UnsafePointer<UInt16>) -> Void
  ) {
    guard UInt(bitPattern: source) % 2 != 0 else {
      return unsafe body(source.assumingMemoryBound(to: UInt16.self))
    }
    unsafe withUnsafeTemporaryAllocation(of: UInt16.self, capacity: byteCount / 2) { copy in
      guard let start = copy.baseAddress else { return }
      unsafe UnsafeMutableRawPointer(start).copyMemory(from: source, byteCount: byteCount)
      unsafe body(start)
    }
  }

  /// One row as it is stored.
  func row(
    _ row: Int, of tiles: UnsafeRawBufferPointer, columns: Int, bytesPerRow: Int
  ) -> [UInt8] {
    let (stripe, lane) = row.quotientAndRemainder(dividingBy: Self.stripe)
    let stripeBytes = byteCount(rows: 1, columns: columns, bytesPerRow: bytesPerRow)
    let start = stripe * stripeBytes
    return (0..<bytesPerRow).map { index in
      switch self {
      case .rows: unsafe tiles[row * bytesPerRow + index]
      case .codes:
        unsafe tiles[start + index / 4 * 64 + lane * 4 + index % 4] ^ 0x80
      case .sixes: unsafe six(index, lane, start, tiles)
      case .nibbles:
        unsafe nibble(2 * index, lane, start, tiles)
          | nibble(2 * index + 1, lane, start, tiles) << 4
      case .halves:
        unsafe tiles[start + (index / 2 * Self.stripe + lane) * 2 + index % 2]
      case .bytes: unsafe tiles[start + index * Self.stripe + lane]
      }
    }
  }

  private func six(
    _ column: Int, _ lane: Int, _ start: Int, _ tiles: UnsafeRawBufferPointer
  ) -> UInt8 {
    let group = start + column / Self.stripe * 192
    let low = unsafe nibble(column % Self.stripe, lane, group, tiles)
    let high = unsafe tiles[group + 128 + lane * 4 + column % 4]
    // Taking 32 off again leaves the sign in all upper bits.
    return (low | (high >> UInt8(column % Self.stripe / 4 * 2) & 3) << 4) &- 32
  }

  private func nibble(
    _ column: Int, _ lane: Int, _ start: Int, _ tiles: UnsafeRawBufferPointer
  ) -> UInt8 {
    let byte = unsafe tiles[start + column / 8 * 64 + lane * 4 + column % 4]
    return column % 8 < 4 ? byte & 15 : byte >> 4
  }
}
