/// What a safetensors header says about one tensor.
public struct TensorInfo: Sendable, Equatable {
  /// The name in the file.
  public let name: String
  /// The element type.
  public let dataType: DataType
  /// The sizes of the dimensions, outermost first; none for a scalar.
  public let shape: [Int]
  /// The product of the shape.
  public let elementCount: Int
  /// Where the elements lie in the file, row-major and little-endian.
  public let byteRange: Range<Int>

  /// The same tensor under another name.
  public func named(_ name: String) -> TensorInfo {
    TensorInfo(
      name: name, dataType: dataType, shape: shape, elementCount: elementCount,
      byteRange: byteRange)
  }
}

extension [Int] {
  /// The product of a shape, or nothing if a size is negative or the product overflows.
  var elementCount: Int? {
    var product = 1
    for size in self {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflow else { return nil }
      product = next
    }
    return product
  }
}

extension Range<Int> {
  /// The range moved up by `offset`, or nothing if that overflows.
  func moved(by offset: Int) -> Range<Int>? {
    let (lower, lowerOverflow) = lowerBound.addingReportingOverflow(offset)
    let (upper, upperOverflow) = upperBound.addingReportingOverflow(offset)
    return lowerOverflow || upperOverflow ? nil : lower..<upper
  }
}
