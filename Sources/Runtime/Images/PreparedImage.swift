/// What a vision encoder takes: three planes of floats.
public struct PreparedImage: Sendable, Equatable {
  /// Planes: red, green, blue.
  public let channels = 3
  /// Number of rows.
  public let height: Int
  /// Values in a row.
  public let width: Int
  /// The planes one after another: `[channels, height, width]`, row-major.
  public let values: [Float]

  /// Wraps planes that are already prepared.
  public init(height: Int, width: Int, values: [Float]) {
    self.height = height
    self.width = width
    self.values = values
  }
}
