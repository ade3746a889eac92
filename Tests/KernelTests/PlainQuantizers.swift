// The quantizers written plainly, one number at a time: the definition that the kernels must match to the bit.

/// q8: a half scale for each group of a row.
struct PlainQ8 {
  private(set) var codes = [Int8]()
  private(set) var scales = [UInt16]()

  init(_ w: [Float], shape: Shape, groupSize: Int, largestCode: Float) {
    for row in 0..<shape.rows {
      for start in stride(from: 0, to: shape.columns, by: groupSize) {
        let end = min(start + groupSize, shape.columns)
        let group = w[(row * shape.columns + start)..<(row * shape.columns + end)]
        let largest = group.reduce(0) { max($0, abs($1)) }
        var half = finiteHalf(largest / largestCode)
        if half > 0, half < .greatestFiniteMagnitude, largest / Float(half) > largestCode + 0.5 {
          half = half.nextUp
        }
        scales.append(half.bitPattern)
        for value in group {
          let code = half == 0 ? 0 : (value / Float(half)).clamped(-largestCode, largestCode)
          codes.append(Int8(code.rounded(.toNearestOrEven)))
        }
      }
    }
  }
}

/// e: a half scale for each row, see `vk_e_quantize`.
struct PlainE {
  private(set) var codes = [Int8]()
  private(set) var scales = [Float16]()

  init(_ w: [Float], shape: Shape, step: Float) {
    for row in 0..<shape.rows {
      let values = Array(w[row * shape.columns..<(row + 1) * shape.columns])
      let scale = Self.scale(values, step: step)
      scales.append(scale)
      codes += values.map {
        scale == 0 ? 0 : Int8(($0 / Float(scale)).clamped(-127, 127).rounded(.toNearestOrEven))
      }
    }
  }

  private static func scale(_ values: [Float], step: Float) -> Float16 {
    // Squares are added in 16 lanes, as a vector does.
    var lanes = [Double](repeating: 0, count: 16)
    for (index, value) in values.enumerated() {
      lanes[index % 16] += Double(value) * Double(value)
    }
    let mean = Float(lanes.reduce(0, +) / Double(values.count))
    let scale = coarse(finiteHalf(step * mean.squareRoot()))
    let largest = values.reduce(0) { max($0, abs($1)) }
    guard largest / Float(scale) > 127.5 else { return scale }
    let raised = finiteHalf(largest / 127)
    let isTooSmall = raised > 0 && raised < .greatestFiniteMagnitude
    return isTooSmall && largest / Float(raised) > 127.5 ? raised.nextUp : raised
  }

  /// The nearest number of five significant bits, ties to even.
  static func coarse(_ half: Float16) -> Float16 {
    guard half >= .leastNormalMagnitude else { return half }
    let unit = Float(sign: .plus, exponent: Int(half.exponent) - 4, significand: 1)
    return finiteHalf((Float(half) / unit).rounded(.toNearestOrEven) * unit)
  }
}

func finiteHalf(_ value: Float) -> Float16 { min(Float16(value), .greatestFiniteMagnitude) }

extension Float {
  func clamped(_ low: Float, _ high: Float) -> Float { Swift.min(Swift.max(self, low), high) }

  /// A 4-bit code: the nearest whole number in −8…7.
  var code: Float { clamped(-8, 7).rounded(.toNearestOrEven) }
}

/// q4: see `vk_q4_quantize`.
struct PlainQ4 {
  private(set) var codes = [UInt8]()
  private(set) var subScales = [Int8]()
  private(set) var superScales = [UInt16]()

  init(_ w: [Float], importance: [Float]?, shape: Shape) {
    for row in 0..<shape.rows {
      for start in stride(from: 0, to: shape.columns, by: 256) {
        let columns = start..<min(start + 256, shape.columns)
        append(
          Array(w[(row * shape.columns + start)..<(row * shape.columns + columns.upperBound)]),
          importance: importance.map { Array($0[columns]) })
      }
    }
  }

  private mutating func append(_ w: [Float], importance: [Float]?) {
    let block = Block(w, importance: importance)
    let half = finiteHalf(block.steps.reduce(0) { max($0, abs($1)) } / 31)
    guard half > 0 else {
      codes += [UInt8](repeating: 0x88, count: (w.count + 1) / 2)
      subScales += [Int8](repeating: 0, count: block.groups.count)
      superScales.append(0)
      return
    }
    var fit = Fit(block, superScale: half)
    if fit.refitted > 0, fit.refitted.isFinite {
      let second = finiteHalf(fit.refitted)
      if second > 0, second != half {
        let other = Fit(block, superScale: second)
        let ratio = Float(second) / Float(half)
        if other.error * ratio * ratio < fit.error { fit = other }
      }
    }
    superScales.append(fit.superScale.bitPattern)
    subScales += fit.subScales.map { Int8($0) }
    var nibbles = fit.codes.prefix(w.count).map { UInt8($0 + 8) }
    if nibbles.count % 2 == 1 { nibbles.append(8) }
    for index in stride(from: 0, to: nibbles.count, by: 2) {
      codes.append(nibbles[index] | nibbles[index + 1] << 4)
    }
  }
}

