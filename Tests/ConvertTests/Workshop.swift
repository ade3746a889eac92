import Convert
import Format
import Quant
import TestSupport

extension TemporaryDirectory {
  /// Writes a changed copy of a committed model and opens it.
  func checkpoint(
    _ fixture: String, as name: String = "model", shards: Int = 1,
    _ change: (inout SampleCheckpoint) throws -> Void = { _ in }
  ) throws -> Checkpoint {
    var sample = try SampleCheckpoint(fixture: fixture)
    try change(&sample)
    let path = try directory(name)
    if shards == 1 {
      try sample.write(to: path)
    } else {
      try sample.write(to: path, shards: shards)
    }
    return try Checkpoint(directory: path)
  }

  /// Converts a checkpoint and opens the pack.
  func convert(
    _ checkpoint: Checkpoint, _ recipe: Recipe, as name: String = "model.vlmp", threads: Int = 1,
    codec: Codec = .zstd, keepNonFinite: Bool = false
  ) throws -> PackReader {
    let plan = try ConversionPlan(checkpoint, recipe: recipe, keepNonFinite: keepNonFinite)
    let pipeline = ConversionPipeline(plan, threads: ThreadPool(threads: threads))
    let writer = try PackWriter(
      output: file(name), codec: codec, overwrite: true, threads: threads)
    try pipeline.write(to: writer, progress: { _, _ in })
    try pipeline.seal(writer)
    try writer.publish()
    return try PackReader(path: file(name))
  }
}

extension Recipe {
  /// Everything in one encoding.
  static func all(_ encoding: String) -> Recipe {
    Recipe(name: "test", rules: [Rule(encoding: encoding)])
  }
}

extension ConversionPlan {
  /// The entry of that canonical name.
  func entry(_ name: String) -> Entry? { entries.first { $0.name == name } }
}

extension PackReader {
  /// The bytes of all planes of all tensors, by the names of tensor and plane.
  func planes() throws -> [String: [UInt8]] {
    var planes = [String: [UInt8]]()
    for tensor in header.tensors {
      for plane in tensor.planes {
        planes["\(tensor.name) \(plane.name)"] = try self.plane(plane, of: tensor.name)
      }
    }
    return planes
  }
}
