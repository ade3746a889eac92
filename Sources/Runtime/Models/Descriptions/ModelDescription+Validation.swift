extension ModelDescription {
  /// The largest width, count or vocabulary that is accepted.
  public static let sizeLimit = 1 << 24

  /// Refuses descriptions whose sizes are absurd or contradict each other.
  ///
  /// Descriptions come from files; after this, products of two sizes cannot overflow.
  public func validate() throws(ModelError) {
    guard language != nil || !vision.isEmpty else {
      throw .contradiction("the model has neither a language model nor a vision encoder")
    }
    try language?.validate()
    try validateEncoders()
    if let connector { try validate(connector) }
  }

  private func validate(_ connector: ConnectorDescription) throws(ModelError) {
    guard let encoder = vision.first, let language else {
      throw .contradiction("a connector needs a vision encoder and a language model")
    }
    try accept("the connector's input width", connector.inputWidth)
    let width = vision.reduce(0) { $0 + $1.width }
    guard connector.inputWidth == width else {
      throw .contradiction(
        "the connector takes \(connector.inputWidth) channels, the vision encoder gives \(width)"
      )
    }
    guard connector.outputWidth == language.width else {
      throw .contradiction(
        "the connector gives \(connector.outputWidth) channels, the language model takes \(language.width)"
      )
    }
    for width in connector.innerWidths { try accept("a width inside the connector", width) }
    switch connector.kind {
    case .projections: break
    case .pooledProjections: try validate(connector.pooling, encoder)
    case .bidirectionalMixers: try validate(connector.mixers)
    case .scanMLP, .scanLinear:
      guard let scan = connector.scan, connector.normalization != nil else {
        throw .contradiction("a connector with a scan needs its scan and its normalization")
      }
      try scan.mixer.validate("the connector's")
      guard scan.kind == .sharedMixer || scan.mixer.convolutionWidth % 2 == 1 else {
        throw .contradiction("the convolution over the grid needs an odd width")
      }
      guard (scan.gridRows, scan.gridColumns) == (encoder.gridRows, encoder.gridColumns) else {
        throw .contradiction(
          "the connector scans \(scan.gridRows) × \(scan.gridColumns) patches, the vision encoder gives \(encoder.gridRows) × \(encoder.gridColumns)"
        )
      }
      guard encoder.givesPatchesAlone else {
        throw .contradiction(
          "the connector scans a grid of patches, the vision encoder gives it other tokens as well")
      }
      guard connector.kind == .scanLinear || scan.mixer.width == connector.inputWidth else {
        throw .contradiction(
          "the connector's scan is \(scan.mixer.width) wide, its input \(connector.inputWidth)")
      }
    }
  }
}

extension ModelDescription {
  private func validate(
    _ pooling: PatchPoolingDescription?, _ encoder: VisionDescription
  ) throws(ModelError) {
    guard let pooling else { throw .contradiction("a pooling connector needs its pooling") }
    try accept("the rows after pooling", pooling.pooledRows, limit: 1024)
    try accept("the columns after pooling", pooling.pooledColumns, limit: 1024)
    try accept("the convolution after pooling", pooling.kernel, limit: 63)
    guard pooling.kernel % 2 == 1 else {
      throw .contradiction("the convolution after pooling needs an odd width")
    }
    guard encoder.givesPatchesAlone else {
      throw .contradiction(
        "the connector pools a grid of patches, the vision encoder gives it other tokens as well")
    }
    guard (pooling.gridRows, pooling.gridColumns) == (encoder.gridRows, encoder.gridColumns)
    else {
      throw .contradiction(
        "the connector pools \(pooling.gridRows) × \(pooling.gridColumns) patches, the vision encoder gives \(encoder.gridRows) × \(encoder.gridColumns)"
      )
    }
  }

  private func validate(_ mixers: BidirectionalMixersDescription?) throws(ModelError) {
    guard let mixers else {
      throw .contradiction("a connector of bidirectional mixers needs its mixers")
    }
    try accept("the connector's layers", mixers.layers, limit: 256)
    try accept("the connector's feed-forward width", mixers.feedForwardWidth)
    try mixers.mixer.validate("the connector's")
  }
}

extension LanguageDescription {
  fileprivate func validate() throws(ModelError) {
    try accept("the number of layers", layers.count, limit: 4096)
    try accept("the vocabulary size", vocabularySize)
    try accept("the language model's width", width)
    for layer in layers {
      let mixerWidth: Int
      switch layer.mixer {
      case .mamba(let mixer):
        try mixer.validate("the language model's")
        mixerWidth = mixer.width
      case .mamba2(let mixer):
        try mixer.validate("the language model's")
        mixerWidth = mixer.width
      }
      guard mixerWidth == width else {
        throw .contradiction("a layer is \(mixerWidth) wide, the language model \(width)")
      }
    }
  }
}

extension MambaMixerDescription {
  fileprivate func validate(_ whose: String) throws(ModelError) {
    try accept("\(whose) width", width)
    try accept("\(whose) inner width", innerWidth)
    try accept("\(whose) state size", stateSize, limit: 4096)
    try accept("\(whose) time-step rank", timeStepRank, limit: 1 << 16)
    try accept("\(whose) convolution width", convolutionWidth, limit: 64)
  }
}

extension MambaTwoMixerDescription {
  /// Refuses absurd sizes.
  func validate(_ whose: String) throws(ModelError) {
    try accept("\(whose) width", width)
    try accept("\(whose) number of heads", heads, limit: 1 << 16)
    try accept("\(whose) head width", headWidth, limit: 1 << 16)
    try accept("\(whose) inner width", innerWidth)
    try accept("\(whose) number of groups", groups, limit: heads)
    try accept("\(whose) state size", stateSize, limit: 4096)
    try accept("\(whose) convolution width", convolutionWidth, limit: 64)
    guard heads % groups == 0 else {
      throw .contradiction("\(groups) groups do not divide \(heads) heads")
    }
  }
}

func accept(
  _ name: String, _ value: Int, limit: Int = ModelDescription.sizeLimit
) throws(ModelError) {
  guard (1...limit).contains(value) else {
    throw .unacceptableSize(name, value: value, accepted: 1...limit)
  }
}
