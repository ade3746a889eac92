import Quant

/// Recipes that ship with the program.
public enum Presets {
  /// The names that `--quantize` takes without parameters.
  public static let names = ["q8", "q4", "e4", "f16", "bf16", "f32"]

  /// The preset of that name; group sizes as in `q8g32`, bits of a code as in `e3.5`.
  public static func named(_ name: String) throws(ConvertError) -> Recipe {
    switch name {
    case "q4": return q4
    case "f16", "bf16", "f32":
      return Recipe(
        name: name, rules: [Recipe.Rule(encoding: name, reason: "all tensors as \(name)")])
    default:
      switch Encodings.requested(name) {
      case is GroupEncoding: return group(name)
      case let tier as EntropyEncoding: return EntropyPreset(thousandths: tier.thousandths).recipe
      default:
        throw .unknownEncoding(name, known: names + ["q8g32, q8g128, e3.5 and the like"])
      }
    }
  }

  /// Tensors that stay as they are: together under 1 % of the bytes, and errors in them multiply.
  static let floats: [Recipe.Rule] = [
    (TensorRole.recurrence, "enters an exponential or multiplies every token"),
    (.convolution, "small and sensitive"), (.normalization, "small and sensitive"),
    (.position, "small"), (.bias, "small"),
  ].map { Recipe.Rule(role: $0.0, encoding: Recipe.sourceEncoding, reason: $0.1) }

  private static func group(_ name: String) -> Recipe {
    Recipe(
      name: name, rules: floats + [Recipe.Rule(encoding: name, reason: "matrix")])
  }

  private static let q4 = Recipe(
    name: "q4",
    rules: SmallParameters.besideGroups + [
      Recipe.Rule(
        tensor: "*.timeStepProjection.weight", encoding: "q8",
        reason: "small; its outputs enter an exponential"),
      Recipe.Rule(
        tensor: "vision.*", encoding: "q8", reason: "small; its errors reach every answer"),
      Recipe.Rule(
        tensor: "connector.*", encoding: "q8", reason: "small; its errors reach every answer"),
      Recipe.Rule(
        role: .embedding, parametersBelow: 1_000_000_000, encoding: "q6",
        reason: "four-bit embeddings hurt models below a billion parameters"),
      Recipe.Rule(encoding: "q4", reason: "matrix"),
    ])
}
