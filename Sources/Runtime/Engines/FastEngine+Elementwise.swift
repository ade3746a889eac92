import CKernels
public import Quant

extension FastEngine {
  /// Rows that one task takes in operations that go row by row.
  private static let rowsPerTask = 64
  /// Elements that one task takes in operations that go element by element.
  private static let elementsPerTask = 1 << 15

  /// See `Engine`.
  public func rmsNormalize(_ input: Matrix, weight: [Float], epsilon: Float) -> Matrix {
    unsafe mapRows(input) { output, values, rows in
      unsafe vk_rms_normalize(output, values, weight, epsilon, rows, input.columns)
    }
  }

  /// See `Engine`.
  public func layerNormalize(
    _ input: Matrix, weight: [Float], bias: [Float], epsilon: Float
  ) -> Matrix {
    unsafe mapRows(input) { output, values, rows in
      unsafe vk_layer_normalize(output, values, weight, bias, epsilon, rows, input.columns)
    }
  }

  /// See `Engine`.
  public func logSoftmax(_ logits: Matrix) -> Matrix {
    unsafe mapRows(logits) { output, values, rows in
      unsafe vk_log_softmax_rows(output, values, rows, logits.columns)
    }
  }

  /// See `Engine`.
  public func activate(_ input: Matrix, _ activation: Activation) -> Matrix {
    unsafe mapElements(input) { output, first, count in
      unsafe input.values.withUnsafeBufferPointer { values in
        guard let start = values.baseAddress else { return }
        unsafe vk_activate(output, start + first, activation.kernel, count)
      }
    }
  }

  /// See `Engine`.
  public func gate(_ input: Matrix, by gate: Matrix) -> Matrix {
    unsafe mapElements(input) { output, first, count in
      unsafe input.values.withUnsafeBufferPointer { values in
        unsafe gate.values.withUnsafeBufferPointer { gates in
          guard let value = values.baseAddress, let gate = gates.baseAddress else { return }
          unsafe vk_gate_silu(output, value + first, gate + first, count)
        }
      }
    }
  }

  private func mapRows(
    _ input: Matrix,
    _ body: (UnsafeMutablePointer<Float>, UnsafePointer<Float>, _ rows: Int) -> Void
  ) -> Matrix {
    let parts = Parts(input.rows, size: Self.rowsPerTask)
    return Matrix(rows: input.rows, columns: input.columns) { writer in
      pool.run(parts.count) { part in
        let first = parts[part].lowerBound * input.columns
        unsafe input.slice.withStart { start in
          unsafe body(writer.start + first, start + first, parts[part].count)
        }
      }
    }
  }

  private func mapElements(
    _ input: Matrix, _ body: (UnsafeMutablePointer<Float>, _ first: Int, _ count: Int) -> Void
  ) -> Matrix {
    let parts = Parts(input.values.count, size: Self.elementsPerTask)
    return Matrix(rows: input.rows, columns: input.columns) { writer in
      pool.run(parts.count) { part in
        let first = parts[part].lowerBound
        unsafe body(writer.start + first, first, parts[part].count)
      }
    }
  }
}

extension Activation {
  /// The kernel's number for this activation.
  fileprivate var kernel: Int32 {
    switch self {
    case .gelu: Int32(VK_GELU.rawValue)
    case .geluTanh: Int32(VK_GELU_TANH.rawValue)
    case .quickGelu: Int32(VK_QUICK_GELU.rawValue)
    case .silu: Int32(VK_SILU.rawValue)
    }
  }
}
