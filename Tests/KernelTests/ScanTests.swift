import CKernels
import Foundation
import Testing

/// Copies of arrays that stay where they are.
private final class Copies {
  private var releases = [() -> Void]()

  func start<Element>(of values: [Element]) -> UnsafePointer<Element> {
    let start = UnsafeMutablePointer<Element>.allocate(capacity: max(1, values.count))
    start.initialize(from: values, count: values.count)
    releases.append { start.deallocate() }
    return UnsafePointer(start)
  }

  deinit { for release in releases { release() } }
}

/// Inputs of a scan as int8 codes; floats are made from them, so that both ways have one truth.
private struct Scan {
  let tokens: Int
  let channels: Int
  let states: Int
  let tiles: Int
  let A: [Float]
  let D: [Float]
  let bias: [Float]
  let start: [Float]
  let steps: [Float]
  let xCodes: [Int8]
  let BCodes: [Int8]
  let CCodes: [Int8]
  let xScales: [Float]
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
    let groups = (channels + 31) / 32
    let real = (0..<tiles * states * 16).map { $0 / (states * 16) * 16 + $0 % 16 < channels }
    A = real.map { $0 ? -Float.random(in: 0.5...16, using: &random) : 0 }
    start = real.map { $0 ? random.normal() : 0 }
    D = random.normals(channels)
    bias = random.normals(channels).map { $0 * 3 - 3 }
    xCodes = random.codes(tokens * channels, within: 127)
    steps = random.normals(tokens * channels)
    BCodes = random.codes(tokens * states, within: 127)
    CCodes = random.codes(tokens * states, within: 127)
    xScales = scales(tokens * groups)
    BScales = scales(tokens)
    CScales = scales(tokens)
  }

  private func decoded(_ codes: [Int8], _ scales: [Float], columns: Int, group: Int) -> [Float] {
    let groups = (columns + group - 1) / group
    return codes.indices.map {
      Float(codes[$0]) * scales[$0 / columns * groups + $0 % columns / group]
    }
  }

  var x: [Float] { decoded(xCodes, xScales, columns: channels, group: 32) }
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

  /// The inputs of some tiles, as floats in wider rows or as codes; time steps are those of the tiles alone.
  private func inputs(
    _ copies: Copies, codes: Bool, spreadBy margin: Int, gate: [Float]?, tiles: Range<Int>
  ) -> vk_scan {
    func start(_ values: [Float], columns: Int, margin: Int) -> UnsafePointer<Float> {
      copies.start(of: Self.spread(values, columns: columns, margin: margin))
    }
    let stepChannels = min(tiles.lowerBound * 16, channels)..<min(tiles.upperBound * 16, channels)
    let tileSteps = (0..<tokens).flatMap { token in
      stepChannels.map { steps[token * channels + $0] }
    }
    var scan = vk_scan()
    scan.time_steps = start(tileSteps, columns: max(1, stepChannels.count), margin: 2 * margin)
    scan.time_step_stride = stepChannels.count + 2 * margin
    scan.gate = gate.map { start($0, columns: channels, margin: 3 * margin) }
    scan.gate_stride = channels + 3 * margin
    scan.A = copies.start(of: A)
    scan.D = copies.start(of: D)
    scan.time_step_bias = copies.start(of: bias)
    if codes {
      scan.x_codes = copies.start(of: xCodes)
      scan.x_scales = copies.start(of: xScales)
      scan.B_codes = copies.start(of: BCodes)
      scan.B_scales = copies.start(of: BScales)
      scan.C_codes = copies.start(of: CCodes)
      scan.C_scales = copies.start(of: CScales)
    } else {
      scan.x = start(x, columns: channels, margin: margin)
      scan.x_stride = channels + margin
      scan.B = start(B, columns: states, margin: margin)
      scan.C = start(C, columns: states, margin: margin)
      scan.parameter_stride = states + margin
    }
    return scan
  }

  func run(
    _ kernels: vk_table, codes: Bool, spreadBy margin: Int = 0, gate: [Float]? = nil,
    lasting: Float? = nil, state: inout [Float], y: UnsafeMutablePointer<Float>, tiles: Range<Int>
  ) {
    let copies = Copies()
    var scan = inputs(copies, codes: codes, spreadBy: margin, gate: gate, tiles: tiles)
    scan.rounds_state = lasting == nil ? 0 : 1
    scan.lasting = lasting ?? 0
    withExtendedLifetime(copies) {
      kernels.selective_scan(
        y, &state, &scan, tokens, channels, states, tiles.lowerBound, tiles.count)
    }
  }

  /// `Δ · A` of the first token, in the layout of the states.
  var exponents: [Double] {
    A.indices.map { place in
      let channel = place / (states * 16) * 16 + place % 16
      guard channel < channels else { return 0 }
      return log1p(exp(Double(steps[channel] + bias[channel]))) * Double(A[place])
    }
  }

  /// The places of the states of each channel.
  var places: [[Int]] {
    (0..<channels).map { channel in
      (0..<states).map { (channel / 16 * states + $0) * 16 + channel % 16 }
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
            kernels, codes: false, spreadBy: margin, gate: isGated ? gate : nil, state: &state,
            y: $0, tiles: 0..<scan.tiles)
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

  @Test(arguments: InstructionSet.all, [(1, 16), (83, 16), (17, 1), (40, 5), (130, 33)])
  func `states are rounded to multiples of their channel's step, unless they last`(
    set: InstructionSet, size: (channels: Int, states: Int)
  ) throws {
    let kernels = try set.kernels
    let scan = Scan(tokens: 1, channels: size.channels, states: size.states)
    let lasting: Float = -0.2
    for codes in [false, true] {
      var (exact, rounded) = (scan.start, scan.start)
      let y = filled(scan.channels) {
        scan.run(kernels, codes: codes, state: &exact, y: $0, tiles: 0..<scan.tiles)
      }
      let found = filled(scan.channels) {
        scan.run(
          kernels, codes: codes, lasting: lasting, state: &rounded, y: $0, tiles: 0..<scan.tiles)
      }
      // Outputs are computed from what was not rounded yet, with the same operations.
      #expect(zip(found, y).allSatisfy { abs($0 - $1) <= 1e-5 * (1 + abs($1)) })
      let exponents = scan.exponents
      for places in scan.places {
        let step = Double(places.reduce(0) { max($0, abs(exact[$1])) }) / 127
        for place in places {
          let (value, result) = (Double(exact[place]), Double(rounded[place]))
          guard abs(exponents[place] - Double(lasting)) > 1e-5 else { continue }
          if exponents[place] > Double(lasting) {
            #expect(abs(result - value) <= 1e-6 * (1 + abs(value)))
          } else {
            let code = result / step
            #expect(abs(result - value) <= step * (0.5 + 1e-3))
            #expect(abs(code - code.rounded()) <= 1e-3 && abs(code) <= 127.001)
          }
        }
      }
    }
  }
}
