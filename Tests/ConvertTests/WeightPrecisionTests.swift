import Convert
import Format
import Quant
import Runtime
import TestSupport
import Testing

/// How well packs of all models keep their weights.
@Suite struct WeightPrecisionTests {
  /// Signal-to-noise ratios in decibels that every matrix keeps. Rounding bell-shaped weights of long rows gives about
  /// 44, 33 and 23 dB; short rows have fewer values under a scale and do better, a few large weights do worse.
  static let bounds = ["q8": 40.0, "q6": 29, "q4": 19]

  /// The widest grid beside them has steps of 2⁻⁹: 65 dB for values around 1, less for smaller ones.
  static let fixedPointBound = 45.0

  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(arguments: Fixtures.models + Fixtures.modelsOfTwoEncoders, ["q8", "q4"])
  func `every quantized matrix keeps the precision of its encoding`(
    fixture: String, preset: String
  ) throws {
    let checkpoint = try Checkpoint(
      directory: Fixtures.model(fixture), vision: Fixtures.vision(fixture))
    let pack = try directory.convert(checkpoint, Presets.named(preset))
    let packed = PackWeightSource(pack)
    let original = try CheckpointWeightSource(checkpoint)
    var compared = 0
    for tensor in pack.header.tensors {
      let found = try packed.matrix(of: tensor).expanded()
      let expected = try original.matrix(tensor.name, rows: tensor.rows, columns: tensor.columns)
        .expanded()
      let isFixed = tensor.encoding.hasPrefix("fixed")
      guard let bound = isFixed ? Self.fixedPointBound : Self.bounds[tensor.encoding] else {
        #expect(found == expected, "\(tensor.name)")
        continue
      }
      let difference = Difference(found.values, from: expected.values)
      #expect(
        difference.signalToNoise >= bound,
        "\(tensor.name), \(tensor.encoding): \(difference.signalToNoise) dB")
      compared += 1
    }
    #expect(compared > 0)
  }
}
