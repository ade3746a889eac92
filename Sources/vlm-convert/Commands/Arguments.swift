public import ArgumentParser
public import Convert
import Format
public import Runtime

extension ExecutionContext.EngineKind: ExpressibleByArgument {}
extension ActivationPrecision: ExpressibleByArgument {}
extension ResidentEncoding: ExpressibleByArgument {}
extension StatePrecision: ExpressibleByArgument {}
extension TextWindows.Scoring: ExpressibleByArgument {}

/// The codecs under the names that the command line gives them, best known first.
enum Compression: String, CaseIterable, ExpressibleByArgument {
  case zstd, zlib, stored

  var codec: Codec {
    switch self {
    case .zstd: .zstd
    case .zlib: .zlib
    case .stored: .stored
    }
  }
}
