import Quant

/// What is known of the inputs of a matrix.
struct LayerInputs: Sendable {
  /// What the matrix is to be fitted by.
  struct Fit: Sendable {
    let factor: FeedbackFactor
    let correction: Correction?
  }

  private let place: MatrixPlace
  private(set) var moments: Hessian
  /// What inputs, or the stream behind an output projection, are short of in the original model.
  private(set) var lack: CrossMoments?

  /// Starts without tokens.
  init(_ entry: ConversionPlan.Entry) {
    place = MatrixPlace(entry.name)
    moments = Hessian(columns: entry.columns)
    lack = entry.lackShape.map { CrossMoments(rows: $0.rows, columns: $0.columns) }
  }

  /// Takes up what was gathered before.
  init(_ entry: ConversionPlan.Entry, moments: Hessian, lack: CrossMoments?) {
    place = MatrixPlace(entry.name)
    self.moments = moments
    self.lack = lack
  }

  /// Tokens that were seen.
  var tokens: Int { moments.tokens }

  /// Adds inputs `[tokens, columns]`.
  ///
  /// - Parameter missing: what is lacking at each token.
  mutating func add(
    _ inputs: Matrix, missing: Matrix?, weights: [Float], threads pool: ThreadPool
  ) {
    moments.add(inputs, weights: weights, threads: pool)
    if let missing { lack?.add(missing, at: inputs, weights: weights, threads: pool) }
  }

  /// How to fit a matrix of an encoding; nothing if there is no factor, or no correction where there has to be one.
  func fit(_ entry: ConversionPlan.Entry) -> Fit? {
    let rotation = entry.encoding.rotation(columns: entry.columns)
    let moments = rotation.map(moments.rotated) ?? moments
    guard let factor = FeedbackFactor(moments) else { return nil }
    guard let lack else { return Fit(factor: factor, correction: nil) }
    let known = rotation.map { lack.rotated(by: $0, lack: place == .input) } ?? lack
    guard var change = factor.correction(known) else { return nil }
    change.scale(by: Correction.strength)
    return Fit(
      factor: factor, correction: place == .output ? .outputs(change) : .inputs(change))
  }
}

extension ConversionPlan.Entry {
  /// The rows and columns of the moments of what it lacks and its inputs; nothing if its weights are never moved.
  var lackShape: (rows: Int, columns: Int)? {
    guard isCalibrated, name.hasPrefix("language.layers.") else { return nil }
    return switch MatrixPlace(name) {
    case .input: (columns, columns)
    case .inner: nil
    case .output: (rows, columns)
    }
  }
}
