/// Sums of squares of some numbers and of the errors in them.
public struct SquaredError: Sendable, Equatable {
  /// Of the numbers.
  public var signal = 0.0
  /// Of the errors.
  public var error = 0.0

  /// Nothing yet.
  public init() {}

  init(signal: Double, error: Double) {
    self.signal = signal
    self.error = error
  }

  /// The sums over numbers and over the errors in them.
  package init(_ values: [Float], errors: [Float]) {
    signal = Self.square(values)
    error = Self.square(errors)
  }

  private static func square(_ values: [Float]) -> Double {
    values.reduce(0) { $0 + Double($1) * Double($1) }
  }

  /// The sums of both.
  public static func + (left: SquaredError, right: SquaredError) -> SquaredError {
    SquaredError(signal: left.signal + right.signal, error: left.error + right.error)
  }
}
