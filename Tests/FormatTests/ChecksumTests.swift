import Testing

@testable import Format

@Suite struct ChecksumTests {
  /// FIPS 180-4 examples of NIST; the long one is a million times “a”.
  static let known: [([UInt8], String)] = [
    ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (
      Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    ),
    (
      [UInt8](repeating: 0x61, count: 1_000_000),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    ),
  ]

  @Test(arguments: known)
  func `checksums are those of the standard`(bytes: [UInt8], expected: String) {
    #expect(sha256(bytes).hexText == expected)
  }

  @Test func `pieces give the checksum of the whole`() {
    let bytes = noise(1000)
    var hasher = SHA256Hasher()
    for start in stride(from: 0, to: 1000, by: 77) {
      hasher.update(Array(bytes[start..<min(start + 77, 1000)]))
    }
    #expect(hasher.finalize() == sha256(bytes))
    hasher.update([1])
    #expect(hasher.finalize() == sha256(bytes + [1]))
  }

  @Test func `the checksum of a file is that of its bytes`() throws {
    let directory = try TemporaryDirectory()
    let file = try MappedFile(path: directory.write(noise(5000)))
    #expect(try sha256(of: file) == sha256(noise(5000)))
  }

  @Test(arguments: [0, 31, 33])
  func `a digest has 32 bytes`(count: Int) {
    #expect(SHA256Digest(bytes: [UInt8](repeating: 0, count: count)) == nil)
  }
}
