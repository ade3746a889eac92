/// How activations enter products and scans.
public enum ActivationPrecision: String, Sendable, CaseIterable {
  /// As floats.
  case float
  /// As bytes in products with quantized weights: each token has a scale for every group of up to 32 of them. As floats
  /// in scans.
  case int8
  /// As bytes in products with quantized weights and in selective scans. Time steps stay floats: the exponential after
  /// them would amplify the rounding.
  case a8

  /// Whether products with quantized weights take bytes.
  var roundsProducts: Bool { self != .float }
  /// Whether scans take bytes.
  var roundsScans: Bool { self == .a8 }
}

/// How the states of scans are kept from one token to the next.
public enum StatePrecision: String, Sendable, CaseIterable {
  /// In single precision.
  case fp32
  /// As whole multiples of 1/127 of the largest state of the same channel, chosen anew after each token, in prompts and
  /// in generation alike.
  ///
  /// What hardly decays in a step keeps what rounding would take off, or small inputs would never add up in it: it stays
  /// a float until it decays faster.
  case int8

  /// Of a state that keeps more than this part of itself in a step nothing is rounded off.
  static let lastingDecay: Float = 0.999
}
