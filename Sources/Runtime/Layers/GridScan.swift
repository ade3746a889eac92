import Quant

/// A layer that mixes a grid of patches.
protocol GridMixer: Sendable {
  /// The matrices that patches are multiplied with.
  var matrices: [EncodedMatrix] { get }

  /// How often each patch is multiplied with each of them.
  var passes: Int { get }

  /// Mixes `[patches, width]`.
  func callAsFunction(_ patches: Matrix, _ context: ExecutionContext) -> Matrix
}

/// VMamba's two-dimensional selective scan SS2D, in its first form (arXiv:2401.10166).
///
///     [x | z] = inputProjection(u)
///     x       = silu(depthwise convolution of x over the grid)
///     y       = Σ over directions: selective scan of x along that path, with weights of its own
///     output  = outputProjection(norm(y) ⊙ silu(z))
struct GridScan: GridMixer {
  private let shape: GridScanDescription
  private let inputProjection: Linear
  private let convolutionWeight: [Float]
  private let convolutionBias: [Float]?
  private let directions: [Direction]
  private let normalization: Normalization
  private let outputProjection: Linear

  private struct Direction: Sendable {
    let order: [Int]
    let inverse: [Int]
    let scanProjection: Linear
    let timeStepProjection: Linear
    let scan: SelectiveScanParameters
  }

  init(_ weights: some WeightSource, _ name: String, _ shape: GridScanDescription) throws {
    self.shape = shape
    let mixer = shape.mixer
    let inner = mixer.innerWidth
    inputProjection = try Linear(
      weights, name + ".inputProjection", outputs: 2 * inner, inputs: mixer.width,
      hasBias: mixer.hasProjectionBias)
    convolutionWeight = try weights.vector(
      name + ".convolution.weight",
      count: inner * mixer.convolutionWidth * mixer.convolutionWidth)
    convolutionBias = try weights.vector(
      name + ".convolution.bias", count: inner, if: mixer.hasConvolutionBias)
    directions = try Self.directions(weights, name, shape)
    normalization = try Normalization(
      weights, name + ".normalization", .layer, width: inner, epsilon: 1e-5)
    outputProjection = try Linear(
      weights, name + ".outputProjection", outputs: mixer.width, inputs: inner,
      hasBias: mixer.hasProjectionBias)
  }

  /// The weights of all directions lie one after the other in common tensors.
  private static func directions(
    _ weights: some WeightSource, _ name: String, _ shape: GridScanDescription
  ) throws -> [Direction] {
    let (inner, states) = (shape.mixer.innerWidth, shape.mixer.stateSize)
    let rank = shape.mixer.timeStepRank
    let count = shape.paths.directions
    let scanProjection = try Linear(
      weights, name + ".scanProjection", outputs: count * (rank + 2 * states), inputs: inner,
      hasBias: false)
    let timeStepProjection = try Linear(
      weights, name + ".timeStepProjection", outputs: count * inner, inputs: rank, hasBias: false)
    let decay = try weights.vector(
      name + ".logarithmicDecay", count: count * inner * states)
    let skip = try weights.vector(name + ".skip", count: count * inner)
    let bias = try weights.vector(name + ".timeStepProjection.bias", count: count * inner)
    let paths = GridPaths(shape.paths, rows: shape.gridRows, columns: shape.gridColumns)
    return paths.orders.enumerated().map { index, order in
      let channels = index * inner..<(index + 1) * inner
      let parameters = index * (rank + 2 * states)..<(index + 1) * (rank + 2 * states)
      return Direction(
        order: order, inverse: GridPaths.inverse(of: order),
        scanProjection: scanProjection.rows(parameters),
        timeStepProjection: timeStepProjection.rows(channels),
        scan: SelectiveScanParameters(
          logarithmicDecay: Array(
            decay[channels.lowerBound * states..<channels.upperBound * states]),
          skip: Array(skip[channels]), timeStepBias: Array(bias[channels]), states: states))
    }
  }

  var matrices: [EncodedMatrix] {
    [inputProjection.weight, outputProjection.weight]
      + directions.flatMap { [$0.scanProjection.weight, $0.timeStepProjection.weight] }
  }

  var passes: Int { 1 }

  func callAsFunction(_ patches: Matrix, _ context: ExecutionContext) -> Matrix {
    let engine = context.engine
    let inner = shape.mixer.innerWidth
    let projected = inputProjection(patches, engine)
    let values = engine.gridConvolution(
      projected.columns(0..<inner), height: shape.gridRows, width: shape.gridColumns,
      kernel: shape.mixer.convolutionWidth, weight: convolutionWeight, bias: convolutionBias)
    var merged = Matrix(rows: patches.rows, columns: inner)
    for direction in directions { merged.add(scan(values, along: direction, context)) }
    if shape.merge == .mean { merged.scale(by: 1 / Float(directions.count)) }
    let gated = engine.gate(
      normalization(merged, engine), by: projected.columns(inner..<2 * inner))
    return outputProjection(gated, engine)
  }

  private func scan(
    _ values: Matrix, along direction: Direction, _ context: ExecutionContext
  ) -> Matrix {
    let (states, rank) = (shape.mixer.stateSize, shape.mixer.timeStepRank)
    let sequence = values.permutingRows(direction.order)
    let parameters = direction.scanProjection(sequence, context.engine)
    let input = SelectiveScanInput(
      values: sequence,
      timeSteps: direction.timeStepProjection(parameters.columns(0..<rank), context.engine),
      inputWeights: parameters.columns(rank..<rank + states),
      outputWeights: parameters.columns(rank + states..<rank + 2 * states))
    var state = direction.scan.initialState
    return context.engine.selectiveScan(input, direction.scan, state: &state)
      .permutingRows(direction.inverse)
  }
}

/// One Mamba mixer that reads the grid along every path with the same weights.
struct SharedMixerGridScan: GridMixer {
  private let mixer: MambaMixer
  private let paths: GridPaths
  private let merge: GridScanDescription.Merge

  init(_ weights: some WeightSource, _ name: String, _ shape: GridScanDescription) throws {
    mixer = try MambaMixer(weights, name, shape.mixer)
    paths = GridPaths(shape.paths, rows: shape.gridRows, columns: shape.gridColumns)
    merge = shape.merge
  }

  var matrices: [EncodedMatrix] { mixer.matrices }

  var passes: Int { paths.orders.count }

  func callAsFunction(_ patches: Matrix, _ context: ExecutionContext) -> Matrix {
    var merged = Matrix(rows: patches.rows, columns: patches.columns)
    for order in paths.orders {
      var state = mixer.initialState
      merged.add(
        mixer(patches.permutingRows(order), state: &state, context)
          .permutingRows(GridPaths.inverse(of: order)))
    }
    if merge == .mean { merged.scale(by: 1 / Float(paths.orders.count)) }
    return merged
  }
}
