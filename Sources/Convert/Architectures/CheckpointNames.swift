/// Spellings that any checkpoint may have.
enum CheckpointNames {
  /// A name without what training code wraps around models.
  static func unwrapped(_ name: String) -> String {
    var name = Substring(name)
    for prefix in ["module.", "_orig_mod."] where name.hasPrefix(prefix) {
      name = name.dropFirst(prefix.count)
    }
    return String(name)
  }
}
