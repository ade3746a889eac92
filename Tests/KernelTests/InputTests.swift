import CKernels
import Testing

/// Inputs of byte products against their definition.
@Suite struct InputTests {
  static let shapes = [
    ByteInputs.Shape.q4, .codes(groupSize: 16, offset: 128), .codes(groupSize: 64, offset: 128),
  ]
  static let columns = [0, 1, 15, 16, 17, 31, 32, 33, 64, 129, 255, 273]

  /// Rows of inputs, some larger than others, that are `stride` apart.
  private func sample(tokens: Int, columns: Int, stride: Int) -> [Float] {
    var random = Seeded(columns)
    let all = random.normals(tokens * stride).enumerated().map { index, value in
      value * [1, 1e-3, 300][index / 40 % 3]
    }
    return Array(all.prefix(max(0, (tokens - 1) * stride + columns)))
  }

  private func largest(_ x: [Float], _ group: Range<Int>) -> Float {
    x[group].reduce(0) { max($0, abs($1)) }
  }

  private func expectOffsetsAndPadding(_ inputs: ByteInputs, rows: Int) {
    for row in 0..<rows {
      for sum in 0..<inputs.sums {
        let first = sum * inputs.shape.offsetColumns
        let end = min(first + inputs.shape.offsetColumns, inputs.padded)
        let codes = (first..<end).reduce(0) { $0 + inputs.code(row, $1) }
        #expect(inputs.offset(row, sum) == -inputs.shape.offset * codes)
      }
      #expect((inputs.columns..<inputs.padded).allSatisfy { inputs.code(row, $0) == 0 })
    }
    #expect(inputs.codes.allSatisfy { $0 >= -127 })
  }

  @Test(arguments: InstructionSet.all, columns)
  func `rounded inputs are half a step away at most`(set: InstructionSet, columns: Int) throws {
    let kernels = try set.kernels
    for shape in Self.shapes {
      for (tokens, stride) in [(1, columns), (3, columns), (3, columns + 5)] {
        let x = sample(tokens: tokens, columns: columns, stride: stride)
        let inputs = ByteInputs(
          kernels, x, stride: stride, tokens: tokens, columns: columns, shape: shape)
        expectOffsetsAndPadding(inputs, rows: tokens)
        for token in 0..<tokens {
          for column in 0..<columns {
            let first = column / shape.scaleColumns * shape.scaleColumns
            let end = min(first + shape.scaleColumns, columns)
            let scale = inputs.scale(token, column)
            let largest = largest(x, token * stride + first..<token * stride + end)
            #expect(scale == largest * (1 / 127 as Float))
            let wide = Double(scale) * Double(inputs.code(token, column))
            // Besides, the inverse, the quotient and the scale round: 127 steps times a few roundings.
            let bound = Double(scale) * (0.5 + 127 * 4 * unitRoundoff)
            #expect(abs(Double(x[token * stride + column]) - wide) <= bound)
          }
        }
      }
    }
  }

  @Test(arguments: InstructionSet.all, columns)
  func `split inputs keep 24 bits of the largest in their group`(
    set: InstructionSet, columns: Int
  ) throws {
    let kernels = try set.kernels
    for shape in Self.shapes {
      for (tokens, stride) in [(1, columns), (3, columns + 5)] {
        let x = sample(tokens: tokens, columns: columns, stride: stride)
        let inputs = ByteInputs(
          kernels, x, stride: stride, tokens: tokens, columns: columns, shape: shape, isSplit: true)
        expectOffsetsAndPadding(inputs, rows: 3 * tokens)
        for token in 0..<tokens {
          for column in 0..<columns {
            let first = column / shape.scaleColumns * shape.scaleColumns
            let end = min(first + shape.scaleColumns, columns)
            let largest = largest(x, token * stride + first..<token * stride + end)
            let wide = (0..<3).reduce(0.0) { sum, digit in
              let row = 3 * token + digit
              return sum + Double(inputs.scale(row, column)) * Double(inputs.code(row, column))
            }
            // Half of 1 / (127 · 254²) is 1.03 roundings; the inverse, the quotient and two scales round.
            let value = x[token * stride + column]
            let bound = (1.03 * Double(largest) + 5 * Double(abs(value))) * unitRoundoff
            #expect(abs(Double(value) - wide) <= bound)
          }
        }
      }
    }
  }

