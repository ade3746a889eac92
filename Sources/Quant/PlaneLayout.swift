/// One plane of an encoding.
public struct PlaneLayout: Sendable {
  /// The plane's name in the pack.
  public let name: String
  /// Bytes of one element, which decides how the pack rearranges the plane before it compresses.
  public let elementBytes: Int
  /// Whether the plane belongs to all rows together. Otherwise each row has a part of it, one after the other.
  public let isShared: Bool
  /// Whether the plane has a byte for each weight, and their size differs between rows or columns.
  public let isUneven: Bool

  /// How the plane lies in memory; a shared one always as stored.
  let tiling: PlaneTiling

  private let elements: @Sendable (_ columns: Int) -> Int

  /// Describes a plane with `elements(columns)` elements in a row.
  init(
    _ name: String, elementBytes: Int, tiling: PlaneTiling = .rows, isUneven: Bool = false,
    elements: @escaping @Sendable (_ columns: Int) -> Int
  ) {
    self.name = name
    self.elementBytes = elementBytes
    self.tiling = tiling
    self.elements = elements
    self.isUneven = isUneven
    isShared = false
  }

  /// Describes a plane with one element for each column.
  init(shared name: String, elementBytes: Int) {
    self.name = name
    self.elementBytes = elementBytes
    tiling = .rows
    elements = { $0 }
    isShared = true
    isUneven = false
  }

  /// Bytes of the part of one row; of a shared plane there is none.
  func bytesPerRow(_ columns: Int) -> Int { isShared ? 0 : elements(columns) * elementBytes }

  /// Bytes of the whole plane, as stored, of a matrix of this shape. A matrix without rows has none.
  public func storedBytes(rows: Int, columns: Int) -> Int {
    elements(columns) * elementBytes * (isShared ? min(rows, 1) : rows)
  }

  /// Whether the plane of a matrix of up to 2⁴⁰ columns has that many bytes; the product with the rows may be too large
  /// for a number.
  public func takes(_ bytes: Int, rows: Int, columns: Int) -> Bool {
    let (whole, overflow) = bytesPerRow(columns).multipliedReportingOverflow(by: rows)
    return !overflow && bytes == (isShared ? storedBytes(rows: rows, columns: columns) : whole)
  }

  /// Bytes in memory that the plane of a matrix of this shape takes, or of its first rows.
  func byteCount(rows: Int, columns: Int) -> Int {
    isShared
      ? storedBytes(rows: rows, columns: columns)
      : tiling.byteCount(rows: rows, columns: columns, bytesPerRow: bytesPerRow(columns))
  }

  /// The bytes in memory of some rows, the first of which is the first of a tile.
  func bytes(of rows: Range<Int>, columns: Int) -> Range<Int> {
    let start = isShared ? 0 : byteCount(rows: rows.lowerBound, columns: columns)
    return start..<start + byteCount(rows: rows.count, columns: columns)
  }
}
