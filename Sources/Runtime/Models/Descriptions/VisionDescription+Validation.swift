extension VisionDescription {
  /// Refuses sizes that are absurd or contradict each other.
  func validate() throws(ModelError) {
    try accept("the vision encoder's width", width)
    try accept("the vision encoder's feed-forward width", feedForwardWidth)
    try accept("the vision encoder's layers", layers, limit: 4096)
    try accept("the vision encoder's heads", heads, limit: width)
    try accept("the patch size", patchSize, limit: 256)
    try accept("the rows of the patch grid", gridRows, limit: 1024)
    try accept("the columns of the patch grid", gridColumns, limit: 1024)
    try accept("the rows of the position table", positions.rows, limit: 1024)
    try accept("the columns of the position table", positions.columns, limit: 1024)
    guard width % heads == 0 else {
      throw .contradiction("\(heads) attention heads do not divide a width of \(width)")
    }
    try validateTokens()
    if let selectedLayer {
      guard (-layers - 1...layers).contains(selectedLayer) else {
        throw .contradiction(
          "the selected vision layer \(selectedLayer) does not exist in \(layers) layers")
      }
    }
    guard layer.feedForward == .plain || activation == .silu else {
      throw .contradiction(
        "a gated feed-forward layer has the activation \(activation.rawValue); expected silu")
    }
  }

  private func validateTokens() throws(ModelError) {
    guard (0...1024).contains(registers) else {
      throw .unacceptableSize("the number of registers", value: registers, accepted: 0...1024)
    }
    guard hasClassToken || !positions.includesClassToken else {
      throw .contradiction("there is a position for a class token, but no class token")
    }
    guard
      positions.interpolation != .none
        || (positions.rows, positions.columns) == (gridRows, gridColumns)
    else {
      throw .contradiction(
        "the vision encoder has \(positions.rows) × \(positions.columns) positions for \(gridRows) × \(gridColumns) patches, and no way to resample them"
      )
    }
  }
}
