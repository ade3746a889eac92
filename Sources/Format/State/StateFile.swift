/// Arrays of floats that a model remembers after a text, as they are kept in one file. See docs/format.md.
///
/// This type knows the bytes only; which arrays there must be is for the model to say.
public struct StateFile: Sendable, Equatable {
  /// One array.
  public struct Values: Sendable, Equatable {
    /// What it is, unique in the file.
    public let name: String
    /// Sizes, outermost first.
    public let shape: [Int]
    /// The elements, row-major.
    public let values: [Float]

    /// Wraps elements.
    ///
    /// - Precondition: `values.count` is the product of `shape`.
    public init(name: String, shape: [Int], values: [Float]) {
      precondition(values.count == shape.reduce(1, *), "a shape and its elements must agree")
      self.name = name
      self.shape = shape
      self.values = values
    }
  }

  /// The largest values of what is accepted.
  enum Limit {
    static let headerSize = 16 << 20
    static let payloadSize = 1 << 32
    static let arrayCount = 1 << 17
    static let rank = 8
  }

  static let formatName = "vlms"
  static let floatSize = MemoryLayout<Float>.size

  /// Which model the arrays belong to: 64 lower-case hexadecimal digits.
  public let model: String
  /// The arrays in the order of the file.
  public let arrays: [Values]

  /// Gathers what a model remembers.
  public init(model: String, arrays: [Values]) {
    self.model = model
    self.arrays = arrays
  }
}
