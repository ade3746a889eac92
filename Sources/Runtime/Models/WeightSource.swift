public import Quant

/// Where a model's weights come from: a checkpoint or a pack. Names are canonical.
public protocol WeightSource: Sendable {
  /// A matrix `[rows, columns]` in whatever encoding it is kept.
  ///
  /// Tensors of more dimensions count as matrices when their elements agree.
  func matrix(_ name: String, rows: Int, columns: Int) throws -> EncodedMatrix
}

extension WeightSource {
  /// A tensor as plain numbers, row-major.
  func vector(_ name: String, count: Int) throws -> [Float] {
    try matrix(name, rows: 1, columns: count).expanded().values
  }

  /// A tensor as plain numbers, or nothing when the model does without it.
  func vector(_ name: String, count: Int, if exists: Bool) throws -> [Float]? {
    exists ? try vector(name, count: count) : nil
  }
}
