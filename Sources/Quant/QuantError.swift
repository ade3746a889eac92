/// Why weights could not be encoded, or encoded ones not be read. The caller knows which tensor it was.
public enum QuantError: Error, Equatable, CustomStringConvertible {
  /// A value is NaN or infinite.
  case nonFinite(row: Int, column: Int)
  /// A value is too large for the encoding's numbers, or its group's scale for a half.
  case scaleOutOfRange(row: Int, column: Int, value: Float, limit: Float)
  /// A stored element is not one that the encoding gives.
  case elementOutOfRange(plane: String)

  /// The same error in a larger matrix, of which the encoded rows are those from `rows` on.
  public func moved(byRows rows: Int) -> QuantError {
    switch self {
    case .nonFinite(let row, let column): .nonFinite(row: rows + row, column: column)
    case .scaleOutOfRange(let row, let column, let value, let limit):
      .scaleOutOfRange(row: rows + row, column: column, value: value, limit: limit)
    case .elementOutOfRange: self
    }
  }

  /// One sentence in lower case.
  public var description: String {
    switch self {
    case .nonFinite(let row, let column):
      "the value at row \(row), column \(column) is not finite"
    case .scaleOutOfRange(let row, let column, let value, let limit):
      "the value \(value) at row \(row), column \(column) is too large for the encoding; at most \(limit) was expected"
    case .elementOutOfRange(let plane):
      "an element of “\(plane)” is larger than the encoding allows"
    }
  }
}
