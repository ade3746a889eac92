import Format
import Runtime

/// Cobra (arXiv:2403.14520): DINOv2 and SigLIP side by side, a projector, and a Mamba language model.
///
/// Names are those of its training code, its nested dictionaries joined by dots.
struct Cobra: Architecture {
  let profile = "cobra"
  let summary = "Cobra: DINOv2 and SigLIP, linear, MLP or pooling projector, Mamba language model"
  let modelTypes = ["cobra"]
  let acceptsSeparateTowers = true

  private static let languagePrefix = "llm_backbone.llm."

  func recognizes(_ checkpoint: Checkpoint) -> Bool { CobraParts.recognizes(checkpoint) }

  func standardName(_ name: String, in checkpoint: Checkpoint) -> String? {
    CobraParts.standardName(name)
  }

  func exportedName(_ standardName: String) -> String {
    CobraParts.exportedName(standardName, languagePrefix: Self.languagePrefix)
  }

  func describe(_ reader: inout CheckpointReader) throws -> ModelDescription {
    let language = try CobraParts.language(&reader)
    let vision = try CobraVision.describe(&reader)
    let connector = try CobraParts.projector(
      &reader, inputs: vision.width, outputs: language.width, grid: vision.grid)
    CobraParts.noteChoices(&reader, vision, connector)
    let isBase = !reader.text(
      "llm_backbone_id", default: "zephyr", in: CobraParts.settings(reader.configuration)
    ).contains("zephyr")
    return ModelDescription(
      profile: profile, language: language, vision: vision.towers, connector: connector,
      imageProcessors: vision.processors, prompt: isBase ? Self.basePrompt : CobraParts.prompt)
  }

  /// The prompt of language models that no one has tuned to chat.
  private static let basePrompt = PromptDescription(prefix: "In: ", suffix: "\nOut: ")

  func tensors(_ description: ModelDescription) -> [TensorRule] {
    guard let language = description.language, let connector = description.connector else {
      return []
    }
    return CobraVision.tensors(description.vision)
      + CobraParts.projector(connector, inputs: connector.inputWidth)
      + MambaLanguage.tensors(language)
  }

  func exportedConfiguration(_ description: ModelDescription, original: JSON) -> JSON {
    CobraVision.exportedConfiguration(description, original: original)
  }
}
