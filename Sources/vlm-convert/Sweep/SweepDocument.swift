import Format
import Runtime

/// What a sweep has found out: one model in several settings, each measured against the original.
struct SweepDocument {
  /// A tensor of a pack.
  struct Tensor {
    let name: String
    let encoding: String
    let weights: Int
    let storedBytes: Int
    /// Signal over error of the weights in decibels; nothing if they are equal.
    let weightSNR: Double?
    /// Signal over error of the outputs on the calibration data, in decibels.
    let outputSNR: Double?

    var place: TensorPlace { TensorPlace(name) }
  }

  /// A file that travels in a pack.
  struct Asset {
    let name: String
    let storedBytes: Int
  }

  /// A setting and what came of it.
  struct Setting {
    let name: String
    let modelID: String
    let byteCount: Int
    let bitsPerWeight: Double
    let evaluation: EvaluationReport
    let tensors: [Tensor]
    let assets: [Asset]

    /// What remains of the file: index, preamble, padding.
    var otherBytes: Int {
      byteCount - tensors.reduce(0) { $0 + $1.storedBytes }
        - assets.reduce(0) { $0 + $1.storedBytes }
    }
  }

  /// What settings were calibrated on.
  struct Calibration {
    let files: [EvaluationReport.Source]
    let tokens: Int
  }

  let title: String
  let profile: String
  let parameters: Int
  /// Bytes of the original's tensors.
  let originalBytes: Int
  let notes: [String]
  /// How models were executed, as other reports say it.
  let execution: [ExactString: JSON]
  let calibration: Calibration?
  let settings: [Setting]

  /// The document that `--json` prints. Times, paths and names of machines are left out: the same work gives the same
  /// bytes.
  func json() throws -> JSON {
    var members: [ExactString: JSON] = [
      "title": .string(title), "profile": .string(profile),
      "parameters": .integer(Int64(parameters)),
      "original_bytes": .integer(Int64(originalBytes)),
      "notes": .array(notes.map(JSON.string)),
      "settings": .array(try settings.map { try $0.json() }),
    ]
    members.merge(execution) { own, _ in own }
    if let calibration {
      members["calibration"] = .dictionary([
        "files": .array(try calibration.files.map { try JSON(encoding: $0) }),
        "tokens": .integer(Int64(calibration.tokens)),
      ])
    }
    return .object(members)
  }
}

extension SweepDocument.Setting {
  fileprivate func json() throws -> JSON {
    .dictionary([
      "name": .string(name), "model_id": .string(modelID), "bytes": .integer(Int64(byteCount)),
      "bits_per_weight": .number(bitsPerWeight), "evaluation": try JSON(encoding: evaluation),
      "tensors": .array(tensors.map(\.json)),
      "assets": .array(
        assets.map {
          .dictionary([
            "name": .string($0.name), "stored_bytes": .integer(Int64($0.storedBytes)),
          ])
        }),
    ])
  }
}

extension SweepDocument.Tensor {
  fileprivate var json: JSON {
    var members: [String: JSON] = [
      "name": .string(name), "encoding": .string(encoding), "weights": .integer(Int64(weights)),
      "stored_bytes": .integer(Int64(storedBytes)),
    ]
    members["weight_snr"] = weightSNR.map(JSON.number)
    members["output_snr"] = outputSNR.map(JSON.number)
    return .dictionary(members)
  }
}

/// Where a tensor stands in its model, read from its canonical name.
struct TensorPlace: Hashable {
  /// `language`, `connector`, or `vision` with the number of the encoder.
  let part: String
  /// The layer, if it is in one.
  let layer: Int?
  /// What it is, without the words that all names have, for example `inputProjection` or `convolution.bias`.
  let kind: String

  init(_ name: String) {
    var words = name.split(separator: ".").map(String.init)
    var part = words.isEmpty ? name : words.removeFirst()
    if part == "vision", let number = words.first, Int(number) != nil {
      part += "." + words.removeFirst()
    }
    var layer: Int?
    if let index = words.firstIndex(of: "layers"), words.indices.contains(index + 1),
      let number = Int(words[index + 1])
    {
      layer = number
      words.removeSubrange(index...index + 1)
    }
    if words.first == "mixer" { words.removeFirst() }
    if words.count > 1, words.last == "weight" { words.removeLast() }
    self.part = part
    self.layer = layer
    kind = words.joined(separator: ".")
  }
}
