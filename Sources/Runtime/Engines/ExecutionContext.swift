import CKernels

/// How a model is to be executed.
public struct ExecutionContext: Sendable {
  /// Which arithmetic runs.
  public enum EngineKind: String, Sendable, CaseIterable {
    /// Kernels on encoded weights.
    case fast
    /// Plain float32.
    case reference
  }

  /// Threads that work.
  public let threads: Int
  /// The arithmetic.
  public let engine: any Engine

  /// Prepares execution on that many threads.
  ///
  /// - Parameters:
  ///   - activations: how activations enter products and scans; the reference always takes floats.
  ///   - state: how the states of scans are kept; the reference always keeps floats.
  public init(
    engine: EngineKind = .fast, activations: ActivationPrecision = .float,
    state: StatePrecision = .fp32, threads: Int = 1
  ) {
    switch engine {
    case .fast:
      self.engine = FastEngine(threads: threads, activations: activations, state: state)
    case .reference: self.engine = ReferenceEngine(threads: threads)
    }
    self.threads = threads
    vk_keep_freed_memory()
  }

  /// The same execution with another arithmetic.
  init(_ other: ExecutionContext, engine: any Engine) {
    self.engine = engine
    threads = other.threads
  }
}
