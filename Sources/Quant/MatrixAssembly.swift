import Synchronization

/// A matrix whose planes arrive in pieces, from several threads and in any order.
///
/// Each piece is brought into its place at once; only stripes that are cut by the end of a piece wait, in memory of
/// their own, until all of them is there.
public final class MatrixAssembly: Sendable {
  private let encoding: any Encoding
  private let rows: Int
  private let columns: Int
  private let planes: [TiledPlane]

  /// Bytes of every plane as it is stored.
  public let planeBytes: [Int]

  /// Takes memory for a matrix.
  public init(encoding: any Encoding, rows: Int, columns: Int) {
    self.encoding = encoding
    self.rows = rows
    self.columns = columns
    planes = encoding.planes.map { TiledPlane($0, rows: rows, columns: columns) }
    planeBytes = encoding.planes.map { $0.storedBytes(rows: rows, columns: columns) }
  }

  /// Puts a piece of a plane into its place.
  ///
  /// - Precondition: the piece lies inside the plane and does not overlap other pieces.
  public func write(_ piece: UnsafeRawBufferPointer, plane: Int, at offset: Int) {
    precondition(
      offset >= 0 && offset + piece.count <= planeBytes[plane], "a piece outside its plane")
    unsafe planes[plane].write(piece, at: offset)
  }

  /// The matrix, once all pieces are there.
  ///
  /// - Throws: an error if an element is not one that the encoding gives.
  public func finished() throws(QuantError) -> EncodedMatrix {
    let matrix = assembled()
    for plane in planes where plane.isMalformed {
      throw .elementOutOfRange(plane: plane.name)
    }
    return matrix
  }

  /// The matrix, whatever its elements.
  func assembled() -> EncodedMatrix {
    EncodedMatrix(
      encoding: encoding, rows: rows, columns: columns, storage: planes.map { $0.finished() })
  }
}

/// One plane of it.
private final class TiledPlane: Sendable {
  let name: String
  private let tiling: PlaneTiling
  private let rows: Int
  private let columns: Int
  private let bytesPerRow: Int
  private let target: AlignedBytes
  /// Stripes that are cut, by their index.
  private let cut = Mutex([Int: [UInt8]]())
  private let misfit = Atomic(false)

  /// Whether an element did not fit into its tile.
  var isMalformed: Bool { misfit.load(ordering: .relaxed) }

  init(_ layout: PlaneLayout, rows: Int, columns: Int) {
    name = layout.name
    tiling = layout.tiling
    self.rows = rows
    self.columns = columns
    bytesPerRow = layout.bytesPerRow(columns)
    target = AlignedBytes(count: layout.byteCount(rows: rows, columns: columns))
  }

  private var stripeBytes: Int { bytesPerRow * PlaneTiling.stripe }

  /// Bytes of a stripe as it is stored; the last may have fewer rows.
  private func storedBytes(ofStripe stripe: Int) -> Int {
    min(stripeBytes, rows * bytesPerRow - stripe * stripeBytes)
  }

  func write(_ piece: UnsafeRawBufferPointer, at offset: Int) {
    guard let source = piece.baseAddress, unsafe !piece.isEmpty else { return }
    if case .rows = tiling {
      unsafe (target.start + offset).copyMemory(from: source, byteCount: piece.count)
      return
    }
    let end = offset + piece.count
    let first = (offset + stripeBytes - 1) / stripeBytes
    let last = end == rows * bytesPerRow ? (end + stripeBytes - 1) / stripeBytes : end / stripeBytes
    if first < last {
      unsafe tile(source + (first * stripeBytes - offset), stripes: first..<last)
    }
    if offset < min(first * stripeBytes, end) {
      unsafe hold(piece, from: offset, to: min(first * stripeBytes, end), pieceStart: offset)
    }
    let rest = max(last, first) * stripeBytes
    if rest < end { unsafe hold(piece, from: rest, to: end, pieceStart: offset) }
  }

  private func tile(_ source: UnsafeRawPointer, stripes: Range<Int>) {
    let tileBytes = tiling.byteCount(
      rows: PlaneTiling.stripe, columns: columns, bytesPerRow: bytesPerRow)
    let firstRow = stripes.lowerBound * PlaneTiling.stripe
    let fits = unsafe tiling.tile(
      source, into: target.start + stripes.lowerBound * tileBytes,
      rows: min(rows, stripes.upperBound * PlaneTiling.stripe) - firstRow, columns: columns,
      bytesPerRow: bytesPerRow)
    if !fits { misfit.store(true, ordering: .relaxed) }
  }

  /// Keeps a part of one stripe.
  private func hold(
    _ piece: UnsafeRawBufferPointer, from start: Int, to end: Int, pieceStart: Int
  ) {
    var place = start
    while place < end {
      let stripe = place / stripeBytes
      let stop = min(end, (stripe + 1) * stripeBytes)
      let part = unsafe Array(piece[place - pieceStart..<stop - pieceStart])
      let held = place - stripe * stripeBytes..<stop - stripe * stripeBytes
      cut.withLock {
        $0[stripe, default: [UInt8](repeating: 0, count: storedBytes(ofStripe: stripe))]
          .replaceSubrange(held, with: part)
      }
      place = stop
    }
  }

  func finished() -> AlignedBytes {
    let stripes = cut.withLock { held in
      defer { held = [:] }
      return held
    }
    for (stripe, bytes) in stripes {
      unsafe bytes.withUnsafeBytes { source in
        guard let start = source.baseAddress else { return }
        unsafe tile(start, stripes: stripe..<stripe + 1)
      }
    }
    return target
  }
}
