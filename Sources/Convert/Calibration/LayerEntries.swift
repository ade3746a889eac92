/// The calibrated matrices of a layer of a language model, in the order in which they are encoded.
struct LayerEntries {
  /// Those that read the stream or what the layer makes of it.
  let ahead: [ConversionPlan.Entry]
  /// Those that write to the stream. They come last, when it is known what the others make of their inputs.
  let outputs: [ConversionPlan.Entry]

  var all: [ConversionPlan.Entry] { ahead + outputs }
}

extension ConversionPlan {
  /// The calibrated matrices of a layer.
  func calibratedEntries(layer: Int) -> LayerEntries {
    let entries = entries.filter {
      $0.isCalibrated && $0.name.hasPrefix("language.layers.\(layer).")
    }
    let isOutput = { (entry: Entry) in MatrixPlace(entry.name) == .output }
    return LayerEntries(ahead: entries.filter { !isOutput($0) }, outputs: entries.filter(isOutput))
  }
}
