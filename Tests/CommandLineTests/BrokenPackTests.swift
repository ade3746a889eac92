import Format
import Foundation
import Testing

/// Packs that are damaged, cut off, or of another version.
@Suite struct BrokenPackTests {
  private let workplace: Workplace
  private let pack: [UInt8]

  /// Commands that read a model, each writing nothing but perhaps `result`.
  private static let readers = [
    "evaluate pack.vlmp --text sample.txt", "generate pack.vlmp --prompt Hi",
    "forward pack.vlmp --input in.safetensors -o result", "unpack pack.vlmp -o result",
  ]

  init() throws {
    workplace = try Workplace()
    try workplace.makeTextModel()
    try workplace.write(SampleText.english, to: "sample.txt")
    try workplace.write(
      TensorFile([.init(name: "input_ids", dataType: "I32", shape: [1], bytes: [1, 0, 0, 0])])
        .encoded, to: "in.safetensors")
    try Program.run("model", "-o", "pack.vlmp", in: workplace).expectSuccess()
    pack = try workplace.bytes("pack.vlmp")
  }

  /// The pack with one bit turned over in the first block of the head.
  private func damageHead() throws -> (block: Int, bytes: [UInt8]) {
    let reader = try PackReader(path: workplace.path("pack.vlmp"))
    let plane = try #require(
      reader.header.tensors.first { $0.name == "language.head.weight" }?.planes.first)
    // Blocks follow each other in the file, so the head's begins where those before it end.
    let offset = try offset(of: plane.firstBlock)
    var bytes = pack
    bytes[offset] ^= 1
    try workplace.write(bytes, to: "pack.vlmp")
    return (plane.firstBlock, bytes)
  }

  /// The offset of a block, as the fault of `verify` for a file with that block damaged names it.
  private func offset(of block: Int) throws -> Int {
    let reader = try PackReader(path: workplace.path("pack.vlmp"))
    let before = reader.header.tensors.flatMap(\.planes) + reader.header.assets.map(\.plane)
    return before.filter { $0.firstBlock < block }
      .reduce(64) { $0 + reader.storedBytes(of: $1) }
  }

  @Test func `verify names the damaged block, its tensor and its bytes`() throws {
    let block = try damageHead().block
    let outcome = try Program.run("verify", "pack.vlmp", in: workplace)
    #expect(outcome.status == 77)
    #expect(outcome.error == "")
    #expect(
      outcome.output.hasPrefix("pack.vlmp: block \(block) (plane codes of tensor language.head"),
      "\(outcome.output)")
    #expect(outcome.output.hasSuffix("does not have its SHA-256 checksum\n"))
  }

  @Test func `verify as JSON lists the damaged blocks`() throws {
    let block = try damageHead().block
    let outcome = try Program.run("verify", "pack.vlmp", "--json", in: workplace)
    #expect(outcome.status == 77)
    let document = try JSON(parsing: Array(outcome.output.utf8))
    #expect(document["ok"] == .bool(false))
    #expect(document["faults"]?.arrayValue?.map { $0["block"]?.intValue } == [block])
  }

  @Test(arguments: readers)
  func `a command that reads a damaged tensor refuses it`(command: String) throws {
    _ = try damageHead()
    try Program.shell("exec \"$PROGRAM\" \(command)", in: workplace).expectFailure(
      77, "pack.vlmp: block ", "plane codes of language.head.weight", "SHA-256", "damaged")
    #expect(!workplace.exists("result"))
  }

  @Test(arguments: readers + ["inspect pack.vlmp"])
  func `a pack that is cut off is refused`(command: String) throws {
    try workplace.write(Array(pack.dropLast(10)), to: "pack.vlmp")
    try Program.shell("exec \"$PROGRAM\" \(command)", in: workplace).expectFailure(
      65, "pack.vlmp: the index is ", "the file's end at \(pack.count - 10)")
    #expect(!workplace.exists("result"))
  }

  @Test(arguments: [10, 100, 5000])
  func `verify says where a pack is cut off`(missing: Int) throws {
    try workplace.write(Array(pack.dropLast(missing)), to: "pack.vlmp")
    try Program.run("verify", "pack.vlmp", in: workplace).expectFailure(
      77, "pack.vlmp: the index is ", "the file's end at \(pack.count - missing)")
  }

  @Test func `verify as JSON tells of an index that is damaged`() throws {
    var bytes = pack
    bytes[bytes.count - 1] ^= 1
    try workplace.write(bytes, to: "pack.vlmp")
    let outcome = try Program.run("verify", "pack.vlmp", "--json", in: workplace)
    #expect(outcome.status == 77)
    let document = try JSON(parsing: Array(outcome.output.utf8))
    #expect(document["ok"] == .bool(false))
    #expect(document["problem"]?.stringValue?.contains("the index at byte ") == true)
  }

  @Test(arguments: readers + ["inspect pack.vlmp", "verify pack.vlmp"])
  func `a pack of a newer major version is refused`(command: String) throws {
    var bytes = pack
    bytes[8] = 2
    try workplace.write(bytes, to: "pack.vlmp")
    try Program.shell("exec \"$PROGRAM\" \(command)", in: workplace).expectFailure(
      65, "pack.vlmp: the pack's version is 2.0, expected 1.0", "newer version")
    #expect(!workplace.exists("result"))
  }

  @Test(arguments: readers + ["inspect pack.vlmp", "verify pack.vlmp"])
  func `a file of another kind is refused`(command: String) throws {
    try workplace.write("hello", to: "pack.vlmp")
    try Program.shell("exec \"$PROGRAM\" \(command)", in: workplace)
      .expectFailure(65, "pack.vlmp is not a .vlmp file")
    #expect(!workplace.exists("result"))
  }

  @Test(arguments: readers + ["inspect pack.vlmp", "verify pack.vlmp"])
  func `a model that does not exist is refused`(command: String) throws {
    try workplace.remove("pack.vlmp")
    try Program.shell("exec \"$PROGRAM\" \(command)", in: workplace)
      .expectFailure(66, "cannot open pack.vlmp: No such file or directory")
    #expect(!workplace.exists("result"))
  }
}
