/// How activations enter products with quantized weights.
public enum ActivationPrecision: String, Sendable, CaseIterable {
  /// As floats.
  case float
  /// As bytes: each token has a scale for every group of up to 32 of them.
  case int8
}
