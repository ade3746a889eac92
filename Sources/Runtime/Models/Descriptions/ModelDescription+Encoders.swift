extension ModelDescription {
  /// The most vision encoders of one model.
  static let encoderLimit = 8

  /// Refuses encoders that are absurd, or whose outputs cannot be put side by side.
  func validateEncoders() throws(ModelError) {
    for encoder in vision { try encoder.validate() }
    guard imageProcessors.isEmpty || imageProcessors.count == vision.count else {
      throw .contradiction(
        "images are prepared in \(imageProcessors.count) ways for \(vision.count) vision encoders")
    }
    guard let first = vision.first, vision.count > 1 else { return }
    try accept("the number of vision encoders", vision.count, limit: Self.encoderLimit)
    guard connector != nil else {
      throw .contradiction("several vision encoders need a connector that reads all of them")
    }
    for encoder in vision {
      guard encoder.selectedLayer != nil, encoder.givesPatchesAlone else {
        throw .contradiction(
          "encoders side by side must give the patches of a selected layer and no other tokens")
      }
      guard (encoder.gridRows, encoder.gridColumns) == (first.gridRows, first.gridColumns) else {
        throw .contradiction(
          "one vision encoder gives \(first.gridRows) × \(first.gridColumns) patches, another \(encoder.gridRows) × \(encoder.gridColumns)"
        )
      }
    }
  }
}

extension VisionDescription {
  /// Whether a connector gets a grid of patches and no other tokens.
  var givesPatchesAlone: Bool { selectedTokens == .patches || prefixTokens == 0 }
}

extension ConnectorDescription {
  /// The grid of patches that the connector is laid out for, if it is for one.
  var grid: PatchGrid? {
    scan.map { PatchGrid(rows: $0.gridRows, columns: $0.gridColumns) }
      ?? pooling.map { PatchGrid(rows: $0.gridRows, columns: $0.gridColumns) }
  }
}
