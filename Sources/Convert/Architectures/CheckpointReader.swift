import Format
import Runtime

/// Reads sizes from the shapes of a checkpoint and holds them against its configuration.
struct CheckpointReader {
  /// The tensors by standard name.
  let tensors: [ExactString: Checkpoint.Tensor]
  /// Tensors that the layout knows and has no use for, by the names in the files.
  let dropped: [String]
  /// What a person should know: where configuration and shapes disagree, what was decided.
  private(set) var notes = [String]()

  /// Standard names of tensors that repeat another one and are left out.
  private(set) var repeated = Set<String>()

  let checkpoint: Checkpoint

  init(_ checkpoint: Checkpoint, _ architecture: any Architecture) throws(ConvertError) {
    self.checkpoint = checkpoint
    var tensors = [ExactString: Checkpoint.Tensor]()
    var dropped = [String]()
    for (name, tensor) in checkpoint.tensors {
      guard let standard = architecture.standardName(name.text, in: checkpoint) else {
        dropped.append(name.text)
        continue
      }
      if let other = tensors.updateValue(tensor, forKey: ExactString(standard)) {
        throw .repeatedTensor(standard, first: other.file.path, second: tensor.file.path)
      }
    }
    self.tensors = tensors
    self.dropped = dropped.sorted()
  }

  var configuration: JSON { checkpoint.configuration }
  var configurationFile: String {
    checkpoint.directory + (checkpoint.isMistralNative ? "/params.json" : "/config.json")
  }

  /// States that a tensor is left out because another one has the same content.
  mutating func leaveOut(repeated name: String) { repeated.insert(name) }

  mutating func note(_ text: String) { notes.append(text) }

  func has(_ name: String) -> Bool { tensors[ExactString(name)] != nil }

  /// One dimension of a tensor, if the tensor exists and has it.
  ///
  /// A tensor without elements may have a dimension of any size; one that no model has counts as absent, so that sums
  /// and products of two sizes cannot overflow.
  func dimension(_ name: String, _ axis: Int) -> Int? {
    guard let shape = tensors[ExactString(name)]?.info.shape, shape.indices.contains(axis),
      shape[axis] <= ModelDescription.sizeLimit
    else { return nil }
    return shape[axis]
  }

  /// A size: from a shape if there is one, else from the configuration. A disagreement is noted.
  ///
  /// - Throws: `malformedConfiguration` if the configuration is needed and has no size that a model could have.
  mutating func size(
    _ what: String, shape: Int?, keys: [String], in object: JSON? = nil
  ) throws(ConvertError) -> Int {
    let stated = try integer(keys, in: object)
    if let shape {
      if let stated, stated.value != shape {
        note(
          "config.json says \(stated.key) \(stated.value), the tensors say \(shape): \(shape) is used"
        )
      }
      return shape
    }
    let accepted = 1...ModelDescription.sizeLimit
    guard let stated, accepted.contains(stated.value) else {
      throw .malformedConfiguration(
        file: configurationFile, key: stated?.key ?? keys.first ?? what,
        expected: "the \(what), an integer from 1 to \(accepted.upperBound)")
    }
    return stated.value
  }

  /// The first of some keys that is present, as an integer.
  func integer(
    _ keys: [String], in object: JSON? = nil
  ) throws(ConvertError) -> (key: String, value: Int)? {
    for key in keys {
      guard let value = (object ?? configuration).present(key) else { continue }
      guard let integer = value.intValue else {
        throw .malformedConfiguration(file: configurationFile, key: key, expected: "an integer")
      }
      return (key, integer)
    }
    return nil
  }

  /// A positive number of the configuration, or a default.
  func number(
    _ keys: [String], default fallback: Double, in object: JSON? = nil
  ) throws(ConvertError) -> Double {
    for key in keys {
      guard let value = (object ?? configuration).present(key) else { continue }
      guard let number = value.doubleValue, number.isFinite, number >= 0 else {
        throw .malformedConfiguration(
          file: configurationFile, key: key, expected: "a finite number that is not negative")
      }
      return number
    }
    return fallback
  }

  /// A truth value of the configuration, or a default.
  func flag(
    _ keys: [String], default fallback: Bool, in object: JSON? = nil
  ) throws(ConvertError) -> Bool {
    for key in keys {
      guard let value = (object ?? configuration).present(key) else { continue }
      guard let flag = value.boolValue else {
        throw .malformedConfiguration(
          file: configurationFile, key: key, expected: "true or false")
      }
      return flag
    }
    return fallback
  }

  /// A text of the configuration, or a default.
  func text(_ key: String, default fallback: String, in object: JSON? = nil) -> String {
    (object ?? configuration).present(key)?.stringValue ?? fallback
  }

  /// Refuses a text value that is not supported.
  func require(
    _ key: String, _ found: String, among supported: [String]
  ) throws(ConvertError) {
    guard supported.contains(found) else {
      throw .unsupported(
        option: key, found: "“\(found)”", supported: supported.joined(separator: " or "),
        file: configurationFile)
    }
  }

  /// Layers: one more than the largest index after `prefix`, or what the configuration says if that is more.
  mutating func layers(prefix: String, keys: [String], in object: JSON? = nil) throws(ConvertError)
    -> Int
  {
    let found = tensors.keys.compactMap { key -> Int? in
      guard key.text.hasPrefix(prefix) else { return nil }
      return Int(key.text.dropFirst(prefix.count).prefix { $0 != "." })
    }.max().map { min($0, 1 << 20) + 1 }
    let stated = try integer(keys, in: object)
    // A configuration with more layers than tensors means that tensors are missing: they are reported as such.
    if let stated, let found, stated.value < found {
      note(
        "config.json says \(stated.key) \(stated.value), the tensors say \(found): \(found) is used"
      )
    }
    let count = max(found ?? 0, stated?.value ?? 0)
    guard (1...4096).contains(count) else {
      throw .malformedConfiguration(
        file: configurationFile, key: keys.first ?? prefix, expected: "1 to 4096 layers")
    }
    return count
  }
}
