import Foundation
import Testing

@testable import Format

@Suite struct AtomicFileTests {
  let directory: TemporaryDirectory
  let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("out")
  }

  @Test func `the file gets its name only when it is published`() throws {
    let file = try AtomicFile(path: path, overwrite: false)
    try file.append([1, 2, 3, 4])
    try file.append([5])
    try file.write([9], at: 1)
    try file.truncate(to: 4)
    #expect(file.byteCount == 4)
    #expect(try directory.names.count == 1 && directory.names != ["out"])
    #expect(try contents(of: file.temporaryPath) == [1, 9, 3, 4])
    try file.publish()
    #expect(try directory.names == ["out"])
    #expect(try contents(of: path) == [1, 9, 3, 4])
  }

  @Test func `nothing remains after discard`() throws {
    let file = try AtomicFile(path: path, overwrite: false)
    try file.append([1])
    file.discard()
    file.discard()
    #expect(try directory.names == [])
  }

  @Test func `nothing remains of a file that is forgotten`() throws {
    try AtomicFile(path: path, overwrite: false).append([1])
    #expect(try directory.names == [])
  }

  @Test func `discard after publish keeps the file`() throws {
    let file = try AtomicFile(path: path, overwrite: false)
    try file.publish()
    file.discard()
    #expect(try directory.names == ["out"])
  }

  @Test func `an existing file is kept unless it may be replaced`() throws {
    _ = try directory.write([7], as: "out")
    #expect(throws: FormatError.outputExists(file: path)) {
      try AtomicFile(path: path, overwrite: false)
    }
    #expect(try contents(of: path) == [7])
    let file = try AtomicFile(path: path, overwrite: true)
    try file.append([8])
    #expect(try contents(of: path) == [7])
    try file.publish()
    #expect(try contents(of: path) == [8])
    #expect(try directory.names == ["out"])
  }

  @Test func `a file that appears while writing is kept`() throws {
    let file = try AtomicFile(path: path, overwrite: false)
    try file.append([8])
    _ = try directory.write([7], as: "out")
    #expect(throws: FormatError.outputExists(file: path)) { try file.publish() }
    #expect(try contents(of: path) == [7])
    #expect(try directory.names == ["out"])
  }

  @Test func `a directory that does not exist is an output that cannot be created`() throws {
    let path = directory.file("nowhere/out")
    let error = FormatError.cannotCreate(file: path, reason: "No such file or directory")
    #expect(throws: error) { try AtomicFile(path: path, overwrite: true) }
    #expect(error.kind == .cannotCreate)
  }

  @Test func `a directory is never replaced`() throws {
    #expect(throws: FormatError.cannotCreate(file: directory.path, reason: "it is a directory")) {
      try AtomicFile(path: directory.path, overwrite: true)
    }
  }

  @Test func `a directory removed while writing is reported`() throws {
    let inner = directory.file("inner")
    try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
    let file = try AtomicFile(path: inner + "/out", overwrite: true)
    try FileManager.default.removeItem(atPath: inner)
    #expect(
      throws: FormatError.cannotCreate(
        file: inner + "/out", reason: "No such file or directory")
    ) { try file.publish() }
  }

  @Test func `a full device is an input or output error`() throws {
    let descriptor = open("/dev/full", O_WRONLY)
    defer { close(descriptor) }
    let bytes: [UInt8] = [1]
    #expect(throws: SystemError(code: ENOSPC)) {
      try SystemCalls.write(bytes.span.bytes, to: descriptor, at: 0)
    }
    let error = FormatError.writeFailed(file: path, reason: SystemError(code: ENOSPC).reason)
    #expect(error.kind == .inputOutput)
    #expect(error.description == "writing \(path) failed: No space left on device")
  }

  @Test(arguments: [("a", "."), ("/a", "/"), ("b/a", "b"), ("/b//a", "/b/"), ("é/a", "é")])
  func `the temporary file lies beside the output`(path: String, directory: String) {
    #expect(AtomicFile.directory(of: path) == directory)
  }
}
