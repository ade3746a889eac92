import Format
import Runtime

/// A layout of checkpoints: how to recognise it, what model it describes, what its tensors are called.
///
/// Checkpoints of one layout spell names in several ways; `standardName` brings them to one. Tensor rules speak of
/// standard names only.
protocol Architecture: Sendable {
  /// The name of the layout, as printed and stored.
  var profile: String { get }

  /// One line for people.
  var summary: String { get }

  /// Values of `model_type` in config.json that this layout goes with.
  var modelTypes: [String] { get }

  /// Whether tensor names and configuration are those of this layout.
  func recognizes(_ checkpoint: Checkpoint) -> Bool

  /// The standard spelling of a tensor name; nothing for a tensor that the layout knows and has no use for.
  func standardName(_ name: String, in checkpoint: Checkpoint) -> String?

  /// The model that shapes and configuration describe. Shapes win; `reader` notes where they disagree.
  func describe(_ reader: inout CheckpointReader) throws -> ModelDescription

  /// The tensors of a model of this layout, in the order of the pack.
  func tensors(_ description: ModelDescription) -> [TensorRule]

  /// Whether vision towers may lie in a directory of their own, under names that begin with `Checkpoint.visionPrefix`.
  var acceptsSeparateTowers: Bool { get }

  /// The name under which `unpack` writes a tensor; most layouts keep the standard one.
  func exportedName(_ standardName: String) -> String

  /// config.json for the tensors that `unpack` writes, all in single precision.
  func exportedConfiguration(_ description: ModelDescription, original: JSON) -> JSON
}

extension Architecture {
  var acceptsSeparateTowers: Bool { false }

  func exportedName(_ standardName: String) -> String { standardName }
}

/// One tensor of an architecture.
struct TensorRule: Sendable {
  /// The canonical name.
  let name: String
  /// The standard name in checkpoints.
  let source: String
  /// What the tensor is for.
  let role: TensorRole
  /// Its shape; `columns` is the product of all dimensions but the first `rowDimensions`.
  let shape: [Int]
  /// Dimensions that count as rows when the tensor is read as a matrix.
  let rowDimensions: Int
  /// Other shapes of the same elements that checkpoints have.
  let otherShapes: [[Int]]

  init(
    _ name: String, _ source: String, _ role: TensorRole, _ shape: [Int], rowDimensions: Int = 1,
    otherShapes: [[Int]] = []
  ) {
    self.name = name
    self.source = source
    self.role = role
    self.shape = shape
    self.rowDimensions = rowDimensions
    self.otherShapes = otherShapes
  }

  var rows: Int { shape.count < 2 ? 1 : shape.prefix(rowDimensions).reduce(1, *) }
  var columns: Int {
    shape.count < 2 ? shape.first ?? 1 : shape.dropFirst(rowDimensions).reduce(1, *)
  }
}

/// What a tensor is for. Recipes speak of roles.
public enum TensorRole: String, Codable, Sendable, CaseIterable {
  /// Rows looked up by token id.
  case embedding
  /// Any matrix of a matrix product.
  case projection
  /// The matrix that gives logits.
  case head
  /// Weights of a convolution.
  case convolution
  /// Decay, skip and time-step bias of a scan.
  case recurrence
  /// Scale and shift of a normalization.
  case normalization
  /// Learned positions and queries.
  case position
  /// Biases of projections and convolutions.
  case bias

  /// Whether tensors of this role may be rounded to integer codes.
  public var isQuantizable: Bool {
    switch self {
    case .embedding, .projection, .head: true
    case .convolution, .recurrence, .normalization, .position, .bias: false
    }
  }
}
