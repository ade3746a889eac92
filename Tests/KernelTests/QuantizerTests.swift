import CKernels
import Testing

/// Weights that are awkward to quantize.
enum AwkwardWeights: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case normal, heavyTailed, zeros, zeroGroups, denormals, tiny, subnormalScale, oneOutlier, huge
  case nearHalfRange, equal, negative, powers

  var testDescription: String { rawValue }

  func values(_ count: Int, seed: Int) -> [Float] {
    var random = Seeded(seed)
    let normal = random.normals(count)
    switch self {
    case .normal: return normal.map { $0 * 0.02 }
    case .heavyTailed: return normal.map { $0 * $0 * $0 * 0.01 }
    case .zeros: return [Float](repeating: 0, count: count)
    case .zeroGroups: return normal.enumerated().map { $0 / 16 % 3 == 1 ? 0 : $1 }
    case .denormals: return normal.map { $0 * 0x1p-130 }
    case .tiny: return normal.map { $0 * 1e-8 }
    case .subnormalScale: return normal.map { $0 * 3e-5 }
    case .oneOutlier: return normal.enumerated().map { $0 == count / 2 ? 5e4 : $1 * 1e-3 }
    case .huge: return normal.map { $0 * 1e37 }
    case .nearHalfRange: return normal.map { $0 * 1e6 }
    case .equal: return normal.map { $0 < 0 ? -0.5 : 0.5 }
    case .negative: return normal.map { -abs($0) }
    case .powers:
      return normal.enumerated().map { Float(sign: .plus, exponent: -$0 % 40, significand: $1) }
    }
  }
}

@Suite struct QuantizerTests {
  static let shapes = [
    Shape(1, 1), Shape(2, 7), Shape(1, 16), Shape(3, 17), Shape(2, 48), Shape(1, 160),
    Shape(2, 255),
    Shape(1, 256), Shape(2, 257), Shape(1, 290), Shape(2, 531),
  ]

  @Test(arguments: InstructionSet.all, AwkwardWeights.allCases)
  func `q8 is the same on every instruction set as written plainly`(
    set: InstructionSet, kind: AwkwardWeights
  ) throws {
    let kernels = try set.kernels
    for shape in Self.shapes {
      for (groupSize, largestCode) in [(64, 127), (16, 127), (48, 31), (1, 7), (600, 127)] {
        let w = kind.values(shape.count, seed: shape.count)
        let groups = (shape.columns + groupSize - 1) / groupSize
        var scales = [UInt16](repeating: 0, count: shape.rows * groups)
        let codes: [Int8] = filled(shape.count) {
          kernels.q8_quantize(
            $0, &scales, w, shape.rows, shape.columns, groupSize, Int32(largestCode))
        }
        let plain = PlainQ8(w, shape: shape, groupSize: groupSize, largestCode: Float(largestCode))
        #expect(codes == plain.codes)
        #expect(scales == plain.scales)
      }
    }
  }

  @Test(arguments: InstructionSet.all, AwkwardWeights.allCases)
  func `e is the same on every instruction set as written plainly`(
    set: InstructionSet, kind: AwkwardWeights
  ) throws {
    let kernels = try set.kernels
    for shape in Self.shapes {
      for step: Float in [0.03, 0.25, 1] {
        let w = kind.values(shape.count, seed: shape.count)
        var scales = [UInt16](repeating: 0, count: shape.rows)
        let codes: [Int8] = filled(shape.count) {
          kernels.e_quantize($0, &scales, w, shape.rows, shape.columns, step)
        }
        let plain = PlainE(w, shape: shape, step: step)
        #expect(codes == plain.codes)
        #expect(scales == plain.scales.map(\.bitPattern))
      }
    }
  }

  @Test(arguments: InstructionSet.all)
  func `coarse halves are those written plainly`(set: InstructionSet) throws {
    let kernels = try set.kernels
    // Every half that is not negative, infinity included, and floats between halves.
    let values = (0...0x7c00 as ClosedRange<UInt16>).flatMap { bits in
      let value = Float(Float16(bitPattern: bits))
      return [value, value * 1.0003]
    }
    let found: [UInt16] = filled(values.count) { kernels.coarse_halves($0, values, values.count) }
    #expect(found == values.map { PlainE.coarse(finiteHalf($0)).bitPattern })
  }

  @Test(arguments: InstructionSet.all)
  func `an outlier widens the step of its row`(set: InstructionSet) throws {
    let kernels = try set.kernels
    var w = [Float](repeating: 0.5, count: 600)
    w[250] = 1000
    var scales = [UInt16](repeating: 0, count: 3)
    let codes: [Int8] = filled(600) { kernels.e_quantize($0, &scales, w, 3, 200, 0.1) }
    let wide = scales.map { Float(Float16(bitPattern: $0)) }
    #expect(wide[0] == wide[2] && abs(wide[0] / 0.05 - 1) <= 1 / 32)
    #expect(wide[1] == Float(Float16(1000.0 / 127)) && codes[250] == 127)
    #expect(codes[0] == Int8((0.5 / wide[0]).rounded()))
  }

