import Format

/// Every layout of checkpoints that this program knows.
enum Architectures {
  /// All of them, the most specific first; a new one is one more line here.
  static let all: [any Architecture] = [
    MLMamba(),
    Cobra(),
    VLMamba(),
    ClipVisionTransformer(),
    SiglipVisionTransformer(),
    DinoVisionTransformer(hasRegisters: false),
    DinoVisionTransformer(hasRegisters: true),
    InternVisionTransformer(layout: .own),
    InternVisionTransformer(layout: .huggingFace),
    TimmVisionTransformer(),
    FalconMamba(),
    MambaTwo(layout: .mistral),
    MambaTwo(layout: .huggingFace),
    MambaTwo(layout: .stateSpaces),
    MambaOne(layout: .huggingFace),
    MambaOne(layout: .stateSpaces),
  ]

  /// The layout of a checkpoint.
  static func recognize(_ checkpoint: Checkpoint) throws(ConvertError) -> any Architecture {
    if let architecture = all.first(where: { $0.recognizes(checkpoint) }) { return architecture }
    let modelType = checkpoint.configuration["model_type"]?.stringValue
    throw .unknownArchitecture(
      directory: checkpoint.directory, modelType: modelType,
      known: nearest(to: modelType ?? ""))
  }

  /// The layout of that name.
  static func named(_ profile: String) -> (any Architecture)? {
    all.first { $0.profile == profile }
  }

  /// All profiles, those whose model types are spelled most alike first.
  private static func nearest(to modelType: String) -> [String] {
    all.map { architecture in
      let distance =
        (architecture.modelTypes + [architecture.profile])
        .map { modelType.editDistance(to: $0) }.min() ?? 0
      return (distance, architecture.profile)
    }
    .sorted { $0 < $1 }
    .map(\.1)
  }
}
