extension Hessian {
  /// The moments `R · H · Rᵀ` of rotated inputs.
  public func rotated(by rotation: BlockRotation) -> Hessian {
    var full = upper
    for row in 0..<columns {
      for column in 0..<row { full[row * columns + column] = full[column * columns + row] }
    }
    rotation.rotate(&full)
    full = full.transposed(rows: columns, columns: columns)
    rotation.rotate(&full)
    return Hessian(
      columns: columns, tokens: tokens,
      triangle: (0..<columns).flatMap { full[$0 * columns + $0..<($0 + 1) * columns] }) ?? self
  }
}

extension CrossMoments {
  /// The moments with rotated inputs, `D · Rᵀ`.
  ///
  /// - Parameter lack: whether what is lacking is rotated too, for it is inputs: `R · D · Rᵀ`.
  public func rotated(by rotation: BlockRotation, lack: Bool) -> CrossMoments {
    var moments = self
    rotation.rotate(&moments.values)
    if lack {
      moments.values = moments.values.transposed(rows: rows, columns: columns)
      rotation.rotate(&moments.values)
      moments.values = moments.values.transposed(rows: columns, columns: rows)
    }
    return moments
  }
}

extension BlockRotation {
  /// Rotates vectors, one after the other, in double precision.
  func rotate(_ vectors: inout [Double]) {
    let norm = Double(block).squareRoot()
    for start in stride(from: 0, to: vectors.count, by: block) {
      for index in 0..<block {
        let column = (start + index) % columns
        vectors[start + index] *= Double(Self.signs[column % Self.largestBlock]) / norm
      }
      var half = 1
      while half < block {
        for pair in stride(from: start, to: start + block, by: 2 * half) {
          for low in pair..<pair + half {
            let (sum, difference) = (
              vectors[low] + vectors[low + half], vectors[low] - vectors[low + half]
            )
            (vectors[low], vectors[low + half]) = (sum, difference)
          }
        }
        half *= 2
      }
    }
  }
}

extension [Double] {
  fileprivate func transposed(rows: Int, columns: Int) -> [Double] {
    var result = [Double](repeating: 0, count: count)
    for row in 0..<rows {
      for column in 0..<columns { result[column * rows + row] = self[row * columns + column] }
    }
    return result
  }
}
