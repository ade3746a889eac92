public import Quant

/// The arithmetic that models are built of.
///
/// Layers say what is computed; an engine says how. `ReferenceEngine` is plain float32 Swift and defines the
/// results; `FastEngine` runs kernels on the encoded weights and must agree with it within the bound stated there.
/// Results of an engine never depend on its number of threads.
///
/// Shapes: activations are `[tokens, channels]`, weights `[outputs, inputs]`.
public protocol Engine: Sendable {
  /// `input · weightᵀ + bias`: `[tokens, weight.rows]`. The weight may be in any encoding.
  func linear(_ input: Matrix, _ weight: EncodedMatrix, bias: [Float]?) -> Matrix

  /// `weight ⊙ x / √(mean(x²) + epsilon)`, row by row.
  func rmsNormalize(_ input: Matrix, weight: [Float], epsilon: Float) -> Matrix

  /// `weight ⊙ (x − mean) / √(variance + epsilon) + bias`, row by row, with the biased variance.
  func layerNormalize(_ input: Matrix, weight: [Float], bias: [Float], epsilon: Float) -> Matrix

  /// Causal depthwise convolution over tokens, then SiLU.
  ///
  ///     y[t, c] = silu(bias[c] + Σ_j weight[c, j] · x[t − (k − 1) + j, c])
  ///
  /// - Parameters:
  ///   - weight: `[channels, k]`, row-major; index `k − 1` multiplies the newest token.
  ///   - history: the `k − 1` inputs before the first token, `[k − 1, channels]`, oldest first; replaced by the
  ///     last `k − 1` inputs seen.
  func causalConvolution(
    _ input: MatrixSlice, weight: [Float], bias: [Float]?, history: inout [Float]
  ) -> Matrix

  /// Depthwise 3×3 (or any odd `kernel`) convolution with zero padding over a `[height · width, channels]` grid, then SiLU.
  ///
  /// - Parameter weight: `[channels, kernel, kernel]`, row-major; cross-correlation, no flip.
  func gridConvolution(
    _ input: Matrix, height: Int, width: Int, kernel: Int, weight: [Float], bias: [Float]?
  ) -> Matrix

  /// The selective scan of Mamba-1; see `SelectiveScanParameters` for the recurrence.
  func selectiveScan(
    _ input: SelectiveScanInput, _ parameters: SelectiveScanParameters, state: inout [Float]
  ) -> Matrix

  /// The selective scan of Mamba-1 with the projection of the time step before it and the gate after it.
  func gatedSelectiveScan(
    _ input: GatedScanInput, _ parameters: SelectiveScanParameters, state: inout [Float]
  ) -> Matrix

  /// The scan of Mamba-2; see `StateSpaceParameters` for the recurrence.
  ///
  /// - Parameters:
  ///   - input: values `[tokens, heads · headWidth]`, time steps `[tokens, heads]`, B and C `[tokens, groups · states]`.
  ///   - state: `[heads, headWidth, states]`.
  func stateSpaceScan(
    _ input: SelectiveScanInput, _ parameters: StateSpaceParameters, state: inout [Float]
  ) -> Matrix

  /// The scan of Mamba-2 with the gate after it.
  func gatedStateSpaceScan(
    _ input: GatedStateSpaceInput, _ parameters: StateSpaceParameters, state: inout [Float]
  ) -> Matrix

  /// As `rmsNormalize`, with the mean taken over each of `groups` equal parts of a row.
  func rmsNormalize(_ input: Matrix, weight: [Float], groups: Int, epsilon: Float) -> Matrix

  /// Softmax attention of every query over every key, without mask: `[queries, heads · headWidth]`.
  ///
  /// Scores are scaled by `headWidth^−½`. Columns of a head are contiguous. `queries.rows` may differ from `keys.rows`.
  func attention(queries: Matrix, keys: Matrix, values: Matrix, heads: Int) -> Matrix

  /// Applies an activation to every element.
  func activate(_ input: Matrix, _ activation: Activation) -> Matrix

  /// `input ⊙ silu(gate)`.
  func gate(_ input: Matrix, by gate: Matrix) -> Matrix

  /// Logarithms of the softmax of every row, in float32 with the sum in double precision.
  func logSoftmax(_ logits: Matrix) -> Matrix
}

extension Engine {
  /// The convolution of a whole matrix.
  func causalConvolution(
    _ input: Matrix, weight: [Float], bias: [Float]?, history: inout [Float]
  ) -> Matrix {
    causalConvolution(input.slice, weight: weight, bias: bias, history: &history)
  }
}

/// Element-wise activations, spelled as in Hugging Face configurations.
public enum Activation: String, Codable, Sendable, CaseIterable {
  /// `x / 2 · (1 + erf(x / √2))`.
  case gelu
  /// `x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))`.
  case geluTanh = "gelu_pytorch_tanh"
  /// `x · sigmoid(1.702 x)`.
  case quickGelu = "quick_gelu"
  /// `x · sigmoid(x)`.
  case silu
}
