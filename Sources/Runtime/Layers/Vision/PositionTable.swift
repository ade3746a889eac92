import Quant

/// Learned positions of patches, resampled where an image has another grid.
struct PositionTable: Sendable {
  /// The position of the class token, if it has one: `[width]`.
  let classToken: [Float]?
  private let grid: PatchGrid
  private let values: Matrix
  private let interpolation: VisionPositionDescription.Interpolation

  init(
    _ weights: some WeightSource, _ name: String, _ shape: VisionPositionDescription, width: Int
  ) throws {
    let grid = PatchGrid(rows: shape.rows, columns: shape.columns)
    let tokens = shape.includesClassToken ? 1 : 0
    let all = try weights.vector(name, count: (tokens + grid.count) * width)
    self.init(
      classToken: shape.includesClassToken ? Array(all.prefix(width)) : nil, grid: grid,
      values: Matrix(
        rows: grid.count, columns: width, values: Array(all.dropFirst(tokens * width))),
      interpolation: shape.interpolation)
  }

  init(
    classToken: [Float]?, grid: PatchGrid, values: Matrix,
    interpolation: VisionPositionDescription.Interpolation
  ) {
    self.classToken = classToken
    self.grid = grid
    self.values = values
    self.interpolation = interpolation
  }

  /// Positions for a grid of patches: `[patches, width]`.
  func patches(_ wanted: PatchGrid) -> Matrix {
    guard wanted != grid, let resampling = CubicResampling(interpolation) else { return values }
    let width = values.columns
    // Along columns first, as PyTorch does: [rows, wanted columns, width].
    let across = resample(
      values.values.map(Double.init),
      resampling.taps(from: grid.columns, to: wanted.columns),
      blocks: grid.rows, blockSize: grid.columns * width, step: width)
    let down = resample(
      across, resampling.taps(from: grid.rows, to: wanted.rows),
      blocks: 1, blockSize: across.count, step: wanted.columns * width)
    return Matrix(rows: wanted.count, columns: width, values: down.map(Float.init))
  }

  /// Mixes runs of `step` numbers within each of `blocks` blocks.
  private func resample(
    _ source: [Double], _ targets: [[CubicResampling.Tap]], blocks: Int, blockSize: Int, step: Int
  ) -> [Double] {
    var result = [Double](repeating: 0, count: blocks * targets.count * step)
    for block in 0..<blocks {
      for (position, taps) in targets.enumerated() {
        let start = (block * targets.count + position) * step
        for tap in taps {
          let from = block * blockSize + tap.index * step
          for offset in 0..<step { result[start + offset] += tap.weight * source[from + offset] }
        }
      }
    }
    return result
  }
}
