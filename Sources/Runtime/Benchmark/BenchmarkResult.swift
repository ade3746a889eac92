/// What was measured on one number of threads.
public struct BenchmarkResult: Sendable {
  /// Threads that worked.
  public let threads: Int
  /// Seconds from opening the files until the model could run, checksums of a pack included.
  public let loadSeconds: Double
  /// Bytes of all weight matrices in memory.
  public let weightBytes: Int
  /// Figures of the language model, if there is one.
  public let language: Language?
  /// Figures of the vision encoders with the connector, if there are any.
  public let image: Image?
  /// The memory of the process while the model was loaded.
  public let memory: ResidentMemory
  /// What the machine could do at most, measured right after the model.
  public let limits: MachineLimits

  /// Figures of a language model.
  public struct Language: Sendable {
    /// Seconds from opening the files until the first token after the prompt.
    public let firstTokenSeconds: Double
    /// Tokens of the prompt a second, for each repetition.
    public let promptSpeeds: [Double]
    /// Decoded tokens a second, for each repetition.
    public let decodeSpeeds: [Double]
    /// Products of a weight and an activation for a token of the prompt, on average.
    public let multiplicationsPerPromptToken: Double
    /// Bytes of weights that a decode step reads.
    public let bytesPerDecodedToken: Int
  }

  /// Figures of vision encoders.
  public struct Image: Sendable {
    /// Seconds to encode and connect an image, for each repetition.
    public let seconds: [Double]
    /// Products of a weight and an activation for an image.
    public let multiplications: Int
  }

  /// The share of the machine's bandwidth that decoding uses for weights, in the median.
  public var bandwidthShare: Double? {
    guard let language, let bandwidth = limits.bandwidth else { return nil }
    return language.decodeSpeeds.median * Double(language.bytesPerDecodedToken) / bandwidth
  }

  /// The share of the machine's products of bytes that a prompt uses for weights, in the median. Also
  /// for weights of other types, which are told from bytes by a low share.
  public var promptShare: Double? {
    language.map {
      2 * $0.promptSpeeds.median * $0.multiplicationsPerPromptToken / limits.byteOperations
    }
  }

  /// The same share for an image.
  public var imageShare: Double? {
    image.map { 2 * Double($0.multiplications) / $0.seconds.median / limits.byteOperations }
  }
}

extension [Double] {
  /// The middle value, or the mean of the two in the middle.
  ///
  /// - Precondition: there are values.
  public var median: Double {
    precondition(!isEmpty, "nothing has no median")
    let ordered = sorted()
    return (ordered[(count - 1) / 2] + ordered[count / 2]) / 2
  }
}
