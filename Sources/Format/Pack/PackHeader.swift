/// A run of bytes of a tensor or an asset, cut into blocks.
public struct PackPlane: Codable, Sendable, Equatable {
  /// What it holds, for example `codes`; unique within its tensor.
  public let name: String
  /// How the bytes of a compressed block are rearranged.
  public let transform: PlaneTransform
  /// The size before compression.
  public let bytes: Int
  /// The number of its first block in the block table.
  public let firstBlock: Int
  /// The number of its blocks; they follow each other.
  public let blockCount: Int

  /// Describes a plane.
  public init(
    name: String, transform: PlaneTransform, bytes: Int, firstBlock: Int, blockCount: Int
  ) {
    self.name = name
    self.transform = transform
    self.bytes = bytes
    self.firstBlock = firstBlock
    self.blockCount = blockCount
  }

  /// The blocks in the block table.
  ///
  /// - Precondition: the plane comes from a pack that was accepted.
  public var blocks: Range<Int> { firstBlock..<firstBlock + blockCount }
}

/// A tensor of a pack.
public struct PackTensor: Sendable, Equatable {
  /// The canonical name, unique in the file.
  public let name: String
  /// The name it had in the checkpoint.
  public let source: String
  /// What it does in the model, for example `projection`.
  public let role: String
  /// The sizes of the dimensions, outermost first.
  public let shape: [Int]
  /// Rows of the matrix that the encoding sees.
  public let rows: Int
  /// Columns of the matrix that the encoding sees; rows times columns is the product of the shape.
  public let columns: Int
  /// How values become planes, for example `q8`.
  public let encoding: String
  /// Why the tensor has this encoding.
  public let reason: String
  /// How calibration encoded it, an object; absent if it was encoded without.
  public let calibration: JSON?
  /// The planes in the order that the encoding prescribes.
  public internal(set) var planes: [PackPlane]

  /// Describes a tensor.
  public init(
    name: String, source: String, role: String, shape: [Int], rows: Int, columns: Int,
    encoding: String, reason: String, calibration: JSON? = nil, planes: [PackPlane]
  ) {
    self.name = name
    self.source = source
    self.role = role
    self.shape = shape
    self.rows = rows
    self.columns = columns
    self.encoding = encoding
    self.reason = reason
    self.calibration = calibration
    self.planes = planes
  }

  /// The plane of that name.
  public func plane(_ name: String) -> PackPlane? { planes.first { $0.name == name } }
}

/// A file that travels inside a pack, such as `tokenizer.json`.
public struct PackAsset: Codable, Sendable, Equatable {
  /// The file's name, unique among the assets and without a folder.
  public let name: String
  /// Its media type, for example `application/json`.
  public let mediaType: String
  /// Its bytes.
  public let plane: PackPlane

  /// Describes an asset.
  public init(name: String, mediaType: String, plane: PackPlane) {
    self.name = name
    self.mediaType = mediaType
    self.plane = plane
  }
}

/// Everything a pack says about itself, apart from its block table.
public struct PackHeader: Sendable, Equatable {
  /// All tensors.
  public var tensors: [PackTensor]
  /// All assets.
  public var assets: [PackAsset]
  /// The model description, an object.
  public var model: JSON
  /// The recipe as applied, an object.
  public var recipe: JSON
  /// Where the weights come from, an object.
  public var provenance: JSON
  /// What was measured, an object, or `null` if nothing was.
  public var evaluation: JSON
  /// Ranges of activations for the quantized scan, an object, if there are any.
  public var activations: JSON?

  /// Describes a pack.
  public init(
    tensors: [PackTensor], assets: [PackAsset], model: JSON, recipe: JSON, provenance: JSON,
    evaluation: JSON, activations: JSON? = nil
  ) {
    self.tensors = tensors
    self.assets = assets
    self.model = model
    self.recipe = recipe
    self.provenance = provenance
    self.evaluation = evaluation
    self.activations = activations
  }
}
