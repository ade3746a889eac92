/// Why weights could not be encoded. The caller knows which tensor it was.
public enum QuantError: Error, Equatable, CustomStringConvertible {
  /// A value is NaN or infinite.
  case nonFinite(row: Int, column: Int)
  /// A group's scale does not fit a half-precision number.
  case scaleOutOfRange(row: Int, column: Int, value: Float, limit: Float)

  /// One sentence in lower case.
  public var description: String {
    switch self {
    case .nonFinite(let row, let column):
      "the value at row \(row), column \(column) is not finite"
    case .scaleOutOfRange(let row, let column, let value, let limit):
      "the value \(value) at row \(row), column \(column) is too large for a half-precision scale; at most \(limit) was expected"
    }
  }
}
