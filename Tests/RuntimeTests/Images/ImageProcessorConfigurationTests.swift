import Format
import Testing

@testable import Runtime

@Suite struct ImageProcessorConfigurationTests {
  static let normalization = #""image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]"#

  static func processor(_ members: String, aspectRatio: ImageProcessor.AspectRatio? = nil) throws
    -> ImageProcessor
  {
    try ImageProcessor(
      configuration: JSON(parsing: Array("{\(members)}".utf8), allowNonFinite: true),
      file: "p.json",
      aspectRatio: aspectRatio)
  }

  @Test func `missing keys get their defaults`() throws {
    let processor = try Self.processor(#""size": 384, \#(Self.normalization)"#)
    #expect(processor.aspectRatio == .square)
    #expect(processor.resize == .shortestEdge(length: 384))
    #expect(processor.resample == .bicubic)
    #expect(processor.crop == nil)
    #expect(processor.rescaleFactor == 1.0 / 255.0)
    #expect(processor.convertsToRGB)
  }

  @Test func `a step that is switched off needs no keys`() throws {
    let processor = try Self.processor(
      """
      "do_resize": false, "do_center_crop": false, "do_rescale": false, "do_normalize": false,
      "do_convert_rgb": false
      """)
    #expect(processor.resize == nil && processor.crop == nil)
    #expect(processor.rescaleFactor == nil && processor.normalization == nil)
    #expect(!processor.convertsToRGB)
  }

  @Test(arguments: ["SiglipImageProcessor", "ViTImageProcessorFast"])
  func `one number is both sides for some families`(family: String) throws {
    let processor = try Self.processor(
      """
      "image_processor_type": "\(family)", "size": 384, "resample": 2, \(Self.normalization)
      """)
    #expect(processor.resize == .exact(height: 384, width: 384))
  }

  @Test(arguments: ResampleFilter.allCases.indices)
  func `kernels have the codes of Pillow`(code: Int) throws {
    let names = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]
    let processor = try Self.processor(#""size": 8, "resample": \#(code), \#(Self.normalization)"#)
    #expect(processor.resample.rawValue == names[code])
  }

  @Test func `null members of a size are no members`() throws {
    let processor = try Self.processor(
      """
      "size": {"shortest_edge": null, "height": 5, "width": 6}, "crop_size": null,
      "do_center_crop": null, \(Self.normalization)
      """)
    #expect(processor.resize == .exact(height: 5, width: 6))
    #expect(processor.crop == nil)
  }

  @Test func `the caller's aspect ratio wins over the file's`() throws {
    let members = #""size": 8, "image_aspect_ratio": "pad", \#(Self.normalization)"#
    #expect(try Self.processor(members).aspectRatio == .pad)
    #expect(try Self.processor(members, aspectRatio: .square).aspectRatio == .square)
  }

  /// Members added to a configuration that is fine, and the key that must be named.
  static let refused: [(members: String, key: String)] = [
    (#""do_resize": 1"#, "do_resize"), (#""do_normalize": "yes""#, "do_normalize"),
    (#""do_rescale": []"#, "do_rescale"), (#""do_center_crop": 0"#, "do_center_crop"),
    (#""do_convert_rgb": "RGB""#, "do_convert_rgb"),
    (#""size": null"#, "size"), (#""size": 0"#, "size"), (#""size": -224"#, "size"),
    (#""size": 4097"#, "size"), (#""size": 9223372036854775807"#, "size"),
    (#""size": 1e300"#, "size"), (#""size": NaN"#, "size"), (#""size": 224.5"#, "size"),
    (#""size": "224""#, "size"), (#""size": [224, 224]"#, "size"), (#""size": {}"#, "size"),
    (#""size": {"shortest_edge": 0}"#, "size"), (#""size": {"height": 224}"#, "size"),
    (#""size": {"height": 224, "width": -1}"#, "size"),
    (#""size": {"height": 224, "width": true}"#, "size"),
    (#""size": {"shortest_edge": 224, "longest_edge": 300}"#, "size"),
    (#""resample": 6"#, "resample"), (#""resample": -1"#, "resample"),
    (#""resample": "bicubic""#, "resample"), (#""resample": 2.5"#, "resample"),
    (#""image_processor_type": "ViTImageProcessor""#, "resample"),
    (#""do_center_crop": true"#, "crop_size"), (#""crop_size": 0"#, "crop_size"),
    (#""crop_size": {"height": 3}"#, "crop_size"), (#""crop_size": [3, 3]"#, "crop_size"),
    (#""crop_size": {"height": 3, "width": 99999}"#, "crop_size"),
    (#""rescale_factor": 0"#, "rescale_factor"), (#""rescale_factor": -0.1"#, "rescale_factor"),
    (#""rescale_factor": NaN"#, "rescale_factor"),
    (#""rescale_factor": Infinity"#, "rescale_factor"),
    (#""rescale_factor": "1/255""#, "rescale_factor"),
    (#""image_mean": null"#, "image_mean"), (#""image_mean": 0.5"#, "image_mean"),
    (#""image_mean": [0.5, 0.5]"#, "image_mean"), (#""image_mean": [0, 0, "0"]"#, "image_mean"),
    (#""image_mean": [0, 0, 0, "0"]"#, "image_mean"), (#""image_mean": [0, 0, NaN]"#, "image_mean"),
    (#""image_mean": [0, 0, 1e300]"#, "image_mean"),
    (#""image_std": null"#, "image_std"), (#""image_std": [1, 1, 0]"#, "image_std"),
    (#""image_std": [1, 1, -1]"#, "image_std"), (#""image_std": [1, 1, 1e-300]"#, "image_std"),
    (#""image_std": [1, 1, Infinity]"#, "image_std"), (#""image_std": [1]"#, "image_std"),
    (#""image_aspect_ratio": "anyres""#, "image_aspect_ratio"),
    (#""image_aspect_ratio": 1"#, "image_aspect_ratio"), (#""do_pad": true"#, "do_pad"),
    (#""do_pad": 1"#, "do_pad"),
    (#""image_aspect_ratio": "pad", "image_mean": [1.5, 0, 0]"#, "image_mean"),
    (#""image_aspect_ratio": "pad", "do_normalize": false"#, "image_mean"),
    (#""do_flip_channel_order": true"#, "do_flip_channel_order"),
    (#""do_thumbnail": true"#, "do_thumbnail"), (#""crop_pct": 0.9"#, "crop_pct"),
    (#""size_divisor": 32"#, "size_divisor"),
  ]

  @Test(arguments: refused)
  func `a value that is not acceptable is refused by its key`(members: String, key: String) throws {
    let added = try JSON(parsing: Array("{\(members)}".utf8), allowNonFinite: true)
    var configuration =
      try JSON(
        parsing: Array(#"{"size": 224, \#(Self.normalization)}"#.utf8)
      ).objectValue ?? [:]
    configuration.merge(added.objectValue ?? [:]) { $1 }
    let error = #expect(throws: ImageError.self) {
      try ImageProcessor(configuration: .object(configuration), file: "p.json")
    }
    guard case .configuration("p.json", key, _, _) = error else {
      Issue.record("\(String(describing: error)) does not name \(key)")
      return
    }
  }

  @Test(arguments: ["[]", "null", "3"])
  func `a configuration that is no object is refused`(text: String) throws {
    let configuration = try JSON(parsing: Array(text.utf8))
    #expect(
      throws: ImageError.configuration(
        file: "p.json", key: "", found: text, expected: "an object")
    ) { try ImageProcessor(configuration: configuration, file: "p.json") }
  }

  /// Changes to the JSON form of a processor that is fine.
  static let corrupted = [
    #"{"aspectRatio": "round"}"#, #"{"aspectRatio": null}"#, #"{"resample": "cubic"}"#,
    #"{"resize": {"shortestEdge": {"length": 0}}}"#, #"{"resize": {"exact": {"height": 3}}}"#,
    #"{"resize": {"exact": {"height": 3, "width": 1000000}}}"#, #"{"resize": 3}"#,
    #"{"crop": {"height": -3, "width": 3}}"#, #"{"rescaleFactor": 0}"#,
    #"{"rescaleFactor": -1}"#,
    #"{"normalization": {"mean": [0, 0], "standardDeviation": [1, 1, 1]}}"#,
    #"{"normalization": {"mean": [0, 0, 0], "standardDeviation": [1, 1, 0]}}"#,
    #"{"aspectRatio": "pad", "normalization": null}"#, #"{"convertsToRGB": 1}"#,
  ]

  @Test(arguments: corrupted)
  func `a JSON form that is not acceptable is refused`(change: String) throws {
    let fine = try JSON(encoding: Self.processor(#""size": 8, \#(Self.normalization)"#))
    var members = try #require(fine.objectValue)
    members.merge(try JSON(parsing: Array(change.utf8)).objectValue ?? [:]) { $1 }
    #expect(throws: JSONError.self) { try JSON.object(members).decode(as: ImageProcessor.self) }
  }
}
