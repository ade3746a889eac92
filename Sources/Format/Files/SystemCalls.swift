import Glibc

/// A failed system call.
struct SystemError: Error, Equatable {
  let code: Int32

  /// The operating system's words for it.
  var reason: String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
  }

  /// Whether a new name exists already.
  var isNameTaken: Bool { code == EEXIST }

  static var last: SystemError { SystemError(code: errno) }
}

/// The calls of the operating system that files need. Interrupted calls are repeated.
enum SystemCalls {
  /// A descriptor for reading.
  static func openForReading(_ path: String) throws(SystemError) -> Int32 {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    try checked { unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
  }

  /// A descriptor for a new file; fails with `EEXIST` if that name is taken.
  static func createExclusively(_ path: String) throws(SystemError) -> Int32 {
    try checked { unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
  }

  /// The size of an open file, or nothing if it is not a regular one.
  static func regularFileSize(_ descriptor: Int32) throws(SystemError) -> Int? {
    var status = stat()
    _ = try checked { unsafe fstat(descriptor, &status) }
    return status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
  }

  static func write(_ bytes: RawSpan, to descriptor: Int32, at offset: Int) throws(SystemError) {
    var done = 0
    while done < bytes.byteCount {
      let rest = bytes.extracting(droppingFirst: done)
      let count = unsafe rest.withUnsafeBytes { buffer in
        unsafe pwrite(descriptor, buffer.baseAddress, buffer.count, offset + done)
      }
      if count < 0 {
        guard errno == EINTR else { throw .last }
      } else {
        done += count
      }
    }
  }

  static func truncate(_ descriptor: Int32, to size: Int) throws(SystemError) {
    _ = try checked { ftruncate(descriptor, size) }
  }

  static func synchronize(_ descriptor: Int32) throws(SystemError) {
    _ = try checked { fsync(descriptor) }
  }

  /// Makes renames inside a directory durable, where the file system knows how to.
  static func synchronizeDirectory(_ path: String) throws(SystemError) {
    let descriptor = try checked { unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    defer { close(descriptor) }
    do {
      try synchronize(descriptor)
    } catch {
      guard error.code == EINVAL else { throw error }
    }
  }

  static func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

  static func remove(_ path: String) { _ = unsafe unlink(path) }

  static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  static func exists(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0
  }

  static func rename(_ old: String, to new: String) throws(SystemError) {
    _ = try checked { unsafe Glibc.rename(old, new) }
  }

  /// Renames a file unless the new name is taken (`EEXIST`).
  static func renameWithoutReplacing(_ old: String, to new: String) throws(SystemError) {
    do {
      _ = try checked { unsafe link(old, new) }
      remove(old)
    } catch {
      // File systems without hard links leave only this, which another program may overtake.
      guard error.code == EPERM || error.code == EOPNOTSUPP else { throw error }
      guard !exists(new) else { throw SystemError(code: EEXIST) }
      try rename(old, to: new)
    }
  }

  private static func checked(_ call: () -> Int32) throws(SystemError) -> Int32 {
    while true {
      let result = call()
      if result >= 0 { return result }
      guard errno == EINTR else { throw .last }
    }
  }
}
