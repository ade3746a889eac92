import Foundation
import Learning
import Quant
import Runtime
import TestSupport
import Testing

/// Derivatives of a whole model against central differences in double precision.
@Suite struct MambaGradientTests {
  private static func shape(
    tied: Bool, biases: Bool, states: Int, taps: Int, kind: NormalizationKind = .rms,
    parameterEpsilon: Double? = nil
  ) -> (LanguageDescription, MambaMixerDescription) {
    // More than one tile of channels, the last of which is not full.
    let mixer = MambaMixerDescription(
      width: 7, innerWidth: 19, stateSize: states, timeStepRank: 2, convolutionWidth: taps,
      hasProjectionBias: biases, hasConvolutionBias: biases,
      parameterNormalizationEpsilon: parameterEpsilon)
    let layer = LayerDescription(mixer: .mamba(mixer))
    return (
      LanguageDescription(
        width: 7, layers: [layer, layer], vocabularySize: 13, normalization: kind, epsilon: 1e-5,
        hasTiedHead: tied, endOfText: [0]), mixer
    )
  }

  /// Single precision: relative errors of some 1e-7 that exponentials, two layers and norms amplify, all tensors alike; up
  /// to 1e-4 where biases make inputs large, below 2e-5 elsewhere.
  private static let tolerance = 3e-4

  @Test(arguments: [
    (tied: true, biases: true, states: 5, taps: 4), (false, false, 1, 1), (true, false, 16, 3),
  ])
  func `derivatives in every tensor equal central differences`(
    tied: Bool, biases: Bool, states: Int, taps: Int
  ) throws {
    let (shape, mixer) = Self.shape(tied: tied, biases: biases, states: states, taps: taps)
    var noise = Noise(seed: 11)
    var values = [String: Matrix]()
    for (name, size) in DoubleMamba.tensors(shape, mixer).sorted(by: { $0.key < $1.key }) {
      let deviation = size.rows == 1 ? 0.5 : 1.2 / Double(size.columns).squareRoot()
      let mean = name.hasSuffix("normalization.weight") ? 1.0 : 0
      values[name] = Matrix(
        rows: size.rows, columns: size.columns,
        values: (0..<size.rows * size.columns).map { _ in
          Float(mean + deviation * noise.normal())
        })
    }
    let model = DoubleMamba(
      shape: shape, mixer: mixer, weights: values.mapValues { $0.values.map(Double.init) })
    let tokens = [3, 0, 12, 7, 7, 1, 5, 9, 3]
    let reference = tokens.map { _ in
      let row = (0..<13).map { _ in noise.normal() }
      let total = log(row.reduce(0) { $0 + exp($1) })
      // What the network gets is in single precision.
      return row.map { Double(Float($0 - total)) }
    }
    let network = try MambaNetwork(shape)
    let weights = try MambaWeights(network) { name, rows, columns in
      let matrix = try #require(values[name])
      #expect(matrix.rows == rows && matrix.columns == columns, "\(name)")
      return matrix
    }
    var found = [String: [Double]]()
    let divergence = network.gradient(
      tokens, weights,
      from: { positions in
        Matrix(
          rows: positions.count, columns: 13,
          values: positions.flatMap { reference[$0].map(Float.init) })
      }, weight: 1
    ) { name, gradient in
      found[name] = gradient.values.map(Double.init)
    }
    let truth = model.divergence(tokens, from: reference)
    #expect(abs(divergence - truth) < Self.tolerance * truth)
    let expected = model.centralDifferences(tokens, from: reference)
    #expect(Set(found.keys) == Set(expected.keys))
    for (name, derivatives) in expected {
      let own = try #require(found[name])
      #expect(own.count == derivatives.count)
      let largest = derivatives.reduce(0) { max($0, abs($1)) }
      let worst = zip(own, derivatives).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(worst <= Self.tolerance * largest, "\(name): \(worst) of \(largest)")
    }
  }

  @Test func `models of other kinds are refused`() {
    let layer = Self.shape(tied: true, biases: false, states: 3, taps: 4, kind: .layer).0
    #expect(throws: LearningError.unsupportedModel("its norms are no RMS norms")) {
      try MambaNetwork(layer)
    }
    let falcon = Self.shape(tied: true, biases: false, states: 3, taps: 4, parameterEpsilon: 1e-6).0
    #expect(throws: LearningError.unsupportedModel("it normalizes time step, B and C")) {
      try MambaNetwork(falcon)
    }
    let wide = Self.shape(tied: true, biases: false, states: 3, taps: 65).0
    #expect(throws: LearningError.unsupportedModel("its convolutions have more than 64 taps")) {
      try MambaNetwork(wide)
    }
  }
}
