import ArgumentParser
import Convert
import Format
import Quant
import Runtime

/// Files that keep what a model remembers of a prompt.
struct StateOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Continue after the prompt that a file was saved from.",
      discussion: """
        The file must be of the same model. --prompt and --image, if given, follow what was read \
        before, as they are: without a token that begins texts and without the model's form for \
        questions. The text is split into tokens by itself.
        """, valueName: "file"))
  var loadState: String?

  @Option(
    help: ArgumentHelp(
      "Write what the model remembers after the prompt, before it answers.", valueName: "file"))
  var saveState: String?

  @Flag(help: "Replace an existing state file.")
  var force = false

  /// Refuses to replace a file before any work is done.
  func checkOutput() throws(FormatError) {
    guard let saveState, !force, FileSystem.exists(saveState) else { return }
    throw .outputExists(file: saveState)
  }

  /// Lets a model read a prompt after the loaded state, if there is one, and saves its state, if that is asked for.
  ///
  /// - Parameters:
  ///   - path: where the model is.
  ///   - vision: where its vision towers are, if they lie apart from it.
  func read(
    _ embeddings: Matrix, with model: Model, path: String, vision: String?
  ) throws -> PromptSnapshot {
    guard loadState != nil || saveState != nil else { return try model.read(embeddings) }
    let identity = try ModelLoader.identity(path: path, vision: vision)
    let before = try loadState.map {
      try PromptSnapshot(path: $0, model: model, identity: identity)
    }
    let after = try model.read(embeddings, after: before)
    if let saveState {
      try after.write(to: saveState, model: model, identity: identity, overwrite: force)
    }
    return after
  }
}
