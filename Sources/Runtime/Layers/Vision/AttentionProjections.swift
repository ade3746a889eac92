import Quant

/// The projections to queries, keys and values.
struct AttentionProjections: Sendable {
  let query: Linear
  let key: Linear
  let value: Linear

  var matrices: [EncodedMatrix] { [query.weight, key.weight, value.weight] }

  /// Loads `name.query`, `name.key` and `name.value`, or the tensors that hold the rows of several of them:
  /// `name.input` and `name.keyValue`.
  init(
    _ weights: some WeightSource, _ name: String, _ layout: AttentionProjectionLayout, width: Int,
    hasBias: Bool
  ) throws {
    func projection(_ part: String, parts: Int = 1) throws -> Linear {
      try Linear(
        weights, "\(name).\(part)", outputs: parts * width, inputs: width, hasBias: hasBias)
    }
    switch layout {
    case .separate:
      query = try projection("query")
      key = try projection("key")
      value = try projection("value")
    case .fused:
      let input = try projection("input", parts: 3)
      query = input.rows(0..<width)
      key = input.rows(width..<2 * width)
      value = input.rows(2 * width..<3 * width)
    case .fusedKeyValue:
      query = try projection("query")
      let keyValue = try projection("keyValue", parts: 2)
      key = keyValue.rows(0..<width)
      value = keyValue.rows(width..<2 * width)
    }
  }
}
