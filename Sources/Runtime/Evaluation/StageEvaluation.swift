import Foundation
public import Quant
import Synchronization

/// How well what passes through the layers of a language model survives the rounding of activations and states.
///
/// Each layer reads the same stream twice, as the model is executed and with floats throughout, so that figures of one
/// layer do not depend on the layers before it. Stages inside a layer do: each has the errors of those before it.
public struct StageEvaluation: Sendable {
  /// One stage.
  public struct Stage: Codable, Sendable, Equatable {
    /// What was compared.
    public let stage: String
    /// The layer; absent for what all layers together give.
    public let layer: Int?
    /// Power of the signal over power of the error, in decibels; absent if there was no error.
    public let decibels: Double?
  }

  /// The stages of each layer, from first to last, then the end of the model.
  public let stages: [Stage]

  /// Measures on windows of a text.
  ///
  /// - Parameter limit: takes only that many windows.
  public init(
    _ text: String, model: Model, windows: TextWindows, limit: Int? = nil, threads: ThreadPool,
    progress: ProgressReport
  ) throws {
    let language = try model.requireLanguage("a text")
    let ids = try model.requireTokenizer("a text").encode(text)
    let cut = windows.cut(ids).prefix(limit ?? Int.max)
    guard !cut.isEmpty else {
      throw ModelError.nothingToEvaluate("the text has too few tokens")
    }
    let parts = try threads.map(cut.count, progress: progress) { index in
      Self.compare(try language.embed(cut[index].input), language, model.context)
    }
    var places = [Place]()
    var total = [Place: SignalToNoise]()
    for (place, ratio) in parts.joined() {
      if total[place] == nil { places.append(place) }
      total[place, default: SignalToNoise()].add(ratio)
    }
    stages = places.map { place in
      Stage(stage: place.stage, layer: place.layer, decibels: total[place]?.decibels)
    }
  }

  private struct Place: Hashable, Sendable {
    let stage: String
    let layer: Int?
  }

  private static func compare(
    _ embeddings: Matrix, _ language: LanguageModel, _ context: ExecutionContext
  ) -> [(Place, SignalToNoise)] {
    let exact = ExecutionContext(threads: 1)
    var stream = embeddings
    var ratios = [(Place, SignalToNoise)]()
    for (index, layer) in language.layers.enumerated() {
      let expected = layer.outputsOfStages(stream, exact)
      let found = layer.outputsOfStages(stream, context)
      for ((name, signal), (_, other)) in zip(expected, found) {
        ratios.append((Place(stage: name, layer: index), SignalToNoise(other, from: signal)))
      }
      if let change = expected.last { stream.add(change.values) }
    }
    let hidden = [exact, context].map { context in
      var state = language.initialState
      return language.run(embeddings, state: &state, context)
    }
    ratios.append((Place(stage: "hidden", layer: nil), SignalToNoise(hidden[1], from: hidden[0])))
    return ratios
  }
}

/// Powers of a signal and of its error.
private struct SignalToNoise: Sendable {
  private var signal = 0.0
  private var noise = 0.0

  init() {}

  init(_ found: Matrix, from expected: Matrix) {
    for (value, expected) in zip(found.values, expected.values) {
      let difference = Double(value) - Double(expected)
      signal += Double(expected) * Double(expected)
      noise += difference * difference
    }
  }

  mutating func add(_ other: SignalToNoise) {
    signal += other.signal
    noise += other.noise
  }

  var decibels: Double? { noise == 0 ? nil : 10 * log10(signal / noise) }
}

extension LanguageLayer {
  /// What enters each product after the first, and what the mixer gives, for a sequence from a zero state.
  fileprivate func outputsOfStages(
    _ stream: Matrix, _ context: ExecutionContext
  ) -> [(name: String, values: Matrix)] {
    let seen = Mutex([Matrix]())
    let observed = context.observed { _, input in
      let values = input.copied
      seen.withLock { $0.append(values) }
    }
    var state = initialState
    let change = change(stream, state: &state, observed)
    let inputs = seen.withLock { $0 }.dropFirst()
    return zip(stages, inputs).map { (name: $0, values: $1) } + [(name: "output", values: change)]
  }
}
