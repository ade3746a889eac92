public import Format
import Quant

extension Recipe {
  /// The recipe of a pack, as far as this program can read it.
  public init?(of header: PackHeader) {
    guard let recipe = try? header.recipe.decode(as: Recipe.self) else { return nil }
    self = recipe
  }

  /// What the recipe asks for a tensor of a pack: an encoding, or a tier such as `e3.5` of one.
  ///
  /// - Parameter parameters: the number of the model's weights.
  /// - Returns: nothing if no rule fits, or if the one that fits does not lead to the tensor's encoding.
  public func request(for tensor: PackTensor, parameters: Int) -> String? {
    guard let role = TensorRole(rawValue: tensor.role),
      let rule = try? rule(for: tensor.name, role, parameters: parameters),
      Encodings.requested(rule.encoding)?.name == tensor.encoding
    else { return nil }
    return rule.encoding
  }
}
