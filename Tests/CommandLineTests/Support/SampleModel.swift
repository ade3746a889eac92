import Format
import Foundation

/// Copies of fixtures in a workplace, and small models made from them.
extension Workplace {
  /// Copies a fixture without its expected outputs.
  func copyModel(_ fixture: String, as name: String = "model") throws {
    try createDirectory(name)
    for file in ["config.json", "model.safetensors"] {
      try FileManager.default.copyItem(
        at: Fixtures.model(fixture).appendingPathComponent(file), to: url("\(name)/\(file)"))
    }
  }

  /// Copies a fixture and changes its tensors.
  func copyModel(
    _ fixture: String, as name: String = "model", changing change: (inout TensorFile) -> Void
  ) throws {
    try copyModel(fixture, as: name)
    var file = try TensorFile(reading: url("\(name)/model.safetensors"))
    change(&file)
    try write(file.encoded, to: "\(name)/model.safetensors")
  }

  /// Changes members of a model's config.json.
  func configure(_ name: String = "model", _ members: [String: JSON]) throws {
    let old = try JSON(parsing: bytes("\(name)/config.json")).objectValue ?? [:]
    let new = members.reduce(into: old) { $0[ExactString($1.key)] = $1.value }
    try write(JSON.object(new).canonicalText, to: "\(name)/config.json")
  }

  /// Writes a language model of `rows` embeddings that reads and writes text byte by byte.
  ///
  /// Ids 1 to 256 are the bytes, 0 ends a text.
  func makeTextModel(
    as name: String = "model", rows: Int = SampleTokenizer.size + 63, headScale: Float = 1
  ) throws {
    try copyModel("mamba1-hf", as: name) { file in
      file.set(.pattern("backbone.embeddings.weight", shape: [rows, 24]))
      file.set(.pattern("lm_head.weight", shape: [rows, 24], seed: 2, scale: headScale))
    }
    try configure(name, ["vocab_size": .integer(Int64(rows))])
    try write(SampleTokenizer.text, to: "\(name)/tokenizer.json")
  }

  /// Writes a model that answers questions about images.
  func makeVisionLanguageModel(as name: String = "model") throws {
    let rows = SampleTokenizer.size + 63
    try copyModel("vlmamba-vss-mlp-bsm", as: name) { file in
      file.set(.pattern("backbone.embeddings.weight", shape: [rows, 17]))
    }
    try configure(name, ["vocab_size": .integer(Int64(rows))])
    try write(SampleTokenizer.text, to: "\(name)/tokenizer.json")
    try write(
      """
      {"image_processor_type": "SiglipImageProcessor", "do_resize": true, "do_rescale": true,
       "do_normalize": true, "size": {"height": 12, "width": 12}, "resample": 3,
       "rescale_factor": 0.00392156862745098, "image_mean": [0.5, 0.5, 0.5],
       "image_std": [0.5, 0.5, 0.5]}
      """, to: "\(name)/preprocessor_config.json")
  }
}

/// A tokenizer with one token for each byte and one that ends a text.
enum SampleTokenizer {
  static let size = 257

  static let text: String = {
    let vocabulary = symbols.enumerated().map { ($1, JSON.integer(Int64($0 + 1))) }
    let end: [String: JSON] = [
      "id": .integer(0), "content": .string("<|endoftext|>"), "single_word": .bool(false),
      "lstrip": .bool(false), "rstrip": .bool(false), "normalized": .bool(false),
      "special": .bool(true),
    ]
    let bytes: JSON = .dictionary([
      "type": .string("ByteLevel"), "add_prefix_space": .bool(false), "trim_offsets": .bool(true),
      "use_regex": .bool(true),
    ])
    return JSON.dictionary([
      "version": .string("1.0"), "added_tokens": .array([.dictionary(end)]),
      "pre_tokenizer": bytes, "decoder": bytes,
      "model": .dictionary([
        "type": .string("BPE"), "merges": .array([]),
        "vocab": .dictionary(Dictionary(uniqueKeysWithValues: vocabulary)),
      ]),
    ]).canonicalText
  }()

  /// The printable character that stands for each byte, as in GPT-2.
  private static let symbols: [String] = {
    let printable = [0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF].flatMap(Array.init)
    var next = 256
    return (0..<256).map { byte in
      if printable.contains(byte) { return String(UnicodeScalar(UInt8(byte))) }
      defer { next += 1 }
      return UnicodeScalar(next).map { String($0) } ?? ""
    }
  }()
}

extension Workplace {
  /// Splits a model's file into two shards with an index.
  func shard(_ name: String) throws {
    let tensors = try TensorFile(reading: url("\(name)/model.safetensors")).tensors
    let shards = [tensors.prefix(tensors.count / 2), tensors.dropFirst(tensors.count / 2)]
    var map = [String: JSON]()
    for (number, shard) in shards.enumerated() {
      let file = "model-0000\(number + 1)-of-00002.safetensors"
      for tensor in shard { map[tensor.name] = .string(file) }
      try write(TensorFile(Array(shard)).encoded, to: "\(name)/\(file)")
    }
    try write(
      JSON.dictionary(["weight_map": .dictionary(map)]).canonicalText,
      to: "\(name)/model.safetensors.index.json")
    try remove("\(name)/model.safetensors")
  }
}
