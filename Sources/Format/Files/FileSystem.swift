import Glibc

/// Questions to the file system.
public enum FileSystem {
  /// Whether something of that name exists.
  public static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  /// Whether a directory of that name exists.
  public static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Creates a directory; its parent must exist.
  ///
  /// - Throws: `cannotCreate`.
  public static func createDirectory(_ path: String) throws(FormatError) {
    guard unsafe mkdir(path, 0o777) == 0 else {
      throw .cannotCreate(file: path, reason: SystemError.last.reason)
    }
  }

  /// The last component of a path.
  public static func name(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}
