import Format
public import Quant
public import Runtime

/// The weights of a checkpoint, in the types they have there.
public struct CheckpointWeightSource: WeightSource {
  /// The model that the checkpoint holds.
  public let description: ModelDescription
  /// What a person should know.
  public let notes: [String]
  private let tensors: [String: CheckpointLayout.Located]
  private let directory: String

  /// Recognises a checkpoint and finds its tensors.
  public init(_ checkpoint: Checkpoint) throws {
    let layout = try CheckpointLayout(checkpoint)
    description = layout.description
    notes = layout.notes
    directory = checkpoint.directory
    tensors = Dictionary(uniqueKeysWithValues: layout.tensors.map { ($0.rule.name, $0) })
  }

  /// See `WeightSource`.
  public func matrix(_ name: String, rows: Int, columns: Int) throws -> EncodedMatrix {
    guard let located = tensors[name] else {
      throw ModelError.missingTensor(name, file: directory)
    }
    guard located.tensor.info.elementCount == rows * columns else {
      throw ModelError.misshapenTensor(
        name, file: directory, found: located.rule.shape, expected: [rows, columns])
    }
    let encoding = located.sourceEncoding
    let isWide = located.tensor.info.dataType == .f64
    let bytes =
      isWide
      ? try encoding.encode(
        located.tensor.file.floats(of: located.tensor.info), rows: rows, columns: columns)[0]
      : try located.tensor.file.bytes(of: located.tensor.info)
    return try EncodedMatrix(encoding: encoding, rows: rows, columns: columns, planes: [bytes])
  }
}
