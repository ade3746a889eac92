import Quant

/// The pooling of Cobra's LDPv2 projector (MobileVLM v2, arXiv:2402.03766): fewer patches, each with some of its
/// neighbourhood.
///
///     p = adaptive average pooling of x
///     y = p + depthwise convolution of p over the grid
struct PatchPooling: Sendable {
  private let shape: PatchPoolingDescription
  private let width: Int
  private let convolutionWeight: [Float]
  private let convolutionBias: [Float]

  /// Loads `name.convolution`.
  init(
    _ weights: some WeightSource, _ name: String, _ shape: PatchPoolingDescription, width: Int
  ) throws {
    self.shape = shape
    self.width = width
    convolutionWeight = try weights.vector(
      name + ".convolution.weight", count: width * shape.kernel * shape.kernel)
    convolutionBias = try weights.vector(name + ".convolution.bias", count: width)
  }

  /// Pools `[gridRows · gridColumns, width]` to `[pooledRows · pooledColumns, width]`.
  func callAsFunction(_ patches: Matrix) -> Matrix {
    var pooled = average(patches)
    pooled.add(convolve(pooled))
    return pooled
  }

  /// Each bin covers the patches from ⌊i · n / m⌋ to ⌈(i + 1) · n / m⌉.
  private func average(_ patches: Matrix) -> Matrix {
    var pooled = Matrix(rows: shape.pooledRows * shape.pooledColumns, columns: width)
    for row in 0..<shape.pooledRows {
      let rows = Self.bin(row, of: shape.pooledRows, over: shape.gridRows)
      for column in 0..<shape.pooledColumns {
        let columns = Self.bin(column, of: shape.pooledColumns, over: shape.gridColumns)
        let share = 1 / Float(rows.count * columns.count)
        let target = (row * shape.pooledColumns + column) * width
        for patch in rows.flatMap({ row in columns.map { row * shape.gridColumns + $0 } }) {
          for channel in 0..<width {
            pooled.values[target + channel] += share * patches.values[patch * width + channel]
          }
        }
      }
    }
    return pooled
  }

  private static func bin(_ index: Int, of count: Int, over size: Int) -> Range<Int> {
    index * size / count..<((index + 1) * size + count - 1) / count
  }

  private func convolve(_ pooled: Matrix) -> Matrix {
    let (kernel, half) = (shape.kernel, shape.kernel / 2)
    var output = Matrix(rows: pooled.rows, columns: width)
    for place in 0..<pooled.rows {
      let (row, column) = place.quotientAndRemainder(dividingBy: shape.pooledColumns)
      for channel in 0..<width {
        var sum = convolutionBias[channel]
        for tap in 0..<kernel * kernel {
          let (y, x) = (row + tap / kernel - half, column + tap % kernel - half)
          guard (0..<shape.pooledRows).contains(y), (0..<shape.pooledColumns).contains(x) else {
            continue
          }
          sum +=
            convolutionWeight[channel * kernel * kernel + tap]
            * pooled.values[(y * shape.pooledColumns + x) * width + channel]
        }
        output.values[place * width + channel] = sum
      }
    }
    return output
  }
}
