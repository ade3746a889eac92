import COpenBLAS

/// What rounding with feedback takes from the inputs of a matrix (GPTQ, arXiv:2210.17323).
///
/// With the damped `H = Σ a x xᵀ`, the inverse is `H⁻¹ = Uᵀ · U`; row `k` of the upper triangular `U` says how the
/// columns after `k` make up for the error of column `k`.
public struct FeedbackFactor: Sendable {
  /// Inputs whose mean square is a smaller share of the median are rounded by themselves.
  static let deadShare = 1e-3
  /// The share of the diagonal that is best added to it; found on trained models.
  public static let leastDamping = 0.15
  /// How often damping is raised tenfold before giving up.
  private static let attempts = 4

  /// Inputs of the matrix.
  public let columns: Int
  /// The share of the diagonal that was added to it.
  public let damping: Double
  /// Inputs that take no part in the feedback because they are hardly ever there.
  public let deadInputs: Int
  /// `U`, row-major, with zeros below the diagonal.
  private(set) var upper: [Float]
  /// `H` without damping and with dead inputs apart, symmetric; its diagonal has the mean 1.
  let moments: [Float]
  /// The diagonal of `moments`, with the dead share of the median at least.
  public let importance: [Float]

  /// Inputs that are hardly ever there.
  private let isDead: [Bool]
  /// What brought the mean of the diagonal to 1.
  private let scale: Double

  /// Factors the moments of some inputs; nothing if they have no factor even when they are damped.
  ///
  /// - Parameter damping: the share of the diagonal that is added to it, at least.
  public init?(_ hessian: Hessian, damping least: Double = leastDamping) {
    columns = hessian.columns
    guard let normalized = NormalizedMoments(hessian) else { return nil }
    var damping = least
    var factor: [Float]?
    for attempt in 0..<Self.attempts where factor == nil {
      if attempt > 0 { damping *= 10 }
      factor = Self.inverseFactor(normalized.upper, columns, damping: damping)
    }
    guard let factor else { return nil }
    self.damping = damping
    isDead = normalized.isDead
    deadInputs = isDead.count { $0 }
    scale = normalized.scale
    upper = factor
    importance = normalized.diagonal
    moments = normalized.symmetric
  }

  /// How much an error counts in each column once those after it make up for it: the pivots `1 / U_kk²`.
  var pivots: [Float] {
    (0..<columns).map { 1 / (upper[$0 * (columns + 1)] * upper[$0 * (columns + 1)]) }
  }

  /// `D · H⁻¹`: what has to be added to weights so that the outputs gain what they lack, by least squares.
  ///
  /// - Parameter lack: `D = Σ a · lack · xᵀ` with the inputs and the weights of the moments.
  /// - Returns: `[lack.rows, columns]`; nothing if there are numbers that are not finite.
  public func correction(_ lack: CrossMoments) -> Matrix? {
    let rows = lack.rows
    let products = lack.values.indices.map { index in
      isDead[index % columns] ? 0 : Float(lack.values[index] * scale)
    }
    var half = [Float](repeating: 0, count: products.count)
    var whole = half
    unsafe upper.withUnsafeBufferPointer { upper in
      guard let upper = upper.baseAddress, rows > 0 else { return }
      unsafe MatrixProduct.multiplyTransposed(
        left: products, leftStride: columns, right: upper, rightStride: columns, output: &half,
        outputStride: columns, rows: rows, columns: columns, inner: columns, accumulating: false)
      unsafe MatrixProduct.multiply(
        left: half, leftStride: columns, right: upper, rightStride: columns, output: &whole,
        outputStride: columns, rows: rows, columns: columns, inner: columns, accumulating: false)
    }
    guard whole.allSatisfy(\.isFinite) else { return nil }
    return Matrix(rows: rows, columns: columns, values: whole)
  }

  /// The factor for inputs that are multiplied by steps first, and weights that are divided by them.
  func forInputs(multipliedBy steps: [Float]) -> FeedbackFactor {
    var factor = self
    for row in 0..<columns {
      for column in row..<columns { factor.upper[row * columns + column] /= steps[column] }
    }
    return factor
  }

  /// The upper Cholesky factor of the inverse.
  ///
  /// What LAPACK takes for the lower triangle of a column-major matrix is the upper one of a row-major matrix.
  private static func inverseFactor(
    _ moments: [Double], _ columns: Int, damping: Double
  ) -> [Float]? {
    _ = MatrixProduct.singleThreaded
    var work = moments
    for index in 0..<columns { work[index * columns + index] *= 1 + damping }
    var (size, info) = (blasint(columns), blasint(0))
    var stride = size
    unsafe dpotrf_("L", &size, &work, &stride, &info)
    guard info == 0 else { return nil }
    unsafe dpotri_("L", &size, &work, &stride, &info)
    guard info == 0 else { return nil }
    unsafe dpotrf_("L", &size, &work, &stride, &info)
    guard info == 0, work.allSatisfy(\.isFinite) else { return nil }
    let factor = work.map { Float($0) }
    let isUsable = (0..<columns).allSatisfy { factor[$0 * columns + $0] > 0 }
    return isUsable && factor.allSatisfy(\.isFinite) ? factor : nil
  }
}

/// Moments brought to a mean of 1 on the diagonal, with dead inputs taken out.
private struct NormalizedMoments {
  let columns: Int
  let isDead: [Bool]
  let scale: Double
  /// The upper triangle, row-major.
  let upper: [Double]

  /// Nothing if there is nothing to learn from them.
  init?(_ hessian: Hessian) {
    columns = hessian.columns
    let diagonal = hessian.diagonal
    let median = diagonal.sorted()[columns / 2]
    guard hessian.upper.allSatisfy(\.isFinite), median > 0 else { return nil }
    let least = median * FeedbackFactor.deadShare
    isDead = diagonal.map { $0 < least }
    scale = Double(columns) / diagonal.reduce(0, +)
    var upper = hessian.upper
    for row in 0..<columns {
      let start = row * columns
      for column in row..<columns {
        let isApart = row != column && (isDead[row] || isDead[column])
        upper[start + column] = isApart ? 0 : upper[start + column] * scale
      }
      if isDead[row] { upper[start + row] = least * scale }
    }
    self.upper = upper
  }

  var diagonal: [Float] { (0..<columns).map { Float(upper[$0 * columns + $0]) } }

  /// Both triangles, in single precision.
  var symmetric: [Float] {
    var full = upper.map { Float($0) }
    for row in 0..<columns {
      for column in 0..<row { full[row * columns + column] = full[column * columns + row] }
    }
    return full
  }
}
