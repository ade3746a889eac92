public import ArgumentParser
public import Format
public import Runtime

extension ExecutionContext.EngineKind: ExpressibleByArgument {}
extension ExecutionContext.ScanPrecision: ExpressibleByArgument {}

extension Codec: ExpressibleByArgument {
  /// Reads the name of a codec.
  public init?(argument: String) { self.init(name: argument) }
  /// The names of all codecs.
  public static var allValueStrings: [String] { allCases.map(\.name) }
  /// The name shown as default.
  public var defaultValueDescription: String { name }
}
