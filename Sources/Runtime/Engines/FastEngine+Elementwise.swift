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
    var output = Matrix(rows: input.rows, columns: input.columns)
    output.values.withDisjointWriter { writer in
      pool.run((input.rows + Self.rowsPerTask - 1) / Self.rowsPerTask) { task in
        let first = task * Self.rowsPerTask
        unsafe input.values.withUnsafeBufferPointer { values in
          guard let start = values.baseAddress else { return }
          unsafe body(
            writer.start + first * input.columns, start + first * input.columns,
            min(Self.rowsPerTask, input.rows - first))
        }
      }
    }
    return output
  }

  private func mapElements(
    _ input: Matrix, _ body: (UnsafeMutablePointer<Float>, _ first: Int, _ count: Int) -> Void
  ) -> Matrix {
    var output = Matrix(rows: input.rows, columns: input.columns)
    let total = input.values.count
    output.values.withDisjointWriter { writer in
      pool.run((total + Self.elementsPerTask - 1) / Self.elementsPerTask) { task in
        let first = task * Self.elementsPerTask
        unsafe body(writer.start + first, first, min(Self.elementsPerTask, total - first))
      }
    }
    return output
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
