import Convert
import Quant
import Synchronization
import TestSupport
import Testing

@testable import Runtime

/// What models say they multiply, against their shapes.
@Suite struct MultipliedWeightsTests {
  /// Weights of the sample's parts, by the shapes of their matrices.
  private enum Sample {
    static let layers = 2 * (2 * 24 * 16 + (2 + 2 * 4) * 24 + 24 * 2 + 16 * 24)
    static let head = 264 * 16
    static let patch = 12 * 3 * 2 * 2
    static let visionLayer = 4 * 12 * 12 + 2 * 12 * 20
    /// Two projections, the scan's projections, and those of its four directions.
    static let connector = 10 * 12 + 16 * 10 + 3 * 20 * 10 + 4 * (7 * 20 + 20 * 1)
    static let patches = 3 * 2
  }

  @Test func `a language model reads layers and head, not the embedding`() throws {
    let language = try #require(try SampleModel.load().language)
    #expect(language.multipliedWeights == Sample.layers + Sample.head)
    #expect(language.multipliedBytes == 4 * (Sample.layers + Sample.head))
    #expect(language.multiplications(prompt: 10) == 10 * Sample.layers + Sample.head)
    #expect(language.weightBytes == 4 * (Sample.layers + 2 * Sample.head))
  }

  @Test func `an embedding that is the head counts once`() throws {
    var description = SampleModel.language
    description.hasTiedHead = true
    let language = try LanguageModel(SampleWeights(), description)
    #expect(language.multipliedBytes == 4 * (Sample.layers + Sample.head))
    #expect(language.weightBytes == language.multipliedBytes)
  }

  @Test func `bytes are those of the encoding, weights do not depend on it`() throws {
    let weights = SampleWeights(encoding: GroupEncoding(bits: 8))
    let language = try LanguageModel(weights, SampleModel.language)
    // Tiles have 16 rows, and columns to a multiple of 16; no row is longer than a group, so each has one scale of
    // two bytes.
    let codes = 2 * (48 * 16 + 16 * 32 + 32 * 16 + 16 * 32) + 272 * 16
    let rows = 2 * (48 + 16 + 32 + 16) + 272
    #expect(language.multipliedWeights == Sample.layers + Sample.head)
    #expect(language.multipliedBytes == codes + 2 * rows)
  }

  @Test func `Mamba-2 layers have two projections`() throws {
    let mixer = MambaTwoMixerDescription(
      width: 16, heads: 3, headWidth: 8, groups: 1, stateSize: 5, convolutionWidth: 4,
      hasProjectionBias: false, hasConvolutionBias: true)
    var description = SampleModel.language
    description.layers = [LayerDescription(mixer: .mamba2(mixer))]
    let language = try LanguageModel(SampleWeights(), description)
    #expect(
      language.multipliedWeights == (2 * 24 + 2 * 5 + 3) * 16 + 24 * 16 + Sample.head)
  }

  @Test func `an image passes the layers that the connector needs, and the connector`() throws {
    let model = try SampleModel.loadVisionLanguage()
    let vision = Sample.patch + Sample.visionLayer
    #expect(model.vision.map(\.multiplications) == [Sample.patches * vision])
    #expect(
      model.imageMultiplications == Sample.patches * (vision + Sample.connector))
    #expect(
      model.weightBytes == 4
        * (Sample.layers + 2 * Sample.head + vision + Sample.visionLayer + Sample.connector))
  }

  @Test func `a shared mixer reads every patch along every path`() throws {
    let model = try SampleModel.loadVisionLanguage { description in
      description.connector?.scan?.kind = .sharedMixer
    }
    let mixer = 3 * 20 * 10 + 7 * 20 + 20 * 1
    let connector = try #require(model.connector)
    #expect(connector.multiplications(patches: 1) == 10 * 12 + 16 * 10 + 4 * mixer)
    #expect(connector.weightBytes == 4 * (10 * 12 + 16 * 10 + mixer))
  }

  @Test func `class token and registers pass the layers, a pooling head sees one query`() throws {
    var description = SampleModel.vision
    description.hasClassToken = true
    description.registers = 4
    description.hasPoolingHead = true
    description.classes = ["a", "b", "c"]
    let model = try VisionModel(SampleWeights(), description)
    let tokens = 5 + Sample.patches
    let pooling = 2 * 12 * 12 + 2 * 12 * 20
    #expect(
      model.multiplications == Sample.patches * Sample.patch
        + tokens * (2 * Sample.visionLayer + 2 * 12 * 12) + pooling + 3 * 12)
    #expect(
      model.weightBytes
        == 4 * (Sample.patch + 3 * Sample.visionLayer + 3 * 12))
  }

  @Test func `a language model has no image`() throws {
    #expect(try SampleModel.load().imageMultiplications == nil)
  }

  @Test(arguments: Fixtures.models + Fixtures.modelsOfTwoEncoders)
  func `no matrix of a model is forgotten`(name: String) throws {
    let checkpoint = try Checkpoint(
      directory: Fixtures.model(name), vision: Fixtures.vision(name))
    let source = try CheckpointWeightSource(checkpoint)
    let recorder = MatrixRecorder(source: source)
    let model = try Model(
      recorder, source.description, tokenizer: nil, context: ExecutionContext())
    #expect(model.weightBytes == recorder.bytes)
  }
}

/// Adds up the matrices of more than one row that a model loads; others are vectors.
private final class MatrixRecorder: WeightSource {
  private let source: CheckpointWeightSource
  private let recorded = Mutex([String: Int]())

  init(source: CheckpointWeightSource) { self.source = source }

  var bytes: Int { recorded.withLock { $0.values.reduce(0, +) } }

  func matrix(_ name: String, rows: Int, columns: Int) throws -> EncodedMatrix {
    let matrix = try source.matrix(name, rows: rows, columns: columns)
    if rows > 1 { recorded.withLock { $0[name] = matrix.byteCount } }
    return matrix
  }
}
