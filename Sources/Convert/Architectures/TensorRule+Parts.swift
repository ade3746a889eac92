import Runtime

extension TensorRule {
  /// A projection, by default with a bias.
  static func projection(
    _ name: String, _ source: String, _ shape: [Int], hasBias: Bool = true
  ) -> [TensorRule] {
    let weight = TensorRule(name + ".weight", source + ".weight", .projection, shape)
    guard hasBias else { return [weight] }
    return [weight, TensorRule(name + ".bias", source + ".bias", .bias, [shape[0]])]
  }

  /// A normalization, with a shift unless it is one by root mean square.
  static func normalization(
    _ name: String, _ source: String, _ width: Int, _ kind: NormalizationKind = .layer
  ) -> [TensorRule] {
    (kind == .rms ? ["weight"] : ["weight", "bias"]).map {
      TensorRule("\(name).\($0)", "\(source).\($0)", .normalization, [width])
    }
  }
}
