/// Where a matrix stands in a layer of a language model.
enum MatrixPlace {
  /// It reads the stream, normalized.
  case input
  /// It reads what the layer makes of that.
  case inner
  /// Its outputs are added to the stream.
  case output

  /// The place of the matrix of that canonical name.
  init(_ name: String) {
    if name.hasSuffix(".inputProjection.weight") {
      self = .input
    } else if name.hasSuffix(".outputProjection.weight") {
      self = .output
    } else {
      self = .inner
    }
  }
}
