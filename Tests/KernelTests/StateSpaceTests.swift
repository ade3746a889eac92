import CKernels
import Foundation
import Testing

/// Inputs of one head's scan, in rows with a gap.
private struct HeadScan {
  static let gap = 3

  let shape: HeadShape
  let x: [Float]
  let B: [Float]
  let C: [Float]
  let gate: [Float]
  let D: [Float]
  let steps: [Float]
  let start: [Float]

  init(_ shape: HeadShape) {
    var random = Seeded(shape.tokens * 1000 + shape.width * 17 + shape.states)
    self.shape = shape
    x = random.normals(shape.tokens * (shape.width + Self.gap))
    gate = random.normals(shape.tokens * (shape.width + Self.gap))
    B = random.normals(shape.tokens * (shape.states + Self.gap))
    C = random.normals(shape.tokens * (shape.states + Self.gap))
    D = random.normals(shape.width)
    steps = (0..<shape.tokens).map { _ in Float.random(in: 0.001...2, using: &random) }
    start = random.normals(shape.width * shape.states)
  }

  /// Sums of `Δ · A` from the first token of each chunk.
  func sums(chunk: Int) -> [Float] {
    var sum = 0.0
    return steps.enumerated().map { token, step in
      if token % chunk == 0 { sum = 0 }
      sum += Double(step) * Double(shape.decay)
      return Float(sum)
    }
  }

  /// Outputs and final state in double precision, and the sums of magnitudes behind them.
  func truth(gated: Bool) -> (y: [Double], yScale: [Double], state: [Double], scale: [Double]) {
    let (width, states) = (shape.width, shape.states)
    var state = start.map(Double.init)
    var scale = state.map { abs($0) }
    var (y, yScale) = ([Double](), [Double]())
    for token in 0..<shape.tokens {
      let step = Double(steps[token])
      for p in 0..<width {
        let input = Double(x[token * (width + Self.gap) + p])
        var sum = Double(D[p]) * input
        var magnitude = abs(sum)
        for n in 0..<states {
          let (at, parameter) = (p * states + n, token * (states + Self.gap) + n)
          let added = step * input * Double(B[parameter])
          state[at] = exp(step * Double(shape.decay)) * state[at] + added
          scale[at] += abs(added)
          sum += Double(C[parameter]) * state[at]
          magnitude += abs(Double(C[parameter])) * scale[at]
        }
        let z = Double(gate[token * (width + Self.gap) + p])
        let factor = gated ? z / (1 + exp(-z)) : 1
        y.append(sum * factor)
        yScale.append(magnitude * abs(factor))
      }
    }
    return (y, yScale, state, scale)
  }

