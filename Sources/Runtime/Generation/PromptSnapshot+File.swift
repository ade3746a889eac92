import Format
import Quant

extension PromptSnapshot {
  /// Reads a state file and checks that it belongs to a model.
  ///
  /// - Parameter identity: what tells the model from others, as given to `write`.
  /// - Throws: what is wrong with the file; `ModelError.foreignState` if another model has written it.
  public init(path: String, model: Model, identity: String) throws {
    let shape = try model.requireLanguage("a state").shape
    let file = try StateFile(path: path)
    guard file.model == identity else {
      throw ModelError.foreignState(file: path, found: file.model, expected: identity)
    }
    var arrays = ArrayReader(file: file, path: path)
    var mixers = [RecurrentState]()
    for (index, layer) in shape.layers.enumerated() {
      let layout = StateLayout(layer.mixer)
      let history = try arrays.next(Self.historyName(index), layout.historyShape)
      let scan = try arrays.next(Self.scanName(index), layout.scanShape)
      mixers.append(RecurrentState(history: history, scan: layout.scan(scan)))
    }
    let last = try arrays.next(Self.hiddenName, [shape.width])
    try arrays.finish()
    state = LanguageModel.State(mixers: mixers)
    hidden = Matrix(rows: 1, columns: shape.width, values: last)
  }

  /// Writes a state file. The bytes do not depend on the number of threads that have read the prompt.
  ///
  /// - Parameter overwrite: whether a file of that name may be replaced.
  /// - Throws: what prevents the file from being written; `ModelError.nonFinitePredictions` for a state that is broken.
  public func write(
    to path: String, model: Model, identity: String, overwrite: Bool
  ) throws {
    let shape = try model.requireLanguage("a state").shape
    var arrays = [StateFile.Values]()
    for (index, (layer, mixer)) in zip(shape.layers, state.mixers).enumerated() {
      let layout = StateLayout(layer.mixer)
      arrays += [
        .init(name: Self.historyName(index), shape: layout.historyShape, values: mixer.history),
        .init(
          name: Self.scanName(index), shape: layout.scanShape,
          values: layout.rowMajor(mixer.scan)),
      ]
    }
    arrays.append(.init(name: Self.hiddenName, shape: [shape.width], values: hidden.values))
    guard arrays.allSatisfy({ $0.values.allSatisfy(\.isFinite) }) else {
      throw ModelError.nonFinitePredictions("the model")
    }
    try StateFile(model: identity, arrays: arrays).write(to: path, overwrite: overwrite)
  }

  private static func historyName(_ layer: Int) -> String { "layers.\(layer).history" }
  private static func scanName(_ layer: Int) -> String { "layers.\(layer).scan" }
  private static let hiddenName = "hidden"
}

/// Takes arrays from a state file in the order in which they must come.
private struct ArrayReader {
  let file: StateFile
  let path: String
  private var position = 0

  init(file: StateFile, path: String) {
    self.file = file
    self.path = path
  }

  mutating func next(_ name: String, _ shape: [Int]) throws(FormatError) -> [Float] {
    guard position < file.arrays.count else {
      throw .malformed(file: path, item: name, found: "missing", expected: "to be there")
    }
    let array = file.arrays[position]
    guard ExactString(array.name) == ExactString(name), array.shape == shape else {
      throw .malformed(
        file: path, item: "array \(position)", found: "\(array.name) \(array.shape)",
        expected: "\(name) \(shape)")
    }
    position += 1
    return array.values
  }

  func finish() throws(FormatError) {
    guard position == file.arrays.count else {
      throw .malformed(
        file: path, item: "the number of arrays", found: "\(file.arrays.count)",
        expected: "\(position)")
    }
  }
}