  @Test(arguments: InstructionSet.all, AwkwardWeights.allCases)
  func `q4 is the same on every instruction set as written plainly`(
    set: InstructionSet, kind: AwkwardWeights
  ) throws {
    for shape in Self.shapes {
      let w = kind.values(shape.count, seed: shape.count)
      var random = Seeded(3)
      let importances: [[Float]?] = [
        nil, random.normals(shape.columns).map { $0 * $0 },
        random.normals(shape.columns).map { max(0, $0) * 1e30 },
        (0..<shape.columns).map { Float($0 / 16 % 2) },
        [Float](repeating: .nan, count: shape.columns),
      ]
      for importance in importances {
        let found = try quantized(w, importance: importance, shape: shape, set: set)
        let plain = PlainQ4(w, importance: importance, shape: shape)
        #expect(found.codes == plain.codes)
        #expect(found.subScales == plain.subScales)
        #expect(found.superScales == plain.superScales)
      }
    }
  }

  @Test func `q8 decodes to within half a step`() throws {
    for kind in AwkwardWeights.allCases where kind != .huge && kind != .nearHalfRange {
      let shape = Shape(3, 200), w = kind.values(600, seed: 1)
      var codes = [Int8](repeating: 0, count: 600), scales = [UInt16](repeating: 0, count: 12)
      vk_q8_quantize(&codes, &scales, w, 3, 200, 64, 127)
      for index in w.indices {
        let group = index / 200 * 4 + index % 200 / 64
        let scale = Float(Float16(bitPattern: scales[group]))
        // A weight of half the least half or less becomes zero, as does its scale.
        let allowed = max(0.5001 * scale, 127 * 0x1p-25)
        #expect(abs(Float(codes[index]) * scale - w[index]) <= allowed, "\(kind) \(index)")
      }
      #expect(codes.allSatisfy { $0 != -128 } && shape.count == 600)
    }
  }

  /// The noise of good 4-bit codes on normal weights; 22.9 dB is what the layout is meant to reach.
  @Test func `q4 keeps normal weights above 22 decibels`() throws {
    let shape = Shape(64, 1024)
    var random = Seeded(5)
    let w = random.normals(shape.count)
    let found = try quantized(w, importance: nil, shape: shape, set: InstructionSet.all[0])
    let stored = StoredQ4(
      codes: found.codes, subScales: found.subScales, superScales: found.superScales, shape: shape)
    var power = 0.0, noise = 0.0
    for (value, decoded) in zip(w, stored.values) {
      power += Double(value * value)
      noise += Double((value - decoded) * (value - decoded))
    }
    #expect(power / noise > 195, "22.9 decibels are a ratio of 195; found \(power / noise)")
  }

  @Test func `importance moves the error of q4 to where it matters less`() throws {
    let shape = Shape(40, 256)
    var random = Seeded(6)
    let w = random.normals(shape.count)
    let importance = (0..<256).map { Float($0 % 2 == 0 ? 100 : 1) }
    func error(_ importanceUsed: [Float]?) throws -> Double {
      let found = try quantized(
        w, importance: importanceUsed, shape: shape, set: InstructionSet.all[0])
      let stored = StoredQ4(
        codes: found.codes, subScales: found.subScales, superScales: found.superScales,
        shape: shape)
      return w.indices.reduce(0.0) { sum, index in
        let difference = Double(w[index] - stored.values[index])
        return sum + Double(importance[index % 256]) * difference * difference
      }
    }
    let (weighted, unweighted) = (try error(importance), try error(nil))
    #expect(weighted < 0.8 * unweighted)
  }

  func quantized(
    _ w: [Float], importance: [Float]?, shape: Shape, set: InstructionSet
  ) throws -> (codes: [UInt8], subScales: [Int8], superScales: [UInt16]) {
    let kernels = try set.kernels
    let (rows, columns) = (shape.rows, shape.columns)
    var subScales = [Int8](repeating: 0, count: rows * ((columns + 15) / 16))
    var superScales = [UInt16](repeating: 0, count: rows * ((columns + 255) / 256))
    let codes: [UInt8] = filled(rows * ((columns + 1) / 2)) {
      if let importance {
        kernels.q4_quantize($0, &subScales, &superScales, w, importance, rows, columns)
      } else {
        kernels.q4_quantize($0, &subScales, &superScales, w, nil, rows, columns)
      }
    }
    return (codes, subScales, superScales)
  }
}
