extension PackHeader {
  static let formatName = "vlmp"

  /// The header as it is stored: its canonical text is what the index begins with.
  public var json: JSON {
    var members: [ExactString: JSON] = [
      "format": .string(Self.formatName),
      "version": .string(PackPreamble.versionText),
      "tensors": .array(tensors.map(\.json)),
      "assets": .array(assets.map(\.json)),
      "model": model,
      "recipe": recipe,
      "provenance": provenance,
      "evaluation": evaluation,
    ]
    members["activations"] = activations
    return .object(members)
  }

  /// Reads a stored header. Members it does not know are ignored.
  ///
  /// - Parameter file: the path that errors name.
  /// - Throws: `malformed` if a member is missing or of another type; `tooLarge` if there are too
  ///   many tensors.
  public init(_ json: JSON, file: String) throws(FormatError) {
    let root = HeaderMember(value: json, path: "", file: file)
    try root.member("format").require(text: Self.formatName)
    try root.member("version").require(text: PackPreamble.versionText)
    model = try root.member("model").object
    recipe = try root.member("recipe").object
    provenance = try root.member("provenance").object
    let evaluation = try root.member("evaluation")
    self.evaluation = try evaluation.value == .null ? .null : evaluation.object
    activations = try root.optionalMember("activations")?.object
    tensors = try root.member("tensors").elements(limit: PackLimits.tensorCount)
      .map(PackTensor.init)
    assets = try root.member("assets").elements(limit: PackLimits.assetCount).map(PackAsset.init)
  }
}

extension PackTensor {
  var json: JSON {
    var members: [ExactString: JSON] = [
      "name": .string(name), "source": .string(source), "role": .string(role),
      "shape": .array(shape.map { .integer(Int64($0)) }), "rows": .integer(Int64(rows)),
      "columns": .integer(Int64(columns)), "encoding": .string(encoding),
      "reason": .string(reason), "planes": .array(planes.map(\.json)),
    ]
    members["calibration"] = calibration
    return .object(members)
  }

  fileprivate init(_ json: HeaderMember) throws(FormatError) {
    name = try json.member("name").name
    source = try json.member("source").text
    role = try json.member("role").name
    shape = try json.member("shape").elements(limit: PackLimits.rank)
      .map { (size: HeaderMember) throws(FormatError) in try size.size }
    rows = try json.member("rows").size
    columns = try json.member("columns").size
    encoding = try json.member("encoding").name
    reason = try json.member("reason").text
    calibration = try json.optionalMember("calibration")?.object
    planes = try json.member("planes").elements(limit: PackLimits.planeCount).map(PackPlane.init)
  }
}

extension PackPlane {
  var json: JSON {
    .dictionary([
      "name": .string(name), "transform": .string(transform.rawValue),
      "bytes": .integer(Int64(bytes)), "firstBlock": .integer(Int64(firstBlock)),
      "blockCount": .integer(Int64(blockCount)),
    ])
  }

  fileprivate init(_ json: HeaderMember) throws(FormatError) {
    name = try json.member("name").name
    bytes = try json.member("bytes").size
    firstBlock = try json.member("firstBlock").size
    blockCount = try json.member("blockCount").size
    let transform = try json.member("transform")
    guard let known = try PlaneTransform(rawValue: transform.text) else {
      throw transform.refusal(expected: "none, shuffle2 or shuffle4")
    }
    self.transform = known
  }
}

extension PackAsset {
  var json: JSON {
    .dictionary([
      "name": .string(name), "mediaType": .string(mediaType), "plane": plane.json,
    ])
  }

  fileprivate init(_ json: HeaderMember) throws(FormatError) {
    name = try json.member("name").name
    mediaType = try json.member("mediaType").name
    plane = try PackPlane(json.member("plane"))
  }
}
