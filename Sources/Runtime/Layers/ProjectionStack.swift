import Quant

/// Projections with exact GELU between them.
struct ProjectionStack: Sendable {
  private let projections: [Linear]

  /// Loads `name.0`, `name.1` and so on.
  ///
  /// - Parameter widths: the width of the input and of every output, at least two.
  init(_ weights: some WeightSource, _ name: String, widths: [Int]) throws {
    projections = try zip(widths, widths.dropFirst()).enumerated().map { index, widths in
      try Linear(weights, "\(name).\(index)", outputs: widths.1, inputs: widths.0)
    }
  }

  var matrices: [EncodedMatrix] { projections.map(\.weight) }

  func callAsFunction(_ input: Matrix, _ engine: any Engine) -> Matrix {
    var stream = input
    for (index, projection) in projections.enumerated() {
      stream = projection(index == 0 ? stream : engine.activate(stream, .gelu), engine)
    }
    return stream
  }
}
