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

  /// How much of what brings the encoded model nearest to the original one is added to the weights; found on trained
  /// models. Input projections take half: what they correct is corrected once more when outputs reach the stream.
  var correction: Float {
    switch self {
    case .input: 0.5
    case .inner: 0
    case .output: 1
    }
  }
}
