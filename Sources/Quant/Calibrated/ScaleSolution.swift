import CKernels
import COpenBLAS

/// Solves for all scales of a row at once, with its codes and units as they are.
///
/// With `v_b` the codes times units of block `b`, zero elsewhere, the scales `d` minimise
/// `(Σ_b d_b v_b − w) · H · (Σ_b d_b v_b − w)ᵀ`: a system `A · d = r` with `A_bc = v_b H v_cᵀ` and `r_b = v_b H wᵀ`.
struct ScaleSolution {
  /// Rows with more blocks keep their scales: the system would cost more than it gains.
  private static let mostBlocks = 64
  /// Added to the diagonal, relative to it.
  private static let ridge = 1e-4

  let factor: FeedbackFactor

  /// Replaces the scales of the rows whose error falls.
  func solve(_ result: inout SteppedRows, from values: [Float]) {
    guard result.blocks <= Self.mostBlocks else { return }
    let systems = systems(result, values)
    for (row, system) in systems.enumerated() {
      let place = row * result.blocks..<(row + 1) * result.blocks
      let old = Array(result.scales[place])
      guard let found = system.solution(ridge: Self.ridge) else { continue }
      var new = [UInt16](repeating: 0, count: found.count)
      unsafe vk_narrow_f16(&new, found.map { Float($0) }, found.count)
      let isUsable = new.allSatisfy { 0 < $0 && $0 < 0x7c00 }
      if isUsable, system.error(new) < system.error(old) {
        result.scales.replaceSubrange(place, with: new)
      }
    }
  }

  private func systems(_ result: SteppedRows, _ values: [Float]) -> [ScaleSystem] {
    let (rows, columns, blocks) = (result.rows, result.columns, result.blocks)
    let numbers = result.codes.indices.map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      let unit = result.units[row * result.groups + column / result.groupColumns]
      return Float(result.codes[index]) * Float(unit)
    }
    var systems = [ScaleSystem](repeating: ScaleSystem(size: blocks), count: rows)
    for block in 0..<blocks {
      let products = products(numbers, result.columns(ofBlock: block), rows: rows)
      for row in 0..<rows {
        let start = row * columns
        systems[row].target[block] = dot(products, values, start..<start + columns)
        for other in 0..<blocks {
          let range = result.columns(ofBlock: other)
          systems[row].matrix[block * blocks + other] = dot(
            products, numbers, start + range.lowerBound..<start + range.upperBound)
        }
      }
    }
    return systems
  }

  private func dot(_ a: [Float], _ b: [Float], _ range: Range<Int>) -> Double {
    range.reduce(0) { $0 + Double(a[$1]) * Double(b[$1]) }
  }

  /// Some columns of the rows times the same rows of `H`: `[rows, columns]`.
  private func products(_ numbers: [Float], _ range: Range<Int>, rows: Int) -> [Float] {
    let columns = factor.columns
    return unsafe [Float](unsafeUninitializedCapacity: rows * columns) { buffer, count in
      unsafe numbers.withUnsafeBufferPointer { numbers in
        unsafe factor.moments.withUnsafeBufferPointer { moments in
          guard let left = numbers.baseAddress, let right = moments.baseAddress,
            let output = buffer.baseAddress
          else { return }
          unsafe MatrixProduct.multiply(
            left: left + range.lowerBound, leftStride: columns,
            right: right + range.lowerBound * columns, rightStride: columns, output: output,
            outputStride: columns, rows: rows, columns: columns, inner: range.count,
            accumulating: false)
          count = rows * columns
        }
      }
    }
  }
}

/// The system of one row.
struct ScaleSystem {
  var matrix: [Double]
  var target: [Double]

  init(size: Int) {
    matrix = [Double](repeating: 0, count: size * size)
    target = [Double](repeating: 0, count: size)
  }

  /// The scales with the least error; nothing if the matrix has no Cholesky factor.
  func solution(ridge: Double) -> [Double]? {
    _ = MatrixProduct.singleThreaded
    var (work, result) = (matrix, target)
    for index in target.indices { work[index * target.count + index] *= 1 + ridge }
    var (size, columns, info) = (blasint(target.count), blasint(1), blasint(0))
    var (stride, resultStride) = (size, size)
    unsafe dposv_("L", &size, &columns, &work, &stride, &result, &resultStride, &info)
    return info == 0 && result.allSatisfy(\.isFinite) ? result : nil
  }

  /// The error of halves as scales, up to a constant.
  func error(_ halves: [UInt16]) -> Double {
    var scales = [Float](repeating: 0, count: halves.count)
    unsafe vk_widen_f16(&scales, halves, halves.count)
    let size = target.count
    return (0..<size).reduce(0) { sum, row in
      let product = (0..<size).reduce(0) { $0 + matrix[row * size + $1] * Double(scales[$1]) }
      return sum + Double(scales[row]) * (product - 2 * target[row])
    }
  }
}
