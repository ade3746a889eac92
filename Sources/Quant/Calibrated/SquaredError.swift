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

  /// The sums of both.
  public static func + (left: SquaredError, right: SquaredError) -> SquaredError {
    SquaredError(signal: left.signal + right.signal, error: left.error + right.error)
  }
}
