import Format
import Testing

@testable import Runtime

@Suite struct VisionDescriptionTests {
  static let plain = VisionDescription(
    kind: .siglip, width: 12, feedForwardWidth: 7, layers: 3, heads: 3, patchSize: 4, gridRows: 2,
    gridColumns: 5, activation: .geluTanh, epsilon: 1e-6)

  static func changed(_ change: (inout VisionDescription) -> Void) -> VisionDescription {
    var description = plain
    change(&description)
    return description
  }

  static let full = changed {
    $0.kind = .internvitNative
    $0.hasPatchBias = false
    $0.hasClassToken = true
    $0.registers = 4
    $0.positions = VisionPositionDescription(
      rows: 3, columns: 3, includesClassToken: true, interpolation: .antialiasedBicubic)
    $0.hasPreNormalization = true
    $0.layer = VisionLayerDescription(
      normalization: .rms, projections: .fused, hasProjectionBias: false, queryKeyEpsilon: 1e-6,
      hasScale: true, feedForward: .gated)
    $0.activation = .silu
    $0.finalNormalization = .pooled
    $0.poolingProjections = .fusedKeyValue
    $0.selectedLayer = -2
    $0.selectedTokens = .patches
  }

  @Test(arguments: [plain, full])
  func `a description survives being written and read`(description: VisionDescription) throws {
    let text = try JSON(encoding: description).canonicalText
    let read = try JSON(parsing: Array(text.utf8)).decode(as: VisionDescription.self)
    #expect(read == description)
    #expect(throws: Never.self) { try read.validate() }
  }

  @Test func `members that only some families need may be absent`() throws {
    let text = """
      {"kind": "siglip", "width": 12, "feedForwardWidth": 7, "layers": 3, "heads": 3, "patchSize": 4,
       "gridRows": 2, "gridColumns": 5, "activation": "gelu_pytorch_tanh", "epsilon": 1e-6}
      """
    let read = try JSON(parsing: Array(text.utf8)).decode(as: VisionDescription.self)
    #expect(read == Self.plain)
    #expect(read.positions == VisionPositionDescription(rows: 2, columns: 5))
  }

  static let refused: [(VisionDescription, ModelError)] = [
    (
      changed { $0.width = 0 },
      .unacceptableSize(
        "the vision encoder's width", value: 0, accepted: 1...ModelDescription.sizeLimit)
    ),
    (
      changed { $0.registers = -1 },
      .unacceptableSize("the number of registers", value: -1, accepted: 0...1024)
    ),
    (
      changed { $0.positions.rows = 4096 },
      .unacceptableSize("the rows of the position table", value: 4096, accepted: 1...1024)
    ),
    (
      changed { $0.heads = 5 },
      .contradiction("5 attention heads do not divide a width of 12")
    ),
    (
      changed { $0.positions.includesClassToken = true },
      .contradiction("there is a position for a class token, but no class token")
    ),
    (
      changed { $0.positions.rows = 3 },
      .contradiction(
        "the vision encoder has 3 × 5 positions for 2 × 5 patches, and no way to resample them")
    ),
    (
      changed { $0.layer.feedForward = .gated },
      .contradiction(
        "a gated feed-forward layer has the activation gelu_pytorch_tanh; expected silu")
    ),
    (
      changed { $0.selectedLayer = -5 },
      .contradiction("the selected vision layer -5 does not exist in 3 layers")
    ),
  ]

  @Test(arguments: refused)
  func `a contradictory description is refused`(
    description: VisionDescription, error: ModelError
  ) {
    #expect(throws: error) { try description.validate() }
  }

  @Test func `tokens before the patches are counted`() {
    #expect(Self.plain.prefixTokens == 0)
    #expect(Self.full.prefixTokens == 5)
  }
}
