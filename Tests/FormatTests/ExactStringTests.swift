import Testing

@testable import Format

@Suite struct ExactStringTests {
  @Test func `texts that look alike but have other bytes are different`() {
    let (composed, decomposed) = ("é", "e\u{301}")
    #expect(composed == decomposed)
    #expect(ExactString(composed) != ExactString(decomposed))
    #expect(Set([ExactString(composed), ExactString(decomposed)]).count == 2)
  }

  @Test func `equal bytes are equal and have the same hash`() {
    #expect(ExactString("weight") == "weight")
    #expect(ExactString("weight").hashValue == ("weight" as ExactString).hashValue)
  }

  @Test func `order is that of the bytes`() {
    let sorted = (["é", "z", "Z", "e\u{301}", "", "za"] as [ExactString]).sorted()
    #expect(sorted == ["", "Z", "e\u{301}", "z", "za", "é"])
    #expect(sorted.map(\.description) == sorted.map(\.text))
  }
}

@Suite struct FailureTests {
  /// The numbers are part of the command line's contract.
  @Test func `kinds have the exit codes of sysexits`() {
    let kinds: [FailureKind] = [
      .usage, .badInput, .missingInput, .limitExceeded, .cannotCreate, .inputOutput, .qualityGate,
      .verification,
    ]
    #expect(kinds.map(\.rawValue) == [64, 65, 66, 69, 73, 74, 76, 77])
  }

  static let errors: [(FormatError, FailureKind, String)] = [
    (.notRegularFile(file: "f"), .missingInput, "f is not a regular file"),
    (.readFailed(file: "f", reason: "r"), .inputOutput, "reading f failed: r"),
    (.outputExists(file: "f"), .cannotCreate, "f exists already"),
    (
      .wrongByteCount(file: "f", item: "i", found: 1, expected: 2), .badInput,
      "f: i was given 1 bytes, expected 2"
    ),
    (
      .malformed(file: "f", item: "i", found: "a\u{1b}[2J\n", expected: "b"), .badInput,
      "f: i is a\\u{1B}[2J\\n, expected b"
    ),
    (
      .malformedJSON(file: "f", .tooDeep(limit: 128)), .badInput,
      "f: JSON is nested deeper than 128 levels"
    ),
    (
      .tooLarge(file: "f", item: "i", found: 3, limit: 2), .limitExceeded,
      "f: i is 3, the limit is 2"
    ),
    (
      .wrongDataType(file: "f", tensor: "t", found: .u8, expected: "F32"), .badInput,
      "f: tensor t is U8, expected F32"
    ),
    (
      .notRepresentable(file: "f", tensor: "t", element: 5, expected: "63 bits"), .badInput,
      "f: element 5 of tensor t does not fit 63 bits"
    ),
    (
      .outsideTensor(file: "f", tensor: "t", elements: 1..<9, count: 4), .badInput,
      "f: tensor t has 4 elements, but elements 1 to 9 are needed"
    ),
    (
      .outsideFile(file: "f", bytes: 1..<9, fileSize: 4), .badInput,
      "f has 4 bytes, but bytes 1 to 9 are needed"
    ),
    (.notPack(file: "f"), .badInput, "f is not a .vlmp file"),
    (.notState(file: "f"), .badInput, "f is not a state file"),
    (
      .unsupportedVersion(file: "f", found: "2.0", expected: "1.0"), .badInput,
      "f: the pack's version is 2.0, expected 1.0"
    ),
    (
      .hashMismatch(file: "f", item: "block 1", offset: 64), .verification,
      "f: block 1 at byte 64 does not have its SHA-256 checksum"
    ),
    (
      .undecodable(file: "f", item: "block 1", offset: 64, expected: 9), .verification,
      "f: block 1 at byte 64 does not decompress to 9 bytes"
    ),
  ]

  @Test(arguments: errors)
  func `an error explains itself in one sentence`(
    error: FormatError, kind: FailureKind, text: String
  ) {
    #expect(error.kind == kind)
    #expect(error.description == text)
  }
}
