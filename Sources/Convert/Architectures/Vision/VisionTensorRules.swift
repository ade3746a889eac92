import Runtime

/// The tensors of a vision encoder: what its description asks for, under the names of its family.
struct VisionTensorRules {
  private let vision: VisionDescription
  private let names: VisionTensorNames
  private let name: String
  private let prefix: String

  /// The rules of an encoder, in the order of the pack.
  ///
  /// - Parameters:
  ///   - name: where canonical names begin, for example `vision.0`.
  ///   - prefix: what stands before the family's names in the checkpoint.
  static func rules(
    _ vision: VisionDescription, _ names: VisionTensorNames, name: String, prefix: String
  ) -> [TensorRule] {
    let builder = VisionTensorRules(vision: vision, names: names, name: name, prefix: prefix)
    return builder.embeddings + (0..<vision.layers).flatMap(builder.layer) + builder.head
  }

  private var width: Int { vision.width }

  private func rule(
    _ part: String, _ source: String, _ role: TensorRole, _ shape: [Int],
    otherShapes: [[Int]] = []
  ) -> TensorRule {
    TensorRule("\(name).\(part)", prefix + source, role, shape, otherShapes: otherShapes)
  }

  private func projection(
    _ part: String, _ source: String, _ shape: [Int], hasBias: Bool = true
  ) -> [TensorRule] {
    TensorRule.projection("\(name).\(part)", prefix + source, shape, hasBias: hasBias)
  }

  private func normalization(
    _ part: String, _ source: String, _ kind: NormalizationKind
  ) -> [TensorRule] {
    TensorRule.normalization("\(name).\(part)", prefix + source, width, kind)
  }

  private var embeddings: [TensorRule] {
    let side = vision.patchSize
    var rules = [
      rule(
        "patchEmbedding.weight", names.patchEmbedding + ".weight", .convolution,
        [width, 3, side, side])
    ]
    if vision.hasPatchBias {
      rules.append(rule("patchEmbedding.bias", names.patchEmbedding + ".bias", .bias, [width]))
    }
    if vision.hasClassToken {
      let shape = [Int](repeating: 1, count: names.classTokenDimensions) + [width]
      rules.append(
        rule(
          "classToken", names.classToken, .position, shape,
          otherShapes: [[width], [1, width], [1, 1, width]]))
    }
    if vision.registers > 0 {
      rules.append(
        rule("registers", names.registers, .position, [1, vision.registers, width]))
    }
    rules.append(position)
    if vision.hasPreNormalization {
      rules += normalization("preNormalization", names.preNormalization, .layer)
    }
    return rules
  }

  private var position: TensorRule {
    let positions = vision.positions
    let count = positions.rows * positions.columns + (positions.includesClassToken ? 1 : 0)
    let (plain, batched) = ([count, width], [1, count, width])
    return rule(
      "position", names.position, .position, names.isPositionBatched ? batched : plain,
      otherShapes: [names.isPositionBatched ? plain : batched])
  }

  private func layer(_ index: Int) -> [TensorRule] {
    let source = "\(names.layers)\(index)."
    let name = "layers.\(index)"
    let (parts, kind) = (names.layer, vision.layer.normalization)
    let scale = { (part: String, sourcePart: String) in
      vision.layer.hasScale
        ? [rule("\(name).\(part)", source + sourcePart, .normalization, [width])] : []
    }
    return normalization(
      "\(name).attentionNormalization", source + parts.attentionNormalization, kind)
      + attention("\(name).attention", source)
      + scale("attentionScale", parts.attentionScale)
      + normalization(
        "\(name).feedForwardNormalization", source + parts.feedForwardNormalization, kind)
      + feedForward(
        "\(name).feedForward", source + parts.feedForwardInput, source + parts.feedForwardOutput,
        vision.layer.feedForward)
      + scale("feedForwardScale", parts.feedForwardScale)
  }

  private func attention(_ name: String, _ source: String) -> [TensorRule] {
    let (parts, layer) = (names.layer, vision.layer)
    var rules = [TensorRule]()
    if layer.projections == .fused {
      rules += projection(
        "\(name).input", source + parts.input, [3 * width, width],
        hasBias: layer.hasProjectionBias)
    } else {
      for (part, sourcePart) in [
        ("query", parts.query), ("key", parts.key), ("value", parts.value),
      ] {
        rules += projection(
          "\(name).\(part)", source + sourcePart, [width, width], hasBias: layer.hasProjectionBias)
      }
    }
    if layer.queryKeyEpsilon != nil {
      rules += normalization(
        "\(name).queryNormalization", source + parts.queryNormalization, .rms)
      rules += normalization("\(name).keyNormalization", source + parts.keyNormalization, .rms)
    }
    return rules + projection("\(name).output", source + parts.attentionOutput, [width, width])
  }

  private func feedForward(
    _ name: String, _ input: String, _ output: String,
    _ kind: VisionLayerDescription.FeedForwardKind
  ) -> [TensorRule] {
    let inner = vision.feedForwardWidth
    return projection("\(name).input", input, [kind == .gated ? 2 * inner : inner, width])
      + projection("\(name).output", output, [width, inner])
  }

  /// What comes after the layers.
  private var head: [TensorRule] {
    var rules = [TensorRule]()
    if vision.finalNormalization != .none {
      rules += normalization("normalization", names.finalNormalization, .layer)
    }
    if vision.hasPoolingHead { rules += pooling }
    return rules
  }

  private var pooling: [TensorRule] {
    let parts = names.pooling
    var rules = [rule("pooling.probe", parts.probe, .position, [1, 1, width])]
    if vision.poolingProjections == .fused {
      rules += [
        rule(
          "pooling.attention.input.weight", parts.inputWeight, .projection, [3 * width, width]),
        rule("pooling.attention.input.bias", parts.inputBias, .bias, [3 * width]),
      ]
    } else {
      rules += projection("pooling.attention.query", parts.query, [width, width])
      rules += projection("pooling.attention.keyValue", parts.keyValue, [2 * width, width])
    }
    return rules
      + projection("pooling.attention.output", parts.attentionOutput, [width, width])
      + normalization("pooling.normalization", parts.normalization, .layer)
      + feedForward(
        "pooling.feedForward", parts.feedForwardInput, parts.feedForwardOutput, .plain)
  }
}