  /// Scans with a kernel; `body` gets outputs whose rows have a gap, and the state.
  func run(
    gated: Bool, chunk: Int,
    _ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, inout vk_state_space) -> Void
  ) -> (y: [Float], state: [Float]) {
    let stride = shape.width + Self.gap
    let sums = sums(chunk: chunk)
    var state = start
    let y = filled(shape.tokens * stride) { y in
      x.withUnsafeBufferPointer { x in
        gate.withUnsafeBufferPointer { gate in
          B.withUnsafeBufferPointer { B in
            C.withUnsafeBufferPointer { C in
              D.withUnsafeBufferPointer { D in
                steps.withUnsafeBufferPointer { steps in
                  sums.withUnsafeBufferPointer { sums in
                    var scan = vk_state_space(
                      x: x.baseAddress, x_stride: stride, B: B.baseAddress, C: C.baseAddress,
                      parameter_stride: shape.states + Self.gap, time_steps: steps.baseAddress,
                      sums: sums.baseAddress, step_stride: 1,
                      gate: gated ? gate.baseAddress : nil, gate_stride: stride,
                      D: D.baseAddress, head_width: shape.width, states: shape.states,
                      rounds_state: 0, lasting: 0)
                    state.withUnsafeMutableBufferPointer { state in
                      if let state = state.baseAddress { body(y, state, &scan) }
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    for token in 0..<shape.tokens {
      let between = y[(token * stride + shape.width)..<(token + 1) * stride]
      #expect(between.allSatisfy { $0 == -12345 }, "wrote between rows")
    }
    return (y.indices.filter { $0 % stride < shape.width }.map { y[$0] }, state)
  }

  func check(_ found: (y: [Float], state: [Float]), gated: Bool, chunk: Int) {
    let truth = truth(gated: gated)
    // Each term is rounded once for every later addition; a rounded sum of decays shifts an exponential by its
    // own rounding; exponentials have a relative error of 2e-7.
    let largest = sums(chunk: chunk).map { Double(abs($0)) }.max() ?? 0
    let share = unitRoundoff * Double(2 * (shape.states + shape.tokens) + 20) + 1e-6
    let bound = share + unitRoundoff * 4 * largest
    expectClose(found.y, truth.y) { bound * truth.yScale[$0] }
    expectClose(found.state, truth.state) { bound * truth.scale[$0] }
  }
}

private struct HeadShape: Sendable, CustomTestStringConvertible {
  let tokens: Int
  let width: Int
  let states: Int
  var decay: Float = -0.7

  var testDescription: String { "\(tokens) tokens, \(width) × \(states), A = \(decay)" }

  static let single = [(1, 1), (5, 16), (16, 20), (33, 31), (64, 128)].map {
    HeadShape(tokens: 1, width: $0, states: $1)
  }

  static let all = [
    HeadShape(tokens: 1, width: 1, states: 1), HeadShape(tokens: 1, width: 64, states: 128),
    HeadShape(tokens: 2, width: 5, states: 16), HeadShape(tokens: 7, width: 16, states: 20),
    HeadShape(tokens: 15, width: 33, states: 31), HeadShape(tokens: 16, width: 8, states: 48),
    HeadShape(tokens: 17, width: 24, states: 33), HeadShape(tokens: 31, width: 10, states: 64),
    HeadShape(tokens: 32, width: 64, states: 128), HeadShape(tokens: 32, width: 3, states: 7),
    HeadShape(tokens: 32, width: 18, states: 16, decay: -1e-4),
    HeadShape(tokens: 32, width: 18, states: 16, decay: -60),
    HeadShape(tokens: 30, width: 18, states: 16, decay: -1e30),
  ]
}

@Suite struct StateSpaceTests {
  @Test(arguments: InstructionSet.all, HeadShape.all)
  private func `token after token agrees with the recurrence`(
    set: InstructionSet, shape: HeadShape
  ) throws {
    let (kernels, scan) = (try set.kernels, HeadScan(shape))
    for gated in [false, true] {
      let found = scan.run(gated: gated, chunk: 1) { y, state, head in
        kernels.state_space_steps(y, shape.width + HeadScan.gap, state, &head, shape.tokens)
      }
      scan.check(found, gated: gated, chunk: 1)
    }
  }

  @Test(arguments: InstructionSet.all, HeadShape.all)
  private func `a chunk agrees with the recurrence, however fast the state decays`(
    set: InstructionSet, shape: HeadShape
  ) throws {
    let (kernels, scan) = (try set.kernels, HeadScan(shape))
    let length = Int(VK_CHUNK)
    let padded = (shape.states + length - 1) / length * length
    let prepared = filled(length * (2 * padded + length)) { prepared in
      kernels.state_space_prepare(
        prepared, scan.B, scan.C, shape.states + HeadScan.gap, shape.tokens, shape.states)
    }
    for gated in [false, true] {
      let found = scan.run(gated: gated, chunk: length) { y, state, head in
        head.B = nil
        head.C = nil
        kernels.state_space_chunk(
          y, shape.width + HeadScan.gap, state, prepared, &head, shape.tokens)
      }
      scan.check(found, gated: gated, chunk: length)
    }
  }

  @Test(arguments: InstructionSet.all, HeadShape.single)
  private func `states are rounded to multiples of their channel's step, unless they last`(
    set: InstructionSet, shape: HeadShape
  ) throws {
    let (kernels, scan) = (try set.kernels, HeadScan(shape))
    let exponent = scan.sums(chunk: 1)[0]
    func states(lasting: Float?) -> [Float] {
      scan.run(gated: false, chunk: 1) { y, state, head in
        head.rounds_state = lasting == nil ? 0 : 1
        head.lasting = lasting ?? 0
        kernels.state_space_steps(y, shape.width + HeadScan.gap, state, &head, 1)
      }.state
    }
    let exact = states(lasting: nil)
    #expect(states(lasting: exponent.nextDown) == exact)
    let rounded = states(lasting: exponent)
    for first in stride(from: 0, to: exact.count, by: shape.states) {
      let channel = first..<first + shape.states
      let step = Double(channel.reduce(0) { max($0, abs(exact[$1])) }) / 127
      for place in channel {
        #expect(abs(Double(rounded[place] - exact[place])) <= step * (0.5 + 1e-3))
        let code = step == 0 ? 0 : Double(rounded[place]) / step
        #expect(abs(code - code.rounded()) <= 1e-3)
      }
    }
  }

  @Test(arguments: InstructionSet.all)
  func `no tokens leave the state alone`(set: InstructionSet) throws {
    let (kernels, scan) = (try set.kernels, HeadScan(HeadShape(tokens: 0, width: 4, states: 5)))
    let steps = scan.run(gated: false, chunk: 1) { y, state, head in
      kernels.state_space_steps(y, 4, state, &head, 0)
    }
    let chunk = scan.run(gated: false, chunk: 1) { y, state, head in
      kernels.state_space_chunk(y, 4, state, scan.start, &head, 0)
    }
    #expect(steps.state == scan.start && chunk.state == scan.start)
  }

  @Test(arguments: InstructionSet.all, [1, 5, 16, 24, 33])
  func `time steps stay within their limits and add up to decays`(
    set: InstructionSet, heads: Int
  ) throws {
    var random = Seeded(heads)
    let (tokens, stride, chunk) = (11, heads + 2, 4)
    let raw = random.normals(tokens * stride).map { $0 * 8 }
    let bias = random.normals(heads)
    let decay = (0..<heads).map { _ in -Float.random(in: 0.5...16, using: &random) }
    let kernels = try set.kernels
    var sums = [Float]()
    let steps = filled(tokens * heads) { steps in
      sums = filled(tokens * heads) { sums in
        kernels.state_space_time_steps(
          steps, sums, raw, stride, bias, decay, 0.01, 5, tokens, heads, chunk)
      }
    }
    var (expected, expectedSums) = ([Double](), [Double]())
    for token in 0..<tokens {
      for head in 0..<heads {
        let value = Double(raw[token * stride + head] + bias[head])
        expected.append(min(max(value > 20 ? value : log1p(exp(value)), Double(Float(0.01))), 5))
        let before = token % chunk == 0 ? 0 : expectedSums[(token - 1) * heads + head]
        expectedSums.append(
          before + Double(steps[token * heads + head]) * Double(decay[head]))
      }
    }
    expectClose(steps, expected) { 6e-7 * expected[$0] }
    // Only the result is rounded to a float.
    expectClose(sums, expectedSums) { 1.01 * unitRoundoff * abs(expectedSums[$0]) }
  }

  @Test(arguments: InstructionSet.all)
  func `a time step that is not a number stays so`(set: InstructionSet) throws {
    let kernels = try set.kernels
    var (steps, sums): ([Float], [Float]) = ([0, 0], [0, 0])
    kernels.state_space_time_steps(
      &steps, &sums, [.nan, 1], 2, [0, 0], [-1, -1], 0.1, .infinity, 1, 2, 1)
    #expect(steps[0].isNaN && sums[0].isNaN && steps[1].isFinite)
  }
}
