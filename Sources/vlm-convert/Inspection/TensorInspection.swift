import Convert
import Format
import Quant

/// What is known about one tensor of a model.
struct TensorInspection {
  /// A plane of a tensor in a pack.
  struct Plane {
    let name: String
    /// Bytes before compression.
    let bytes: Int
    /// Bytes in the file.
    let storedBytes: Int
    /// Order-0 entropy in bytes.
    let entropy: Double
  }

  let name: String
  let source: String
  let role: String
  let shape: [Int]
  let encoding: String
  /// What the recipe asked for, if that says more than the encoding, as `e3.5` does.
  let tier: String?
  let storedBytes: Int
  let reason: String
  /// The planes, if their entropies were asked for.
  let planes: [Plane]
  /// How calibration encoded the tensor, an object.
  let calibration: JSON?

  var elements: Int { shape.reduce(1, *) }
  /// The tier, or else the encoding.
  var shownEncoding: String { tier ?? encoding }

  /// A tensor of a checkpoint.
  init(_ entry: ConversionPlan.Entry) {
    name = entry.name
    source = entry.source
    role = entry.role.rawValue
    shape = entry.shape
    encoding = entry.encoding.name
    tier = nil
    storedBytes = entry.byteCount
    reason = entry.reason
    planes = []
    calibration = nil
  }

  /// A tensor of a pack.
  init(
    _ tensor: PackTensor, of pack: PackReader, request: String?, withEntropy: Bool
  ) throws {
    name = tensor.name
    source = tensor.source
    role = tensor.role
    shape = tensor.shape
    encoding = tensor.encoding
    tier = request == tensor.encoding ? nil : request
    storedBytes = tensor.planes.reduce(0) { $0 + pack.storedBytes(of: $1) }
    reason = tensor.reason
    calibration = tensor.calibration
    planes =
      withEntropy
      ? try tensor.planes.map { plane in
        Plane(
          name: plane.name, bytes: plane.bytes, storedBytes: pack.storedBytes(of: plane),
          entropy: try pack.entropy(of: plane, owner: "tensor \(tensor.name)"))
      } : []
  }

  private func bitsPerWeight(_ bytes: Double) -> Double { bytes * 8 / Double(max(1, elements)) }

  /// Bits in the file for each weight, scales included.
  var storedBitsPerWeight: Double { bitsPerWeight(Double(storedBytes)) }

  /// Order-0 entropy of the first plane, which has the codes, in bits for each weight.
  var codeEntropy: Double? { planes.first.map { bitsPerWeight($0.entropy) } }

  /// Sentences about planes that take over 3 % more than their entropy.
  ///
  /// Short planes are left out: the tables of their compression weigh more than that.
  var wastefulPlanes: [String] {
    planes.filter { plane in
      plane.bytes >= 1 << 16 && Double(plane.storedBytes) > 1.03 * plane.entropy
    }.map { plane in
      let excess = Double(plane.storedBytes) / max(plane.entropy, 1) - 1
      return
        "\(name): \(plane.name) take \(Quantity.decimal(excess * 100, 1)) % more than their order-0 entropy"
    }
  }
}

extension TensorInspection {
  /// A column of the table of tensors.
  struct Column: Sendable {
    let title: String
    let alignment: Table.Alignment
    /// What stands in a tensor's row, if anything.
    let text: @Sendable (TensorInspection) -> String?
  }

  static let columns = [
    Column(title: "tensor", alignment: .left) { $0.name },
    Column(title: "shape", alignment: .left) { tensor in
      tensor.shape.map(String.init).joined(separator: "×")
    },
    Column(title: "role", alignment: .left) { $0.role },
    Column(title: "encoding", alignment: .left) { $0.shownEncoding },
    Column(title: "stored bytes", alignment: .right) { String($0.storedBytes) },
    Column(title: "bits/weight", alignment: .right) { Quantity.decimal($0.storedBitsPerWeight, 3) },
    Column(title: "entropy", alignment: .right) { $0.codeEntropy.map { Quantity.decimal($0, 3) } },
    Column(title: "method", alignment: .left) { $0.calibration?["method"]?.stringValue },
    Column(title: "tokens", alignment: .right) { tensor in
      (tensor.calibration?["tokens"]?.intValue).map(String.init)
    },
    Column(title: "damping", alignment: .right) { $0.figure("damping", decimals: 2) },
    Column(title: "weights, dB", alignment: .right) { $0.figure("weightSNR", decimals: 2) },
    Column(title: "outputs, dB", alignment: .right) { $0.figure("outputSNR", decimals: 2) },
    Column(title: "fallback", alignment: .left) { $0.calibration?["fallback"]?.stringValue },
    Column(title: "reason", alignment: .left) { $0.reason },
  ]

  private func figure(_ name: String, decimals: Int) -> String? {
    (calibration?[name]?.doubleValue).map { Quantity.decimal($0, decimals) }
  }

  /// What `--json` says about it.
  var document: JSON {
    var members: [String: JSON] = [
      "name": .string(name), "source": .string(source), "role": .string(role),
      "shape": .array(shape.map { .integer(Int64($0)) }), "encoding": .string(encoding),
      "stored_bytes": .integer(Int64(storedBytes)),
      "stored_bits_per_weight": .number(storedBitsPerWeight), "reason": .string(reason),
    ]
    members["tier"] = tier.map(JSON.string)
    members["code_entropy"] = codeEntropy.map(JSON.number)
    members["calibration"] = calibration
    if !planes.isEmpty {
      members["planes"] = .array(
        planes.map { plane in
          .dictionary([
            "name": .string(plane.name), "bytes": .integer(Int64(plane.bytes)),
            "stored_bytes": .integer(Int64(plane.storedBytes)),
            "entropy_bytes": .number(plane.entropy),
          ])
        })
    }
    return .dictionary(members)
  }
}
