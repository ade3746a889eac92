import Format

/// The directory that commands convert from.
enum CheckpointDirectory {
  /// Throws an error that says what a path is instead, and what to do if it is a pack.
  static func require(_ path: String) throws(FormatError) {
    guard !FileSystem.isDirectory(path) else { return }
    guard FileSystem.exists(path) else {
      throw .cannotOpen(file: path, reason: "there is no such directory")
    }
    let isPack = PackReader.isPack(path: path)
    throw .malformed(
      file: path, item: "the model", found: isPack ? "a pack" : "a file",
      expected: isPack
        ? "a checkpoint directory; the command unpack makes one"
        : "a checkpoint directory, which holds config.json and safetensors files")
  }
}
