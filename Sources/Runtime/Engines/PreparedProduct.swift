import CKernels
import Quant

/// A product of tokens and an encoded matrix, made ready so that threads can compute parts of it.
///
/// Inputs of quantized matrices are rounded once, for all rows.
struct PreparedProduct {
  /// Up to so many tokens are multiplied in full precision without expanding the weights.
  private static let vectorTokens = 4
  /// Tokens that one task rounds.
  private static let tokensPerRounding = 16
  /// Bytes of rounded inputs that stay near while the weights go by.
  private static let nearBytes = 1 << 18
  /// Tokens that share one expansion.
  private static let tokensPerExpansion = 256

  private enum Method {
    /// Bytes by bytes.
    case bytes(any TileProduct, RoundedInputs)
    /// Three rows of digits for each token, whose products are added.
    case digits(any TileProduct, RoundedInputs)
    /// Encoded rows by floats.
    case rows(any RowProduct)
    /// Rows expanded to a buffer that stays in the cache, multiplied by OpenBLAS.
    case expanded
  }

  private let input: MatrixSlice
  private let weight: EncodedMatrix
  private let method: Method

  /// Rounds the inputs if the weights are multiplied by bytes.
  init(
    _ input: MatrixSlice, _ weight: EncodedMatrix, activations: ActivationPrecision,
    pool: ThreadPool
  ) {
    self.input = input
    self.weight = weight
    let isShort = input.rows <= Self.vectorTokens
    switch weight.encoding.product {
    case .tiles(let product) where activations.roundsProducts:
      method = .bytes(product, Self.rounded(input, weight, product, .byte, pool))
    case .tiles(let product) where isShort:
      method = .digits(product, Self.rounded(input, weight, product, .full, pool))
    case .rows(let product) where isShort:
      method = .rows(product)
    default:
      method = .expanded
    }
  }

  private static func rounded(
    _ input: MatrixSlice, _ weight: EncodedMatrix, _ product: any TileProduct,
    _ precision: RoundedInputs.Precision, _ pool: ThreadPool
  ) -> RoundedInputs {
    let inputs = RoundedInputs(
      tokens: input.rows, columns: input.columns.count, shape: product.inputShape,
      precision: precision, steps: product.columnSteps(of: weight),
      rotation: weight.encoding.rotation(columns: weight.columns))
    let parts = Parts(input.rows, size: tokensPerRounding)
    pool.run(parts.count) { part in
      unsafe input.withStart {
        unsafe inputs.round($0, stride: input.matrix.columns, tokens: parts[part])
      }
    }
    return inputs
  }

  /// Multiplications of the whole product.
  var operations: Int { input.rows * weight.rows * weight.columns }

  /// Tokens that one task should take.
  var tokenParts: Parts {
    switch method {
    case .bytes: Parts(input.rows, size: max(8, Self.nearBytes / max(1, weight.columns) / 8 * 8))
    case .digits, .rows: Parts(input.rows, size: max(1, input.rows))
    case .expanded: Parts(input.rows, size: Self.tokensPerExpansion)
    }
  }

  /// Writes the results of some tokens and rows, the first of which is a multiple of 16, from `output` on.
  ///
  /// - Parameter stride: from one token's results to the next one's.
  func multiply(
    tokens: Range<Int>, rows: Range<Int>, into output: UnsafeMutablePointer<Float>, stride: Int
  ) {
    switch method {
    case .bytes(let product, let inputs):
      unsafe product.multiply(
        weight, rows: rows, by: inputs, token: tokens.lowerBound, count: tokens.count,
        into: output, stride: stride)
    case .digits(let product, let inputs):
      unsafe multiplyDigits(product, inputs, tokens, rows, output, stride)
    case .rows(let product):
      unsafe input.withStart { start in
        for (index, token) in tokens.enumerated() {
          unsafe product.multiply(
            weight, rows: rows, by: start + token * input.matrix.columns,
            into: output + index * stride)
        }
      }
    case .expanded:
      unsafe multiplyExpanded(tokens, rows, output, stride)
    }
  }

  private func multiplyDigits(
    _ product: any TileProduct, _ inputs: RoundedInputs, _ tokens: Range<Int>, _ rows: Range<Int>,
    _ output: UnsafeMutablePointer<Float>, _ stride: Int
  ) {
    let digits = inputs.rowsPerToken
    let count = tokens.count * digits
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: count * rows.count) {
      products in
      guard let start = products.baseAddress else { return }
      unsafe product.multiply(
        weight, rows: rows, by: inputs, token: tokens.lowerBound, count: count, into: start,
        stride: rows.count)
      for token in 0..<tokens.count {
        let target = unsafe output + token * stride
        let parts = unsafe start + token * digits * rows.count
        // The lowest digits first: they are the smallest.
        unsafe target.update(from: parts + (digits - 1) * rows.count, count: rows.count)
        for digit in (0..<digits - 1).reversed() {
          unsafe vk_add(target, target, parts + digit * rows.count, rows.count)
        }
      }
    }
  }

  private func multiplyExpanded(
    _ tokens: Range<Int>, _ rows: Range<Int>, _ output: UnsafeMutablePointer<Float>, _ stride: Int
  ) {
    let expanded = weight.expanded(rows: rows)
    unsafe input.withStart { start in
      unsafe expanded.values.withUnsafeBufferPointer { weights in
        guard let right = weights.baseAddress else { return }
        unsafe MatrixProduct.multiplyTransposed(
          left: start + tokens.lowerBound * input.matrix.columns,
          leftStride: input.matrix.columns, right: right, rightStride: weight.columns,
          output: output, outputStride: stride, rows: tokens.count, columns: rows.count,
          inner: weight.columns, accumulating: false)
      }
    }
  }
}
