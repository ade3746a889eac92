/// The contents of a safetensors header, checked against the data section.
struct SafetensorsHeader {
  private(set) var tensors = [ExactString: TensorInfo]()
  private(set) var metadata = [String: String]()
  private let path: String
  private let data: Range<Int>

  static let metadataKey = "__metadata__"

  /// Reads a header.
  ///
  /// - Parameter data: where the tensors' bytes lie in the file.
  init(_ json: JSON, path: String, data: Range<Int>) throws(FormatError) {
    self.path = path
    self.data = data
    guard let members = json.objectValue else {
      throw refusal("the header", "another value", "a JSON object")
    }
    for (name, value) in members {
      if name.text == Self.metadataKey {
        metadata = try readMetadata(value)
      } else {
        tensors[name] = try readTensor(name.text, value)
      }
    }
    try checkTiling()
  }

  private func refusal(_ item: String, _ found: String, _ expected: String) -> FormatError {
    .malformed(file: path, item: item, found: found, expected: expected)
  }

  private func readMetadata(_ json: JSON) throws(FormatError) -> [String: String] {
    guard let members = json.objectValue else {
      throw refusal(Self.metadataKey, json.canonicalText, "an object")
    }
    var texts = [String: String]()
    for (key, value) in members {
      guard let text = value.stringValue else {
        throw refusal("“\(key)” of \(Self.metadataKey)", value.canonicalText, "a text")
      }
      texts[key.text] = text
    }
    return texts
  }

  private func readTensor(_ name: String, _ json: JSON) throws(FormatError) -> TensorInfo {
    guard let members = json.objectValue, members.count == 3 else {
      throw refusal(
        "tensor \(name)", json.canonicalText, "an object of dtype, shape and data_offsets")
    }
    guard let dataType = json["dtype"]?.stringValue.flatMap(DataType.init(rawValue:)) else {
      throw refusal("dtype of tensor \(name)", Self.text(json["dtype"]), "a known element type")
    }
    guard let shape = Self.sizes(json["shape"]), let count = shape.elementCount else {
      throw refusal(
        "shape of tensor \(name)", Self.text(json["shape"]), "sizes whose product fits 63 bits")
    }
    guard let offsets = Self.sizes(json["data_offsets"]), offsets.count == 2,
      offsets[0] <= offsets[1], let range = (offsets[0]..<offsets[1]).moved(by: data.lowerBound),
      range.upperBound <= data.upperBound
    else {
      throw refusal(
        "data_offsets of tensor \(name)", Self.text(json["data_offsets"]),
        "two rising offsets of at most \(data.count)")
    }
    let (bits, overflow) = count.multipliedReportingOverflow(by: dataType.bitWidth)
    guard !overflow, bits.isMultiple(of: 8), bits / 8 == range.count else {
      throw refusal(
        "tensor \(name)", "\(range.count) bytes",
        "\(dataType.bitWidth) bits for each of \(count) elements")
    }
    return TensorInfo(
      name: name, dataType: dataType, shape: shape, elementCount: count, byteRange: range)
  }

  /// Sizes are integers without fraction; `4.0` is refused as the original implementation does.
  private static func sizes(_ json: JSON?) -> [Int]? {
    guard let elements = json?.arrayValue else { return nil }
    var sizes = [Int]()
    for element in elements {
      guard case .integer(let value) = element, value >= 0, let size = Int(exactly: value) else {
        return nil
      }
      sizes.append(size)
    }
    return sizes
  }

  private static func text(_ json: JSON?) -> String { json?.canonicalText ?? "missing" }

  /// Tensors in order of their bytes follow each other without hole or overlap and end with the
  /// file.
  private func checkTiling() throws(FormatError) {
    let ordered = tensors.values.sorted {
      ($0.byteRange.lowerBound, $0.byteRange.upperBound)
        < ($1.byteRange.lowerBound, $1.byteRange.upperBound)
    }
    var end = data.lowerBound
    for tensor in ordered {
      guard tensor.byteRange.lowerBound == end else {
        throw refusal(
          "the first byte of tensor \(tensor.name)",
          "at offset \(tensor.byteRange.lowerBound - data.lowerBound)",
          "at offset \(end - data.lowerBound), where the tensor before it ends")
      }
      end = tensor.byteRange.upperBound
    }
    guard end == data.upperBound else {
      throw refusal(
        "the data section", "\(data.count) bytes",
        "\(end - data.lowerBound), where the last tensor ends")
    }
  }
}
