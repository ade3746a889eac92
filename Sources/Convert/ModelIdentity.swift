import Format

extension ModelLoader {
  /// What tells a model from others: 64 hexadecimal digits.
  ///
  /// For a pack its model id. For a checkpoint the SHA-256 of its configuration and of the checksums of its weights'
  /// files, every byte of which is read; names of files, tokenizer and the like do not count.
  ///
  /// - Parameter vision: a directory with the vision towers that a checkpoint leaves out.
  public static func identity(path: String, vision: String? = nil) throws -> String {
    guard FileSystem.isDirectory(path) else { return try PackReader(path: path).modelID }
    let checkpoint = try Checkpoint(directory: path, vision: vision)
    let weights = try checkpoint.files.map { file in
      JSON.string(try sha256(of: MappedFile(path: file.path)).hexText)
    }
    let parts = JSON.dictionary([
      "configuration": checkpoint.configuration, "weights": .array(weights),
    ])
    return sha256(Array(parts.canonicalText.utf8)).hexText
  }
}
