import Quant
import Runtime
import Synchronization

/// The weights of a checkpoint, with some matrices replaced by encoded ones, and the names of all that were handed out.
final class CalibrationWeights: WeightSource {
  private let source: CheckpointWeightSource
  private let replaced: [String: EncodedMatrix]
  private let names = Mutex([ObjectIdentifier: String]())

  init(_ source: CheckpointWeightSource, replacing replaced: [String: EncodedMatrix] = [:]) {
    self.source = source
    self.replaced = replaced
  }

  func matrix(_ name: String, rows: Int, columns: Int) throws -> EncodedMatrix {
    let matrix = try replaced[name] ?? source.matrix(name, rows: rows, columns: columns)
    names.withLock { $0[matrix.identity] = name }
    return matrix
  }

  /// The name of a matrix that is still in use.
  func name(of matrix: EncodedMatrix) -> String? { names.withLock { $0[matrix.identity] } }
}
