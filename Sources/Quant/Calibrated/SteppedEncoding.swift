/// An encoding whose weights are `scale · unit · code`: whole codes, a unit for each group of columns and a
/// half-precision scale for each block of groups.
///
/// Scales and units can be chosen before the codes, so columns can be rounded one after the other.
public protocol SteppedEncoding: Encoding {
  /// The codes there are.
  var codes: ClosedRange<Int> { get }
  /// Columns that share a unit.
  var groupColumns: Int { get }
  /// Columns that share a scale, a multiple of `groupColumns`.
  var blockColumns: Int { get }

  /// Scales and units for rows of at most `blockColumns` columns.
  ///
  /// - Parameter importance: how much an error counts in each column.
  func scales(
    for values: [Float], importance: [Float], rows: Int, columns: Int
  ) -> (scales: [UInt16], units: [Int8])

  /// Refuses values that the encoding has no numbers for.
  func requireRepresentable(_ values: [Float], columns: Int) throws(QuantError)

  /// The planes of rounded rows.
  func planes(_ rows: SteppedRows) -> [[UInt8]]
}

/// Rows as codes, units and scales, each row-major.
public struct SteppedRows: Sendable {
  /// Number of rows.
  public let rows: Int
  /// Number of columns.
  public let columns: Int
  /// Columns that share a unit.
  public let groupColumns: Int
  /// Columns that share a scale.
  public let blockColumns: Int
  /// `[rows, columns]`.
  public var codes: [Int8]
  /// `[rows, ⌈columns / groupColumns⌉]`.
  public var units: [Int8]
  /// Halves, as their bits: `[rows, ⌈columns / blockColumns⌉]`.
  public var scales: [UInt16]

  /// Zeros.
  init(_ encoding: any SteppedEncoding, rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    groupColumns = encoding.groupColumns
    blockColumns = encoding.blockColumns
    codes = [Int8](repeating: 0, count: rows * columns)
    units = [Int8](
      repeating: 0, count: rows * ((columns + groupColumns - 1) / groupColumns))
    scales = [UInt16](
      repeating: 0, count: rows * ((columns + blockColumns - 1) / blockColumns))
  }

  /// Units of a row.
  var groups: Int { (columns + groupColumns - 1) / groupColumns }
  /// Scales of a row.
  var blocks: Int { (columns + blockColumns - 1) / blockColumns }

  /// The columns of a block.
  func columns(ofBlock block: Int) -> Range<Int> {
    block * blockColumns..<min((block + 1) * blockColumns, columns)
  }

  /// Puts the scales and units of one block into their places.
  mutating func set(_ found: (scales: [UInt16], units: [Int8]), block: Int) {
    let (width, first) = (found.units.count / max(1, rows), block * (blockColumns / groupColumns))
    for row in 0..<rows {
      scales[row * blocks + block] = found.scales[row]
      for group in 0..<width {
        units[row * groups + first + group] = found.units[row * width + group]
      }
    }
  }

  /// Takes one row over from rows of the same shape.
  mutating func take(row: Int, from other: SteppedRows) {
    for index in row * columns..<(row + 1) * columns { codes[index] = other.codes[index] }
    for index in row * groups..<(row + 1) * groups { units[index] = other.units[index] }
    for index in row * blocks..<(row + 1) * blocks { scales[index] = other.scales[index] }
  }
}
