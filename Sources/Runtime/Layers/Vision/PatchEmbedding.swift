import Quant

/// Rows and columns of patches.
struct PatchGrid: Sendable, Equatable {
  let rows: Int
  let columns: Int

  var count: Int { rows * columns }
}

/// Turns pixels into the stream that the layers of a vision transformer work on: tokens of the model's own, then
/// projected patches, row by row, with their positions.
struct PatchEmbedding: Sendable {
  private let side: Int
  private let projection: Linear
  /// Class token and registers with their positions: `[tokens, width]`.
  private let prefix: Matrix
  private let positions: PositionTable
  private let normalization: Normalization?

  init(_ weights: some WeightSource, _ name: String, _ shape: VisionDescription) throws {
    let width = shape.width
    side = shape.patchSize
    projection = try Linear(
      weights, name + ".patchEmbedding", outputs: width, inputs: 3 * side * side,
      hasBias: shape.hasPatchBias)
    positions = try PositionTable(weights, name + ".position", shape.positions, width: width)
    prefix = try Self.prefix(weights, name, shape, positions)
    normalization =
      shape.hasPreNormalization
      ? try Normalization(
        weights, name + ".preNormalization", .layer, width: width, epsilon: shape.epsilon) : nil
  }

  private static func prefix(
    _ weights: some WeightSource, _ name: String, _ shape: VisionDescription,
    _ positions: PositionTable
  ) throws -> Matrix {
    var values = [Float]()
    if shape.hasClassToken {
      values = try weights.vector(name + ".classToken", count: shape.width)
      if let position = positions.classToken {
        for index in values.indices { values[index] += position[index] }
      }
    }
    if shape.registers > 0 {
      values += try weights.vector(name + ".registers", count: shape.registers * shape.width)
    }
    return Matrix(rows: shape.prefixTokens, columns: shape.width, values: values)
  }

  /// The matrices that every patch is multiplied with.
  var matrices: [EncodedMatrix] { [projection.weight] }

  /// Embeds pixels `[3, height, width]`; those beyond the last whole patch are left out.
  ///
  /// - Precondition: `pixels.count == 3 * height * width`, and the grid fits in.
  func callAsFunction(
    pixels: [Float], height: Int, width: Int, grid: PatchGrid, _ engine: any Engine
  ) -> Matrix {
    var patches = projection(split(pixels, height: height, width: width, grid), engine)
    patches.add(positions.patches(grid))
    let stream = Matrix(
      rows: prefix.rows + grid.count, columns: patches.columns,
      values: prefix.values + patches.values)
    return normalization.map { $0(stream, engine) } ?? stream
  }

  /// Cuts an image into patches `[patches, 3 · side · side]`.
  private func split(_ pixels: [Float], height: Int, width: Int, _ grid: PatchGrid) -> Matrix {
    var values = [Float]()
    values.reserveCapacity(grid.count * 3 * side * side)
    for patch in 0..<grid.count {
      let (row, column) = patch.quotientAndRemainder(dividingBy: grid.columns)
      for channel in 0..<3 {
        for y in 0..<side {
          let start = (channel * height + row * side + y) * width + column * side
          values += pixels[start..<start + side]
        }
      }
    }
    return Matrix(rows: grid.count, columns: 3 * side * side, values: values)
  }
}
