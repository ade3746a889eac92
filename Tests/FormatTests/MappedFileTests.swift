import Foundation
import Testing

@testable import Format

@Suite struct MappedFileTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func `any range inside the file can be read`() throws {
    let file = try MappedFile(path: directory.write([1, 2, 3, 4, 5]))
    #expect(file.count == 5)
    #expect(try file.bytes(0..<5) == [1, 2, 3, 4, 5])
    #expect(try file.bytes(2..<4) == [3, 4])
    #expect(try file.bytes(5..<5) == [])
  }

  @Test func `an empty file has no bytes`() throws {
    let file = try MappedFile(path: directory.write([]))
    #expect(try file.bytes(0..<0) == [])
    #expect(throws: FormatError.outsideFile(file: file.path, bytes: 0..<1, fileSize: 0)) {
      try file.bytes(0..<1)
    }
  }

  @Test(arguments: [0..<6, 4..<Int.max, 6..<6, -1..<2])
  func `a range that leaves the file is refused`(range: Range<Int>) throws {
    let file = try MappedFile(path: directory.write([1, 2, 3, 4, 5]))
    #expect(throws: FormatError.outsideFile(file: file.path, bytes: range, fileSize: 5)) {
      try file.bytes(range)
    }
  }

  @Test func `a missing file is named`() throws {
    let path = directory.file("nothing")
    let error = FormatError.cannotOpen(file: path, reason: "No such file or directory")
    #expect(throws: error) { try MappedFile(path: path) }
    #expect(error.kind == .missingInput)
  }

  @Test func `a directory is refused`() throws {
    #expect(throws: FormatError.notRegularFile(file: directory.path)) {
      try MappedFile(path: directory.path)
    }
  }

  @Test func `a pipe is refused without waiting for a writer`() throws {
    let path = directory.file("pipe")
    #expect(mkfifo(path, 0o600) == 0)
    #expect(throws: FormatError.notRegularFile(file: path)) { try MappedFile(path: path) }
  }
}
