import CKernels
import Foundation
import Testing

/// Inputs of a scan as int8 codes; floats are made from them, so that both kernels have one truth.
private struct Scan {
  let tokens: Int
  let channels: Int
  let states: Int
  let tiles: Int
  let A: [Float]
  let D: [Float]
  let bias: [Float]
  let start: [Float]
  let xCodes: [Int8]
  let stepCodes: [Int8]
  let BCodes: [Int8]
  let CCodes: [Int8]
  let xScales: [Float]
  let stepScales: [Float]
  let BScales: [Float]
  let CScales: [Float]

  init(tokens: Int, channels: Int, states: Int) {
    var random = Seeded(tokens * 1000 + channels * 17 + states)
    func scales(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float.random(in: 0.005...0.02, using: &random) }
    }
    self.tokens = tokens
    self.channels = channels
    self.states = states
    tiles = (channels + 15) / 16
    let groups = (channels + 63) / 64
    let real = (0..<tiles * states * 16).map { $0 / (states * 16) * 16 + $0 % 16 < channels }
    A = real.map { $0 ? -Float.random(in: 0.5...16, using: &random) : 0 }
    start = real.map { $0 ? random.normal() : 0 }
    D = random.normals(channels)
    bias = random.normals(channels).map { $0 * 3 - 3 }
    xCodes = random.codes(tokens * channels, within: 127)
    stepCodes = random.codes(tokens * channels, within: 127)
    BCodes = random.codes(tokens * states, within: 127)
    CCodes = random.codes(tokens * states, within: 127)
    xScales = scales(tokens * groups)
    stepScales = scales(tokens * groups)
    BScales = scales(tokens)
    CScales = scales(tokens)
  }

  private func decoded(_ codes: [Int8], _ scales: [Float], columns: Int, group: Int) -> [Float] {
    let groups = (columns + group - 1) / group
    return codes.indices.map {
      Float(codes[$0]) * scales[$0 / columns * groups + $0 % columns / group]
    }
  }

  var x: [Float] { decoded(xCodes, xScales, columns: channels, group: 64) }
  var steps: [Float] { decoded(stepCodes, stepScales, columns: channels, group: 64) }
  var B: [Float] { decoded(BCodes, BScales, columns: states, group: states) }
  var C: [Float] { decoded(CCodes, CScales, columns: states, group: states) }

  /// Outputs and final state in double precision, and for each output the sum of magnitudes behind it.
  func truth() -> (y: [Double], magnitudes: [Double], state: [Double]) {
    let (x, steps, B, C) = (x, steps, B, C)
    var state = start.map(Double.init), y = [Double](), magnitudes = [Double]()
    for token in 0..<tokens {
      for channel in 0..<channels {
        let raw = Double(steps[token * channels + channel] + bias[channel])
        let step = raw > 20 ? raw : log1p(exp(raw))
        let input = Double(x[token * channels + channel])
        var sum = Double(D[channel]) * input, magnitude = abs(sum)
        for n in 0..<states {
          let place = (channel / 16 * states + n) * 16 + channel % 16
          state[place] *= exp(step * Double(A[place]))
          state[place] += step * Double(B[token * states + n]) * input
          sum += Double(C[token * states + n]) * state[place]
          magnitude += abs(Double(C[token * states + n])) * (abs(state[place]) + 1)
        }
        y.append(sum)
        magnitudes.append(magnitude)
      }
    }
    return (y, magnitudes, state)
  }

  /// Rows of `columns` floats with `margin` floats between them that must not be read.
  private static func spread(_ values: [Float], columns: Int, margin: Int) -> [Float] {
    var spread = [Float]()
    for (index, value) in values.enumerated() {
      if index > 0, index % columns == 0 {
        spread += [Float](repeating: .nan, count: margin)
      }
      spread.append(value)
    }
    return spread
  }

  /// Scans floats that lie in wider rows; time steps are those of the tiles alone.
  func run(
    _ kernels: vk_table, spreadBy margin: Int, gate: [Float]?, state: inout [Float],
    y: UnsafeMutablePointer<Float>, tiles: Range<Int>
  ) {
    let stepChannels = min(tiles.lowerBound * 16, channels)..<min(tiles.upperBound * 16, channels)
    let (allSteps, allChannels) = (steps, channels)
    let tileSteps = (0..<tokens).flatMap { token in
      stepChannels.map { allSteps[token * allChannels + $0] }
    }
    let x = Self.spread(x, columns: channels, margin: margin)
    let steps = Self.spread(tileSteps, columns: stepChannels.count, margin: 2 * margin)
    let B = Self.spread(B, columns: states, margin: margin)
    let C = Self.spread(C, columns: states, margin: margin)
    let gate = gate.map { Self.spread($0, columns: channels, margin: 3 * margin) }
    x.withUnsafeBufferPointer { x in
      steps.withUnsafeBufferPointer { steps in
        B.withUnsafeBufferPointer { B in
          C.withUnsafeBufferPointer { C in
            A.withUnsafeBufferPointer { A in
              D.withUnsafeBufferPointer { D in
                bias.withUnsafeBufferPointer { bias in
                  (gate ?? []).withUnsafeBufferPointer { gateValues in
                    var scan = vk_scan(
                      x: x.baseAddress, x_stride: channels + margin, time_steps: steps.baseAddress,
                      time_step_stride: stepChannels.count + 2 * margin, B: B.baseAddress,
                      C: C.baseAddress, parameter_stride: states + margin,
                      gate: gate == nil ? nil : gateValues.baseAddress,
                      gate_stride: channels + 3 * margin, A: A.baseAddress, D: D.baseAddress,
                      time_step_bias: bias.baseAddress)
                    kernels.selective_scan(
                      y, &state, &scan, tokens, channels, states, tiles.lowerBound, tiles.count)
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  func run(
    _ kernels: vk_table, codes: Bool, state: inout [Float], y: UnsafeMutablePointer<Float>,
    tiles: Range<Int>
  ) {
    if codes {
      kernels.selective_scan_int8(
        y, &state, xCodes, xScales, stepCodes, stepScales, BCodes, BScales, CCodes, CScales, A, D,
        bias, tokens, channels, states, tiles.lowerBound, tiles.count)
    } else {
      run(kernels, spreadBy: 0, gate: nil, state: &state, y: y, tiles: tiles)
    }
  }
}

@Suite struct ScanTests {
  /// A state carries the error of its decay, softplus and product on for as long as it remembers: some 5e-7 of its
  /// size a token, over the few tokens that slow channels remember here.
  static let bound = 4e-6

  @Test(
    arguments: InstructionSet.all,
    [(1, 1, 16), (5, 16, 16), (9, 83, 16), (3, 17, 1), (6, 40, 5), (4, 70, 24), (2, 130, 33)])
  func `scans of floats and of codes follow the recurrence`(
    set: InstructionSet, size: (tokens: Int, channels: Int, states: Int)
  ) throws {
    let kernels = try set.kernels
    let scan = Scan(tokens: size.tokens, channels: size.channels, states: size.states)
    let truth = scan.truth()
    for codes in [false, true] {
      var state = scan.start
      let y = filled(scan.tokens * scan.channels) {
        scan.run(kernels, codes: codes, state: &state, y: $0, tiles: 0..<scan.tiles)
      }
      expectClose(y, truth.y) { Self.bound * truth.magnitudes[$0] }
      expectClose(state, truth.state) { Self.bound * (1 + abs(truth.state[$0])) }
    }
  }

  @Test(
    arguments: InstructionSet.all,
    [(1, 1, 16), (5, 16, 16), (19, 83, 16), (3, 17, 1), (6, 140, 5)])
  func `a scan reads wider rows and gates what it computes`(
    set: InstructionSet, size: (tokens: Int, channels: Int, states: Int)
  ) throws {
    let kernels = try set.kernels
    let scan = Scan(tokens: size.tokens, channels: size.channels, states: size.states)
    let truth = scan.truth()
    var random = Seeded(size.channels)
    let gate = random.normals(scan.tokens * scan.channels).map { 4 * $0 }
    // The factor of an output is at most the size of its gate; it adds its own few roundings.
    let factors = gate.map { Double($0) / (1 + exp(-Double($0))) }
    for margin in [0, 9] {
      for isGated in [false, true] {
        var state = scan.start
        let y = filled(scan.tokens * scan.channels) {
          scan.run(
            kernels, spreadBy: margin, gate: isGated ? gate : nil, state: &state, y: $0,
            tiles: 0..<scan.tiles)
        }
        let expected = truth.y.indices.map { truth.y[$0] * (isGated ? factors[$0] : 1) }
        expectClose(y, expected) {
          Self.bound * truth.magnitudes[$0] * (isGated ? abs(factors[$0]) : 1)
        }
        expectClose(state, truth.state) { Self.bound * (1 + abs(truth.state[$0])) }
      }
    }
  }

  @Test(arguments: InstructionSet.all, [16, 5])
  func `tiles may be shared out in any way`(set: InstructionSet, states: Int) throws {
    let kernels = try set.kernels
    let scan = Scan(tokens: 3, channels: 90, states: states)
    for codes in [false, true] {
      var whole = scan.start, parts = scan.start
      let expected = filled(3 * 90) {
        scan.run(kernels, codes: codes, state: &whole, y: $0, tiles: 0..<6)
      }
      let found = filled(3 * 90) {
        for tiles in [4..<6, 0..<1, 1..<4, 2..<2] {
          scan.run(kernels, codes: codes, state: &parts, y: $0, tiles: tiles)
        }
      }
      #expect(found == expected)
      #expect(parts == whole)
    }
  }
}
