import CKernels
import Quant

/// Derivatives through single operations, from those in the outputs.
enum GradientLoops {
  /// Through SiLU.
  static func silu(_ input: Matrix, _ outputs: Matrix) -> Matrix {
    var result = Matrix(rows: input.rows, columns: input.columns)
    unsafe vk_silu_gradient(&result.values, input.values, outputs.values, input.values.count)
    return result
  }

  /// Through a normalization by the root mean square.
  static func rmsNormalization(
    _ input: Matrix, weight: [Float], epsilon: Float, _ outputs: Matrix
  ) -> (input: Matrix, weight: Matrix) {
    var result = Matrix(rows: input.rows, columns: input.columns)
    var weights = Matrix(rows: 1, columns: input.columns)
    unsafe vk_rms_gradient(
      &result.values, &weights.values, input.values, weight, outputs.values, epsilon, input.rows,
      input.columns)
    return (result, weights)
  }

  /// Through a causal convolution and SiLU, from a history of zeros.
  static func causalConvolution(
    _ input: Matrix, weight: [Float], bias: [Float]?, _ outputs: Matrix
  ) -> (input: Matrix, weight: Matrix, bias: Matrix) {
    let channels = input.columns
    let kernel = weight.count / max(1, channels)
    var result = Matrix(rows: input.rows, columns: channels)
    var weights = Matrix(rows: channels, columns: kernel)
    var biases = Matrix(rows: 1, columns: channels)
    unsafe vk_causal_convolution_silu_gradient(
      &result.values, &weights.values, &biases.values, input.values, weight, bias, outputs.values,
      input.rows, channels, kernel)
    return (result, weights, biases)
  }

  /// The divergence of each row's predictions from the reference's, all together, and its derivatives in the logits.
  ///
  /// - Parameters:
  ///   - model: log-probabilities; replaced by the derivatives of the divergence times `weight` in the logits.
  ///   - reference: log-probabilities of the reference.
  static func divergence(_ model: inout Matrix, from reference: Matrix, weight: Float) -> Double {
    var sum = 0.0
    let columns = model.columns
    unsafe model.values.withUnsafeMutableBufferPointer { model in
      unsafe reference.values.withUnsafeBufferPointer { expected in
        guard let model = model.baseAddress, let expected = expected.baseAddress else { return }
        for row in 0..<reference.rows {
          let start = row * columns
          sum += unsafe vk_divergence_gradient(
            model + start, model + start, expected + start, weight, columns)
        }
      }
    }
    return sum
  }
}
