import Convert
import Format
import TestSupport
import Testing

@Suite struct CheckpointTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Two tensors in two shards and an index with that map.
  private func shards(_ weightMap: String, first: [String] = ["a"], second: [String] = ["b"]) throws
  {
    for (name, tensors) in [("one", first), ("two", second)] {
      var writer = try SafetensorsWriter(
        path: directory.file("\(name).safetensors"), tensors: tensors.map { ($0, .u8, [1]) },
        metadata: [:], overwrite: true)
      try writer.append([UInt8](repeating: 1, count: 1))
      for _ in tensors.dropFirst() { try writer.append([2]) }
      try writer.publish()
    }
    try directory.write("{}", as: "config.json")
    try directory.write(weightMap, as: "model.safetensors.index.json")
  }

  private var index: String { directory.file("model.safetensors.index.json") }

  @Test func `tensors of all shards are found`() throws {
    try shards(#"{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#)
    let checkpoint = try Checkpoint(directory: directory.path)
    #expect(checkpoint.tensors.keys.sorted() == ["a", "b"])
    #expect(checkpoint.tensors["b"]?.file.path == directory.file("two.safetensors"))
    #expect(
      checkpoint.files.map(\.path) == [
        directory.file("one.safetensors"), directory.file("two.safetensors"),
      ])
  }

  @Test func `a single file goes before an index`() throws {
    try shards(#"{"weight_map": {"a": "none.safetensors"}}"#)
    try directory.copy(directory.file("two.safetensors"), as: "model.safetensors")
    #expect(try Checkpoint(directory: directory.path).tensors.keys.sorted() == ["b"])
  }

  @Test func `a directory without config.json is refused`() throws {
    #expect(throws: ConvertError.missingFile("config.json", directory: directory.path)) {
      try Checkpoint(directory: directory.path)
    }
    #expect(throws: ConvertError.missingFile("config.json", directory: "/nowhere")) {
      try Checkpoint(directory: "/nowhere")
    }
    #expect(ConvertError.missingFile("config.json", directory: "").kind == .missingInput)
  }

  @Test func `a directory without weights is refused`() throws {
    try directory.write("{}", as: "config.json")
    #expect(throws: ConvertError.missingFile("model.safetensors", directory: directory.path)) {
      try Checkpoint(directory: directory.path)
    }
  }

  @Test func `a missing shard is named`() throws {
    try shards(#"{"weight_map": {"a": "one.safetensors", "b": "three.safetensors"}}"#)
    #expect(throws: ConvertError.missingFile("three.safetensors", directory: directory.path)) {
      try Checkpoint(directory: directory.path)
    }
  }

  @Test(arguments: ["", "..", "/etc/passwd", "../one.safetensors", "sub/one.safetensors"])
  func `a shard outside the directory is refused`(name: String) throws {
    try shards(#"{"weight_map": {"a": "\#(name)"}}"#)
    #expect(
      throws: ConvertError.malformedIndex(
        file: index, expected: "names of files in the same directory in “weight_map”")
    ) { try Checkpoint(directory: directory.path) }
  }

  @Test(arguments: ["{}", "[]", #"{"weight_map": {}}"#, #"{"weight_map": ["a"]}"#])
  func `an index without a map is refused`(text: String) throws {
    try shards(text)
    #expect(
      throws: ConvertError.malformedIndex(file: index, expected: "an object “weight_map”")
    ) { try Checkpoint(directory: directory.path) }
  }

  @Test func `a shard that is no text is refused`() throws {
    try shards(#"{"weight_map": {"a": 1}}"#)
    #expect(throws: ConvertError.self) { try Checkpoint(directory: directory.path) }
  }

  @Test func `a tensor that the index promises and its shard lacks is named`() throws {
    let map = #"{"a": "one.safetensors", "b": "two.safetensors", "c": "two.safetensors"}"#
    try shards(#"{"weight_map": \#(map)}"#)
    #expect(
      throws: ConvertError.indexDisagrees(tensor: "c", shard: "two.safetensors", file: index)
    ) { try Checkpoint(directory: directory.path) }
  }

  @Test func `a tensor in another shard than promised is named`() throws {
    try shards(
      #"{"weight_map": {"a": "two.safetensors", "c": "one.safetensors", "b": "two.safetensors"}}"#,
      first: ["a", "c"])
    #expect(
      throws: ConvertError.indexDisagrees(tensor: "a", shard: "two.safetensors", file: index)
    ) { try Checkpoint(directory: directory.path) }
  }

  @Test func `a tensor that the index does not know is named`() throws {
    try shards(
      #"{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#, second: ["b", "c"])
    #expect(
      throws: ConvertError.indexDisagrees(
        tensor: "c", shard: directory.file("two.safetensors"), file: index)
    ) { try Checkpoint(directory: directory.path) }
  }

  @Test func `a tensor in two shards is refused`() throws {
    try shards(
      #"{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#, second: ["b", "a"])
    #expect(
      throws: ConvertError.repeatedTensor(
        "a", first: directory.file("one.safetensors"), second: directory.file("two.safetensors"))
    ) { try Checkpoint(directory: directory.path) }
  }

  @Test(arguments: ["", "{", #"{"a": 1, "a": 2}"#, "{\"a\": \"\u{1}\"}", "{}{}"])
  func `a configuration that is no JSON is refused with its file`(text: String) throws {
    try directory.write(text, as: "config.json")
    do {
      _ = try Checkpoint(directory: directory.path)
      Issue.record("nothing was refused")
    } catch ConvertError.malformedJSON(let file, let reason) {
      #expect(file == directory.file("config.json"))
      #expect(!reason.isEmpty)
    }
  }

  @Test func `a bare Infinity is accepted in config.json only`() throws {
    let checkpoint = try Checkpoint(directory: Fixtures.model("mamba1-hf-tied-bf16"))
    #expect(
      checkpoint.configuration["time_step_limit"]?.arrayValue == [.number(0), .number(.infinity)])
    try shards(#"{"weight_map": {"a": Infinity}}"#)
    #expect(throws: ConvertError.self) { try Checkpoint(directory: directory.path) }
  }

  @Test func `files are read if they are there`() throws {
    let checkpoint = try directory.checkpoint("mamba1-hf") {
      $0.files["preprocessor_config.json"] = #"{"a": 1}"#
      $0.files["tokenizer_config.json"] = "{"
    }
    #expect(try checkpoint.json("preprocessor_config.json") == .dictionary(["a": .integer(1)]))
    #expect(try checkpoint.json("none.json") == nil)
    #expect(throws: ConvertError.self) { try checkpoint.json("tokenizer_config.json") }
    #expect(try checkpoint.text("tokenizer_config.json") == Array("{".utf8))
  }
}
