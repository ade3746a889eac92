import Format
import Foundation
import Testing

/// What stays behind when the program is stopped: nothing.
@Suite(.serialized) struct InterruptionTests {
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try workplace.makeLargeModel()
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func `a conversion that is stopped leaves no file`(number: Int32) throws {
    let running = try Program.start(
      "model", "-o", "out.vlmp", "--threads", "1", in: workplace)
    try workplace.waitForUnfinishedFile(in: ".", of: running)
    kill(running.identifier, number)
    let outcome = try running.outcome()
    #expect(outcome.status == 128 + number, "\(outcome.error)")
    #expect(outcome.output == "")
    #expect(try workplace.names == ["model"])
  }

  @Test func `a forced conversion that is stopped leaves the old file`() throws {
    try workplace.write("precious", to: "out.vlmp")
    let running = try Program.start("model", "-o", "out.vlmp", "--force", in: workplace)
    try workplace.waitForUnfinishedFile(in: ".", of: running)
    kill(running.identifier, SIGTERM)
    #expect(try running.outcome().status == 128 + SIGTERM)
    #expect(try workplace.names == ["model", "out.vlmp"])
    #expect(try workplace.bytes("out.vlmp") == Array("precious".utf8))
  }

  @Test func `an unpacking that is stopped leaves no directory`() throws {
    try Program.run("model", "-o", "out.vlmp", "--quantize", "bf16", in: workplace)
      .expectSuccess()
    let running = try Program.start("unpack", "out.vlmp", "-o", "unpacked", in: workplace)
    try workplace.waitForUnfinishedFile(in: "unpacked", of: running)
    kill(running.identifier, SIGINT)
    #expect(try running.outcome().status == 128 + SIGINT)
    #expect(try workplace.names == ["model", "out.vlmp"])
  }

  @Test func `a signal that the caller ignores does not stop the program`() throws {
    let line = """
      trap '' HUP; "$PROGRAM" model -o out.vlmp --quantize bf16 & child=$!
      until ls -A | grep -q unfinished; do :; done; kill -HUP $child; wait $child
      """
    let outcome = try Program.shell(line, in: workplace)
    outcome.expectSuccess()
    #expect(try workplace.names == ["model", "out.vlmp"])
  }
}

extension Workplace {
  /// A model whose conversion takes a while: an embedding of zeros that takes no space on the disk.
  fileprivate func makeLargeModel() throws {
    let rows = 3 << 20
    let width = 20
    try copyModel("mamba1-hf-tied-bf16")
    var file = try TensorFile(reading: url("model/model.safetensors"))
    file.remove("lm_head.weight")
    file.set(
      .init(name: "backbone.embeddings.weight", dataType: "BF16", shape: [rows, width], bytes: []))
    var offsets = file.offsets
    let start = offsets.removeLast().lowerBound
    offsets.append(start..<start + rows * width * 2)
    let bytes = file.encoded(offsets: offsets)
    try write(bytes, to: "model/model.safetensors")
    let handle = try FileHandle(forUpdating: url("model/model.safetensors"))
    try handle.truncate(atOffset: UInt64(bytes.count + rows * width * 2))
  }

  /// Waits until the program has begun to write.
  fileprivate func waitForUnfinishedFile(in name: String, of running: Run) throws {
    let deadline = Date(timeIntervalSinceNow: 60)
    while running.isRunning, Date() < deadline {
      let names = try? FileManager.default.contentsOfDirectory(atPath: path(name))
      if names?.contains(where: { $0.hasPrefix(".unfinished-") }) == true { return }
      usleep(1000)
    }
    Issue.record("the program ended or did not write: \(try running.outcome().error)")
  }
}
