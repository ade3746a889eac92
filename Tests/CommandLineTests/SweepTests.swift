import Format
import Foundation
import Runtime
import Testing

/// `sweep`: several settings, each measured, on one page.
@Suite struct SweepTests {
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try workplace.makeTextModel()
    try workplace.write(SampleText.english, to: "sample.txt")
  }

  private func page(_ name: String = "report.html") throws -> String {
    String(decoding: try workplace.bytes(name), as: UTF8.self)
  }

  @Test func `writes one page and leaves nothing else behind`() throws {
    let outcome = try Program.run(
      "sweep", "model", "--text", "sample.txt", "--settings", "q8,e3", "-o", "report.html",
      in: workplace)
    outcome.expectSuccess()
    #expect(outcome.output.hasPrefix("setting"))
    #expect(try workplace.names == ["model", "report.html", "sample.txt"])
    let page = try page()
    for text in [
      "<strong>q8</strong>", "<strong>e3</strong>", "mean KL divergence, nats",
      "perplexity / original", "signal over error, language, setting e3", "Bytes of the file",
      "@media (prefers-color-scheme: dark)",
    ] { #expect(page.contains(text), "\(text)") }
  }

  @Test func `a page loads nothing and runs nothing`() throws {
    try Program.run(
      "sweep", "model", "--text", "sample.txt", "--settings", "q4", "-o", "report.html",
      in: workplace
    ).expectSuccess()
    let page = try page()
    for text in ["<script", "http:", "https:", " src=", " href=", "url(", "@import"] {
      #expect(!page.contains(text), "\(text)")
    }
  }

  @Test func `figures are those of convert and evaluate`() throws {
    let sweep = try Program.run(
      "sweep", "model", "--text", "sample.txt", "--settings", "q8", "-o", "report.html", "--json",
      in: workplace)
    sweep.expectSuccess()
    let document = try JSON(parsing: Array(sweep.output.utf8))
    let setting = try #require(document["settings"]?.arrayValue?.first)
    try Program.run("model", "--quantize", "q8", "-o", "out.vlmp", in: workplace).expectSuccess()
    let evaluation = try Program.run(
      "evaluate", "out.vlmp", "--against", "model", "--text", "sample.txt", "--json",
      in: workplace)
    let expected = try JSON(parsing: Array(evaluation.output.utf8))
    let pack = try PackReader(path: workplace.path("out.vlmp"))
    #expect(setting["model_id"] == .string(pack.modelID))
    #expect(setting["bytes"]?.intValue == pack.byteCount)
    for name in ["perplexity", "perplexity_ratio", "kl_mean", "kl_p99", "top1_agreement"] {
      #expect(setting["evaluation"]?[name] == expected[name], "\(name)")
    }
  }

  @Test func `signal over error is that of the unpacked values`() throws {
    let sweep = try Program.run(
      "sweep", "model", "--text", "sample.txt", "--settings", "q8", "-o", "report.html", "--json",
      in: workplace)
    let document = try JSON(parsing: Array(sweep.output.utf8))
    let tensors = try #require(
      document["settings"]?.arrayValue?.first?["tensors"]?.arrayValue)
    try Program.run("model", "--quantize", "q8", "-o", "out.vlmp", in: workplace).expectSuccess()
    try Program.run("unpack", "out.vlmp", "-o", "unpacked", in: workplace).expectSuccess()
    let (original, rounded) = (try floats("model"), try floats("unpacked"))
    let name = "backbone.layers.0.mixer.in_proj.weight"
    let (exact, given) = (try #require(original[name]), try #require(rounded[name]))
    let signal = exact.reduce(0) { $0 + $1 * $1 }
    let error = zip(exact, given).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let found = tensors.first {
      $0["name"]?.stringValue == "language.layers.0.mixer.inputProjection.weight"
    }
    let decibels = try #require(found?["weight_snr"]?.doubleValue)
    // The document has hundredths.
    #expect(abs(decibels - 10 * log10(signal / error)) <= 0.0051)
    let kept = tensors.first { $0["name"]?.stringValue == "language.layers.0.mixer.skip" }
    #expect(kept != nil && kept?["weight_snr"] == nil)
  }

  private func floats(_ model: String) throws -> [String: [Double]] {
    let tensors = try TensorFile(reading: workplace.url("\(model)/model.safetensors")).tensors
    return Dictionary(
      uniqueKeysWithValues: tensors.map { tensor in
        let bits = stride(from: 0, to: tensor.bytes.count, by: 4).map { start in
          (0..<4).reduce(UInt32(0)) { $0 | UInt32(tensor.bytes[start + $1]) << (8 * $1) }
        }
        return (tensor.name, bits.map { Double(Float(bitPattern: $0)) })
      })
  }

  @Test func `the same work gives the same page, with any number of threads`() throws {
    for threads in ["1", "3"] {
      try Program.run(
        "sweep", "model", "--text", "sample.txt", "--settings", "q4,e4", "--threads", threads,
        "-o", "\(threads).html", in: workplace
      ).expectSuccess()
    }
    #expect(try workplace.bytes("1.html") == workplace.bytes("3.html"))
  }

  @Test func `packs are kept on demand, as convert writes them`() throws {
    try Program.run(
      "sweep", "model", "--text", "sample.txt", "--settings", "q8,e4", "--keep-packs", "packs",
      "-o", "report.html", in: workplace
    ).expectSuccess()
    try Program.run("model", "--quantize", "e4", "-o", "out.vlmp", in: workplace).expectSuccess()
    #expect(try workplace.bytes("packs/e4.vlmp") == workplace.bytes("out.vlmp"))
    #expect(workplace.exists("packs/q8.vlmp"))
    try Program.run(
      "sweep", "model", "--text", "sample.txt", "--settings", "q8", "--keep-packs", "packs",
      "-o", "second.html", in: workplace
    ).expectFailure(73, "packs/q8.vlmp exists already; --force replaces it")
    #expect(!workplace.exists("second.html"))
  }

  @Test func `calibrated settings show the errors of outputs`() throws {
    try Program.run(
      "sweep", "model", "--text", "sample.txt", "--settings", "e4", "--calibrate", "sample.txt",
      "--calibration-tokens", "256", "-o", "report.html", in: workplace
    ).expectSuccess()
    #expect(try page().contains("Outputs, signal over error, language, setting e4"))
  }

  @Test func `questions give accuracy and same answers`() throws {
    try workplace.makeVisionLanguageModel(as: "seeing")
    try FileManager.default.copyItem(
      atPath: Fixtures.image("rgb.png"), toPath: workplace.path("picture.png"))
    try workplace.write(
      #"{"image": "picture.png", "question": "What is it?", "answer": "a star"}"#,
      to: "questions.jsonl")
    try Program.run(
      "sweep", "seeing", "--questions", "questions.jsonl", "--settings", "q8", "-o",
      "report.html", in: workplace
    ).expectSuccess()
    let page = try page()
    #expect(page.contains("answers like the original&#39;s, %"))
    #expect(page.contains("signal over error, vision.0, setting q8"))
  }

  @Test func `a setting that fails ends the command and leaves no page`() throws {
    try workplace.makeTextModel(as: "poisoned")
    var file = try TensorFile(reading: workplace.url("poisoned/model.safetensors"))
    file.change("backbone.layers.0.mixer.in_proj.weight") { $0 = $0.replacing(0, with: .nan) }
    try workplace.write(file.encoded, to: "poisoned/model.safetensors")
    try Program.run(
      "sweep", "poisoned", "--text", "sample.txt", "--settings", "q8,e4", "-o", "report.html",
      in: workplace
    ).expectFailure(65, "setting q8: ", "in_proj.weight")
    #expect(try !workplace.names.contains { $0.contains("report") || $0.hasPrefix(".") })
  }

  @Test func `what cannot be done is refused at once`() throws {
    let base = "exec \"$PROGRAM\" sweep model -o report.html"
    for (arguments, status, message) in [
      ("", 64, "give --text or --questions"),
      ("--text sample.txt --settings q8,q8", 64, "--settings names q8 twice"),
      ("--text sample.txt --settings q8,q99", 64, "q99"),
      ("--text none.txt", 66, "none.txt"),
    ] as [(String, Int32, String)] {
      try Program.shell("\(base) \(arguments)", in: workplace).expectFailure(status, message)
    }
    try workplace.write("", to: "report.html")
    try Program.shell("\(base) --text sample.txt", in: workplace)
      .expectFailure(73, "report.html exists already; --force replaces it")
  }

  @Test(.enabled(if: Browser.path != nil, "needs a headless browser"))
  func `a browser shows the page, and hostile text as text`() throws {
    let hostile =
      "<img src=x onerror=\"document.title='run'\"></h1><script>document.title='run'</script>"
    try workplace.write(hostile, to: "title.txt")
    try Program.shell(
      "exec \"$PROGRAM\" sweep model --text sample.txt --settings q8,q4,e4,e3 "
        + "--title \"$(cat title.txt)\" -o report.html", in: workplace
    ).expectSuccess()
    let document = try Browser.document(of: "report.html", in: workplace)
    #expect(document.contains("<h1>&lt;img src=x onerror="))
    #expect(!document.contains("<title>run"))
    #expect(!document.contains("<script"))
    #expect(document.components(separatedBy: "<svg ").count - 1 == 2 + 4 * 2)
    #expect(document.contains("class=\"frontier\""))
    let light = try Browser.picture(
      of: "report.html", width: 1200, height: 1600, in: workplace)
    let dark = try Browser.picture(
      of: "report.html", width: 1200, height: 1600,
      options: "--blink-settings=preferredColorScheme=0", in: workplace)
    for picture in [light, dark] { #expect(colors(of: picture) > 200) }
    #expect(brightness(of: light) > 180)
    #expect(brightness(of: dark) < 90)
  }

  /// Number of different colours.
  private func colors(of picture: RGBImage) -> Int {
    Set(
      stride(from: 0, to: picture.pixels.count, by: 3).map { start in
        picture.pixels[start..<start + 3].reduce(0) { $0 << 8 | Int($1) }
      }
    ).count
  }

  /// The mean of all channels, 0 to 255.
  private func brightness(of picture: RGBImage) -> Int {
    picture.pixels.reduce(0) { $0 + Int($1) } / picture.pixels.count
  }
}
