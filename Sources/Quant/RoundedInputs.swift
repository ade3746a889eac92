import CKernels

/// Inputs of a product with tiled weights, as bytes with scales. Kernels read it; see `vk_inputs`.
@safe public final class RoundedInputs: @unchecked Sendable {
  /// How inputs become bytes.
  public enum Precision: Sendable {
    /// One byte: an error of up to 1/254 of the largest input in its group.
    case byte
    /// Three bytes in rows of their own: 24 bits of the largest input in its group.
    case full
  }

  /// What the kernels of an encoding expect.
  public struct Shape: Sendable {
    /// Inputs that share a scale.
    let scaleColumns: Int
    /// Inputs that are summed to take off `offset`.
    let offsetColumns: Int
    /// What is added to the codes of the weights.
    let offset: Int
  }

  private let codes: UnsafeMutablePointer<Int8>
  private let offsets: UnsafeMutablePointer<Int32>
  private let scales: UnsafeMutablePointer<Float>
  private let columns: Int
  private let padded: Int
  private let shape: Shape
  private let precision: Precision
  private let steps: ColumnSteps?
  private let rotation: BlockRotation?

  /// Takes memory for the inputs of some tokens.
  ///
  /// - Parameters:
  ///   - steps: what the inputs are multiplied by before they are rounded.
  ///   - rotation: how the inputs are rotated before that.
  public init(
    tokens: Int, columns: Int, shape: Shape, precision: Precision, steps: ColumnSteps? = nil,
    rotation: BlockRotation? = nil
  ) {
    self.columns = columns
    self.rotation = rotation
    self.steps = steps
    self.shape = shape
    self.precision = precision
    let step = VK_INPUT_STEP
    padded = (columns + step - 1) / step * step
    let rows = tokens * (precision == .byte ? 1 : VK_INPUT_DIGITS)
    unsafe codes = .allocate(capacity: max(1, rows * padded))
    unsafe offsets = .allocate(capacity: max(1, rows * Self.count(padded, shape.offsetColumns)))
    unsafe scales = .allocate(capacity: max(1, rows * Self.count(padded, shape.scaleColumns)))
  }

  deinit {
    unsafe codes.deallocate()
    unsafe offsets.deallocate()
    unsafe scales.deallocate()
  }

  private static func count(_ columns: Int, _ group: Int) -> Int { (columns + group - 1) / group }

  /// Rows that one token takes.
  public var rowsPerToken: Int { precision == .byte ? 1 : VK_INPUT_DIGITS }

  /// Rounds the inputs of some tokens; different tokens may be rounded at the same time.
  ///
  /// Rows lie in bundles of eight, so a range begins with a bundle and ends with one or with the last token.
  public func round(_ values: UnsafePointer<Float>, stride: Int, tokens: Range<Int>) {
    let source = unsafe values + tokens.lowerBound * stride
    guard let rotation else { return unsafe round(source, stride: stride, as: tokens) }
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: tokens.count * columns) {
      rotated in
      guard let start = rotated.baseAddress else { return }
      unsafe rotation.rotate(source, stride: stride, rows: tokens.count, into: start)
      unsafe round(start, stride: columns, as: tokens)
    }
  }

  private func round(_ source: UnsafePointer<Float>, stride: Int, as tokens: Range<Int>) {
    let row = tokens.lowerBound * rowsPerToken
    let code = unsafe codes + row * padded
    let offset = unsafe offsets + row * Self.count(padded, shape.offsetColumns)
    let scale = unsafe scales + row * Self.count(padded, shape.scaleColumns)
    let round = unsafe precision == .byte ? vk_round_inputs : vk_split_inputs
    unsafe round(
      code, offset, scale, source, stride, steps?.start, tokens.count, columns,
      shape.scaleColumns, shape.offsetColumns, Int32(shape.offset))
  }

  /// Calls `body` with the rows from that of a token on, which is the first of a bundle.
  func withInputs(from token: Int, _ body: (UnsafePointer<vk_inputs>) -> Void) {
    let row = token * rowsPerToken
    var inputs = unsafe vk_inputs(
      codes: codes + row * padded,
      offsets: offsets + row * Self.count(padded, shape.offsetColumns),
      scales: scales + row * Self.count(padded, shape.scaleColumns))
    unsafe withUnsafePointer(to: &inputs, body)
  }
}
