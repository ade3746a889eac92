import CKernels
import Foundation
import Testing

/// The scan backward against central differences of a scan in double precision.
@Suite struct ScanGradientTests {
  private struct Numbers {
    var x, steps, B, C, A, D, bias: [Double]
  }

  private struct Size {
    let tokens, channels, states: Int

    var tiles: Int { (channels + 15) / 16 }

    func place(_ channel: Int, _ state: Int) -> Int {
      (channel / 16 * states + state) * 16 + channel % 16
    }
  }

  private static func outputs(_ n: Numbers, _ size: Size) -> [Double] {
    var state = [Double](repeating: 0, count: size.tiles * 16 * size.states)
    var outputs = [Double]()
    for token in 0..<size.tokens {
      for channel in 0..<size.channels {
        let index = token * size.channels + channel
        let step = log1p(exp(n.steps[index] + n.bias[channel]))
        var sum = n.D[channel] * n.x[index]
        for s in 0..<size.states {
          let place = size.place(channel, s)
          state[place] *= exp(step * n.A[place])
          state[place] += step * n.B[token * size.states + s] * n.x[index]
          sum += n.C[token * size.states + s] * state[place]
        }
        outputs.append(sum)
      }
    }
    return outputs
  }

  @Test(arguments: InstructionSet.all, [(1, 1, 1), (4, 16, 16), (5, 19, 3), (3, 33, 18)])
  func `derivatives equal central differences`(
    set: InstructionSet, shape: (tokens: Int, channels: Int, states: Int)
  ) throws {
    let kernels = try set.kernels
    let size = Size(tokens: shape.tokens, channels: shape.channels, states: shape.states)
    var random = Seeded(shape.tokens * 100 + shape.channels)
    let (wide, narrow) = (size.tokens * size.channels, size.tokens * size.states)
    let (x, steps) = (random.normals(wide), random.normals(wide))
    let (B, C) = (random.normals(narrow), random.normals(narrow))
    var A = [Float](repeating: 0, count: size.tiles * 16 * size.states)
    for channel in 0..<size.channels {
      for state in 0..<size.states {
        A[size.place(channel, state)] = -Float.random(in: 0.1...2, using: &random)
      }
    }
    let (D, bias) = (random.normals(size.channels), random.normals(size.channels))
    let dy = random.normals(wide)

    var inputs = x + steps + B + C + A + D + bias + dy
    let counts = [wide, wide, narrow, narrow, A.count, D.count, D.count]
    var outputs = [Float](repeating: 0, count: counts.reduce(wide, +))
    var scratch = [Float](repeating: .nan, count: (size.tokens + 1) * size.states * 16)
    let starts = counts.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
    try inputs.withUnsafeMutableBufferPointer { inputs in
      try outputs.withUnsafeMutableBufferPointer { outputs in
        let (from, to) = (try #require(inputs.baseAddress), try #require(outputs.baseAddress))
        let parts = starts.map { UnsafePointer(from) + $0 }
        var scan = vk_scan()
        (scan.x, scan.time_steps, scan.B, scan.C) = (parts[0], parts[1], parts[2], parts[3])
        (scan.A, scan.D, scan.time_step_bias) = (parts[4], parts[5], parts[6])
        (scan.x_stride, scan.time_step_stride) = (size.channels, size.channels)
        scan.parameter_stride = size.states
        let results = starts.map { to + $0 }
        var gradient = vk_scan_gradient()
        (gradient.x, gradient.time_steps, gradient.B, gradient.C) = (
          results[0], results[1], results[2], results[3]
        )
        (gradient.A, gradient.D, gradient.time_step_bias) = (results[4], results[5], results[6])
        gradient.y = results[7]
        kernels.selective_scan_gradient(
          &gradient, &scratch, &scan, from + starts[7], size.tokens, size.channels, size.states)
      }
    }

    let numbers = Numbers(
      x: x.map(Double.init), steps: steps.map(Double.init), B: B.map(Double.init),
      C: C.map(Double.init), A: A.map(Double.init), D: D.map(Double.init),
      bias: bias.map(Double.init))
    let y = Self.outputs(numbers, size)
    expectClose(Array(outputs[starts[7]...]), y) { 1e-5 * (1 + abs(y[$0])) }
    let members: [WritableKeyPath<Numbers, [Double]>] = [
      \.x, \.steps, \.B, \.C, \.A, \.D, \.bias,
    ]
    for (index, member) in members.enumerated() {
      let expected = numbers[keyPath: member].indices.map { place in
        let values = [1e-5, -1e-5].map { distance in
          var changed = numbers
          changed[keyPath: member][place] += distance
          return zip(Self.outputs(changed, size), dy).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
        return (values[0] - values[1]) / 2e-5
      }
      let largest = expected.reduce(0) { max($0, abs($1)) }
      // States and sums in single precision, and the error of the differences.
      expectClose(Array(outputs[starts[index]..<starts[index + 1]]), expected) { _ in
        2e-5 * largest + 1e-8
      }
    }
  }
}