/// Groups of 16 with their importance, padded with zeros, and the step that suits each best.
private struct Block {
  let groups: [[Float]]
  let importance: [[Float]]
  let steps: [Float]

  init(_ w: [Float], importance given: [Float]?) {
    let positive = given?.map { $0 > 0 ? $0 : 0 }
    let largest = positive?.max() ?? 0
    let usable = largest > 0 && largest.isFinite
    let weights = w.indices.map { usable ? (positive?[$0] ?? 1) / largest : 1 }
    func grouped(_ values: [Float]) -> [[Float]] {
      stride(from: 0, to: values.count, by: 16).map { start in
        let group = Array(values[start..<min(start + 16, values.count)])
        return group + [Float](repeating: 0, count: 16 - group.count)
      }
    }
    groups = grouped(w)
    importance = grouped(weights)
    steps = zip(groups, importance).map { Self.step($0, importance: $1) }
  }

  private static func step(_ w: [Float], importance: [Float]) -> Float {
    let largest = w.reduce(0) { max($0, abs($1)) }
    guard largest != 0 else { return 0 }
    let ratios = w.map { $0 / largest }
    let ones = [Float](repeating: 1, count: 16)
    return largest * (fitted(ratios, importance) ?? fitted(ratios, ones) ?? 0)
  }

  /// The least-squares step of the best candidate, a number of 32 and a sign; of equally good ones the first in
  /// order of (number mod 16, number, sign).
  private static func fitted(_ ratios: [Float], _ importance: [Float]) -> Float? {
    let points = (0..<32).map { Float(4.96 + Double($0) * (4.04 / 31)) }
    // Weights near the largest are added last.
    let order =
      ratios.indices.filter { abs(ratios[$0]) <= 0.83 }
      + ratios.indices.filter { abs(ratios[$0]) > 0.83 }
    var best: (gain: Float, step: Float)?
    for lane in 0..<16 {
      var bestA: Float = 0, bestB: Float = 1
      for point in stride(from: lane, to: 32, by: 16) {
        for sign: Float in [1, -1] {
          var a: Float = 0, b: Float = 0
          for index in order {
            let code = (sign * points[point] * ratios[index]).code
            a += importance[index] * ratios[index] * code
            b += importance[index] * code * code
          }
          if a * a * bestB > bestA * bestA * b { (bestA, bestB) = (a, b) }
        }
      }
      let step = bestA / bestB, gain = step * bestA
      if gain > best?.gain ?? 0 { best = (gain, step) }
    }
    return best?.step
  }
}

/// Sub-scales and codes for a super-scale; the error is in units of the super-scale squared.
private struct Fit {
  let superScale: Float16
  private(set) var error: Float = 0
  private(set) var refitted: Float = 0
  private(set) var subScales = [Float]()
  private(set) var codes = [Float]()

  init(_ block: Block, superScale: Float16) {
    self.superScale = superScale
    var errors = [Float](), numerators = [Float](), denominators = [Float]()
    for (group, values) in block.groups.enumerated() {
      let weights = block.importance[group]
      let reciprocal = 1 / Float(superScale)
      let scaled = values.map { $0 * reciprocal }
      var nearest = (block.steps[group] * reciprocal).clamped(-31, 31)
        .rounded(.toNearestOrEven)
      if nearest == 0 { nearest = 1 }
      var best: (error: Float, sub: Float) = (.infinity, nearest)
      for sub in [nearest, nearest - 1, nearest + 1] where sub != 0 && abs(sub) <= 31 {
        let inverse = 1 / sub
        var error: Float = 0
        for (value, weight) in zip(scaled, weights) {
          let difference = value - sub * (value * inverse).code
          error += weight * difference * difference
        }
        if error < best.error { best = (error, sub) }
      }
      let chosen = scaled.map { ($0 * (1 / best.sub)).code }
      var a: Float = 0, b: Float = 0
      for index in 0..<16 {
        a += weights[index] * scaled[index] * chosen[index]
        b += weights[index] * chosen[index] * chosen[index]
      }
      codes += chosen
      subScales.append(values.allSatisfy { $0 == 0 } ? 0 : best.sub)
      errors.append(best.error)
      numerators.append(best.sub * a)
      denominators.append(best.sub * best.sub * b)
    }
    error = Self.sum(errors)
    refitted = Float(superScale) * (Self.sum(numerators) / Self.sum(denominators))
  }

  /// By halves, as the lanes of a vector are summed.
  private static func sum(_ values: [Float]) -> Float {
    var lanes = values + [Float](repeating: 0, count: 16 - values.count)
    while lanes.count > 1 {
      let half = lanes.count / 2
      lanes = (0..<half).map { lanes[$0] + lanes[$0 + half] }
    }
    return lanes[0]
  }
}