  @Test(arguments: InstructionSet.all, columns)
  func `inputs with steps are rounded like their products`(
    set: InstructionSet, columns: Int
  ) throws {
    let kernels = try set.kernels
    var random = Seeded(columns + 1)
    let steps = (0..<columns).map { _ in Float16.random(in: -4...4, using: &random) }
    let bits = steps.map(\.bitPattern)
    let x = sample(tokens: 3, columns: columns, stride: columns)
    let products = x.enumerated().map { $1 * Float(steps[$0 % columns]) }
    let multiplied = filled(x.count) {
      kernels.multiply_columns($0, x, bits, columns == 0 ? 0 : 3, columns)
    }
    #expect(multiplied == products)
    for shape in Self.shapes {
      for isSplit in [false, true] {
        let found = ByteInputs(
          kernels, x, steps: bits, tokens: 3, columns: columns, shape: shape, isSplit: isSplit)
        let expected = ByteInputs(
          kernels, products, tokens: 3, columns: columns, shape: shape, isSplit: isSplit)
        #expect(found.codes == expected.codes)
        #expect(found.offsets == expected.offsets)
        #expect(found.scales == expected.scales)
      }
    }
  }

  @Test(arguments: InstructionSet.all, [false, true])
  func `the largest input of a group has the largest code`(
    set: InstructionSet, isSplit: Bool
  ) throws {
    let kernels = try set.kernels
    for magnitude: Float in [1, 0.3, 1e-20, 1e30, .greatestFiniteMagnitude, 0x1p-99] {
      for sign: Float in [1, -1] {
        var x = [Float](repeating: 0, count: 40)
        x[35] = sign * magnitude
        let inputs = ByteInputs(
          kernels, x, tokens: 1, columns: 40, shape: .q4, isSplit: isSplit)
        #expect(inputs.code(0, 35) == Int(sign) * 127)
        #expect(inputs.codes.count { $0 != 0 } <= (isSplit ? 3 : 1))
        #expect(inputs.scale(0, 0) == 0)
      }
    }
  }

  @Test(arguments: InstructionSet.all, [false, true])
  func `groups without a size become zero`(set: InstructionSet, isSplit: Bool) throws {
    let kernels = try set.kernels
    for value: Float in [0, -0.0, 0x1p-101, .leastNonzeroMagnitude] {
      let x = [Float](repeating: value, count: 70)
      let inputs = ByteInputs(kernels, x, tokens: 1, columns: 70, shape: .q4, isSplit: isSplit)
      #expect(inputs.codes.allSatisfy { $0 == 0 })
      #expect(inputs.offsets.allSatisfy { $0 == 0 })
      #expect(inputs.scales.allSatisfy { $0 == 0 })
    }
  }

  @Test(arguments: InstructionSet.all, [false, true])
  func `an input that is not finite makes the scale of its group so`(
    set: InstructionSet, isSplit: Bool
  ) throws {
    let kernels = try set.kernels
    for value in [Float.nan, .infinity, -.infinity] {
      for place in [0, 31, 32, 69] {
        var x = [Float](repeating: 1, count: 70)
        x[place] = value
        let inputs = ByteInputs(kernels, x, tokens: 1, columns: 70, shape: .q4, isSplit: isSplit)
        for row in 0..<(isSplit ? 3 : 1) {
          for column in stride(from: 0, to: 70, by: 32) {
            #expect(inputs.scale(row, column).isFinite == (column / 32 != place / 32))
          }
        }
      }
    }
  }

  @Test(arguments: InstructionSet.all, [1, 5, 16, 32, 64])
  func `rows are rounded by groups of any size and widened again`(
    set: InstructionSet, group: Int
  ) throws {
    let kernels = try set.kernels
    for columns in Self.columns {
      let (rows, stride) = (3, columns + 2)
      let x = sample(tokens: rows, columns: columns, stride: stride)
      let groups = (columns + group - 1) / group
      var scales = [Float]()
      let codes: [Int8] = filled(rows * columns) { codes in
        scales = filled(rows * groups) {
          kernels.round_rows(codes, $0, x, stride, rows, columns, group)
        }
      }
      let wide = filled(rows * columns) {
        kernels.widen_rows($0, codes, scales, rows, columns, group)
      }
      for place in codes.indices {
        let (row, column) = place.quotientAndRemainder(dividingBy: columns)
        let first = row * stride + column / group * group
        let largest = largest(x, first..<min(first + group, row * stride + columns))
        let scale = scales[row * groups + column / group]
        #expect(scale == largest * (1 / 127 as Float))
        let value = x[row * stride + column]
        #expect(Float(codes[place]) == (value * (127 / largest)).rounded(.toNearestOrEven))
        #expect(wide[place] == Float(codes[place]) * scale)
      }
    }
  }
}
