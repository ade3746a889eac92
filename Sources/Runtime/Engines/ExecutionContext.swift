import CKernels
import Quant

/// How a model is to be executed.
public struct ExecutionContext: Sendable {
  /// Which arithmetic runs.
  public enum EngineKind: String, Sendable, CaseIterable {
    /// Kernels on encoded weights.
    case fast
    /// Plain float32.
    case reference
  }

  /// The numbers that enter selective scans.
  public enum ScanPrecision: String, Sendable, CaseIterable {
    /// Single precision.
    case float
    /// Inputs rounded to int8, state in single precision.
    case int8
  }

  /// Threads that work.
  public let threads: Int
  /// The arithmetic.
  public let engine: any Engine
  /// The numbers that enter selective scans.
  public let scanPrecision: ScanPrecision

  /// Prepares execution on that many threads.
  ///
  /// - Parameter activations: how activations enter products with quantized weights; the reference always takes floats.
  public init(
    engine: EngineKind = .fast, scanPrecision: ScanPrecision = .float,
    activations: ActivationPrecision = .float, threads: Int = 1
  ) {
    switch engine {
    case .fast: self.engine = FastEngine(threads: threads, activations: activations)
    case .reference: self.engine = ReferenceEngine(threads: threads)
    }
    self.scanPrecision = scanPrecision
    self.threads = threads
    vk_keep_freed_memory()
  }

  /// The same execution with another arithmetic.
  init(_ other: ExecutionContext, engine: any Engine) {
    self.engine = engine
    scanPrecision = other.scanPrecision
    threads = other.threads
  }

  func selectiveScan(
    _ input: SelectiveScanInput, _ parameters: SelectiveScanParameters, state: inout [Float]
  ) -> Matrix {
    switch scanPrecision {
    case .float: engine.selectiveScan(input, parameters, state: &state)
    case .int8: engine.selectiveScan(QuantizedScanInput(input), parameters, state: &state)
    }
  }

  func gatedSelectiveScan(
    _ input: GatedScanInput, _ parameters: SelectiveScanParameters, state: inout [Float]
  ) -> Matrix {
    switch scanPrecision {
    case .float: return engine.gatedSelectiveScan(input, parameters, state: &state)
    case .int8:
      let scanned = engine.selectiveScan(
        QuantizedScanInput(input.projected(engine)), parameters, state: &state)
      return engine.gate(scanned, by: input.gate.copied)
    }
  }

  func gatedStateSpaceScan(
    _ input: GatedStateSpaceInput, _ parameters: StateSpaceParameters, state: inout [Float]
  ) -> Matrix {
    switch scanPrecision {
    case .float: return engine.gatedStateSpaceScan(input, parameters, state: &state)
    case .int8:
      let rounded = QuantizedScanInput(input.scanned, parameterGroup: parameters.states)
      let scanned = engine.stateSpaceScan(rounded.widened, parameters, state: &state)
      return engine.gate(scanned, by: input.gate.copied)
    }
  }
}
