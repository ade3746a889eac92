import CKernels
import Foundation
import Testing

@Suite struct ConvolutionTests {
  static func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }

  @Test(
    arguments: InstructionSet.all,
    [(1, 1, 1), (1, 5, 4), (7, 16, 4), (3, 33, 4), (9, 40, 2), (2, 17, 66), (70, 3, 65)])
  func `causal convolution sees the history, then the tokens`(
    set: InstructionSet, size: (tokens: Int, channels: Int, kernel: Int)
  ) throws {
    let kernels = try set.kernels
    let (tokens, channels, kernel) = size
    var random = Seeded(tokens * channels + kernel)
    let weight = random.normals(channels * kernel), bias = random.normals(channels)
    for (margin, xMargin) in [(0, 0), (0, 7), (20, 0), (3, 1)] {
      // Between the channels of one token and the next lies what must neither be read nor written.
      let stride = channels + margin, xStride = channels + xMargin
      let x = random.normals((tokens - 1) * xStride + channels)
      let history = random.normals(max(0, (kernel - 2) * stride + channels))
      for withBias in [true, false] {
        let found = filled((tokens - 1) * stride + channels) { out in
          for index in 0..<(tokens - 1) * stride + channels { out[index] = -1 }
          kernels.causal_convolution_silu(
            out, stride, x, xStride, weight, withBias ? bias : nil, history, tokens, channels,
            kernel)
        }
        let truth = Self.causalTruth(
          tokens: tokens, channels: channels, kernel: kernel, weight: weight,
          bias: withBias ? bias : nil
        ) { place, channel in
          place < kernel - 1
            ? history[place * stride + channel] : x[(place - kernel + 1) * xStride + channel]
        }
        let written = found.indices.filter { $0 % stride < channels }
        // The slope of silu is at most 1.1.
        let roundings = Double(2 * kernel + 10) * unitRoundoff
        expectClose(written.map { found[$0] }, truth.outputs) { roundings * truth.magnitudes[$0] }
        #expect(found.indices.allSatisfy { $0 % stride < channels || found[$0] == -1 })
      }
    }
  }

  /// Outputs in double precision, and for each the sum of magnitudes behind it; `input` counts places from the oldest of
  /// the history on.
  private static func causalTruth(
    tokens: Int, channels: Int, kernel: Int, weight: [Float], bias: [Float]?,
    input: (_ place: Int, _ channel: Int) -> Float
  ) -> (outputs: [Double], magnitudes: [Double]) {
    var outputs = [Double](), magnitudes = [Double]()
    for token in 0..<tokens {
      for channel in 0..<channels {
        var sum = bias.map { Double($0[channel]) } ?? 0, magnitude = abs(sum)
        for tap in 0..<kernel {
          let product =
            Double(weight[channel * kernel + tap]) * Double(input(token + tap, channel))
          sum += product
          magnitude += abs(product)
        }
        outputs.append(silu(sum))
        magnitudes.append(magnitude)
      }
    }
    return (outputs, magnitudes)
  }

  @Test(
    arguments: InstructionSet.all,
    [(1, 1, 1, 3), (2, 3, 5, 3), (5, 4, 16, 3), (6, 7, 35, 3), (3, 4, 18, 5), (4, 3, 17, 9)])
  func `grid convolution pads with zeros`(
    set: InstructionSet, size: (height: Int, width: Int, channels: Int, kernel: Int)
  ) throws {
    let kernels = try set.kernels
    let (height, width, channels, kernel) = size
    let count = height * width * channels
    var random = Seeded(count + kernel)
    let x = random.normals(count), weight = random.normals(channels * kernel * kernel)
    let bias = random.normals(channels)
    let found = filled(count) {
      kernels.grid_convolution_silu($0, x, weight, bias, height, width, channels, kernel)
    }
    var truth = [Double](), magnitudes = [Double]()
    for row in 0..<height {
      for column in 0..<width {
        for channel in 0..<channels {
          var sum = Double(bias[channel]), magnitude = abs(sum)
          for i in 0..<kernel {
            for j in 0..<kernel {
              let (y, z) = (row + i - kernel / 2, column + j - kernel / 2)
              guard (0..<height).contains(y), (0..<width).contains(z) else { continue }
              let product =
                Double(weight[(channel * kernel + i) * kernel + j])
                * Double(x[(y * width + z) * channels + channel])
              sum += product
              magnitude += abs(product)
            }
          }
          truth.append(Self.silu(sum))
          magnitudes.append(magnitude)
        }
      }
    }
    let roundings = Double(2 * kernel * kernel + 10) * unitRoundoff
    expectClose(found, truth) { roundings * magnitudes[$0] }
    let plain = filled(count) {
      kernels.grid_convolution_silu($0, x, weight, nil, height, width, channels, kernel)
    }
    let zeroBias = [Float](repeating: 0, count: channels)
    let same = filled(count) {
      kernels.grid_convolution_silu($0, x, weight, zeroBias, height, width, channels, kernel)
    }
    #expect(plain == same)
  }
}
