import CKernels
import Testing

@Suite struct ConversionTests {
  static let patterns = (0...UInt16.max).map { $0 }

  @Test(arguments: InstructionSet.all)
  func `all halves widen exactly and narrow back`(set: InstructionSet) throws {
    let kernels = try set.kernels
    let wide = filled(65536) { kernels.widen_f16($0, Self.patterns, 65536) }
    let back: [UInt16] = filled(65536) { kernels.narrow_f16($0, wide, 65536) }
    for pattern in Self.patterns {
      let half = Float16(bitPattern: pattern)
      if half.isNaN {
        #expect(wide[Int(pattern)].isNaN)
        #expect(back[Int(pattern)] == pattern | 0x200)
      } else {
        #expect(wide[Int(pattern)].bitPattern == Float(half).bitPattern)
        #expect(back[Int(pattern)] == pattern)
      }
    }
  }

  @Test(arguments: InstructionSet.all)
  func `floats around every midpoint of two halves round to even`(set: InstructionSet) throws {
    let kernels = try set.kernels
    var values: [Float] = [
      .infinity, -.infinity, 65519.996, 65520, 65536, .greatestFiniteMagnitude,
    ]
    values += [Float.leastNonzeroMagnitude, 0x1p-25, (0x1p-25 as Float).nextUp, 0, -0]
    for pattern in UInt16(0)..<0x7bff {
      let low = Float(Float16(bitPattern: pattern)), high = Float(Float16(bitPattern: pattern + 1))
      let middle = (low + high) / 2
      values += [middle, middle.nextUp, middle.nextDown, -middle, -middle.nextUp]
    }
    let narrow: [UInt16] = filled(values.count) { kernels.narrow_f16($0, values, values.count) }
    for (value, half) in zip(values, narrow) { #expect(half == Float16(value).bitPattern) }
  }

  @Test(arguments: InstructionSet.all)
  func `all bfloats widen exactly and narrow back`(set: InstructionSet) throws {
    let kernels = try set.kernels
    let wide = filled(65536) { kernels.widen_bf16($0, Self.patterns, 65536) }
    let back: [UInt16] = filled(65536) { kernels.narrow_bf16($0, wide, 65536) }
    for pattern in Self.patterns {
      #expect(wide[Int(pattern)].bitPattern == UInt32(pattern) << 16)
      let quiet = wide[Int(pattern)].isNaN ? pattern | 0x40 : pattern
      #expect(back[Int(pattern)] == quiet)
    }
  }

  @Test(arguments: InstructionSet.all)
  func `floats between two bfloats round to the nearest and ties to even`(
    set: InstructionSet
  ) throws {
    let kernels = try set.kernels
    let cases: [(UInt32, UInt16)] = [
      (0x3f80_8000, 0x3f80), (0x3f81_8000, 0x3f82), (0x3f80_8001, 0x3f81), (0x3f80_7fff, 0x3f80),
      (0x7f7f_ffff, 0x7f80), (0xff7f_ffff, 0xff80), (0x7f80_0001, 0x7fc0), (0xffff_ffff, 0xffff),
      (0x0000_8000, 0x0000), (0x0001_8000, 0x0002), (0x8000_8001, 0x8001),
    ]
    let values = cases.map { Float(bitPattern: $0.0) }
    let narrow: [UInt16] = filled(cases.count) { kernels.narrow_bf16($0, values, cases.count) }
    #expect(narrow == cases.map(\.1))
  }

  @Test(arguments: InstructionSet.all, [0, 1, 15, 16, 17, 100])
  func `conversions write as many elements as asked for`(set: InstructionSet, count: Int) throws {
    let kernels = try set.kernels
    let halves = (0..<count).map { UInt16($0 + 0x3c00) }
    let wide = filled(count) { kernels.widen_f16($0, halves, count) }
    #expect(wide == halves.map { Float(Float16(bitPattern: $0)) })
    #expect(filled(count) { kernels.narrow_f16($0, wide, count) } == halves)
    let bfloats = filled(count) { kernels.widen_bf16($0, halves, count) }
    #expect(filled(count) { kernels.narrow_bf16($0, bfloats, count) } == halves)
  }

  @Test(arguments: InstructionSet.all, [1, 16, 31, 4096, 4097, 8200])
  func `one number that is not finite is found wherever it is`(
    set: InstructionSet, count: Int
  ) throws {
    let kernels = try set.kernels
    var values = [Float](repeating: -.greatestFiniteMagnitude, count: count)
    #expect(kernels.all_within(values, count, .greatestFiniteMagnitude) == 1)
    #expect(kernels.all_within(values, 0, .greatestFiniteMagnitude) == 1)
    for place in Set([0, count / 2, max(0, count - 17), count - 1]) {
      for value in [Float.infinity, -.infinity, .nan] {
        values[place] = value
        #expect(kernels.all_within(values, count, .greatestFiniteMagnitude) == 0)
      }
      values[place] = .leastNonzeroMagnitude
    }
  }

  @Test(arguments: InstructionSet.all, [1, 15, 16, 100])
  func `a limit itself is within it, and what is above is not`(
    set: InstructionSet, count: Int
  ) throws {
    let kernels = try set.kernels
    var values = [Float](repeating: -2.5, count: count)
    #expect(kernels.all_within(values, count, 2.5) == 1)
    values[count - 1] = Float(2.5).nextUp
    #expect(kernels.all_within(values, count, 2.5) == 0)
    values[count - 1] = Float(-2.5).nextDown
    #expect(kernels.all_within(values, count, 2.5) == 0)
  }
}
