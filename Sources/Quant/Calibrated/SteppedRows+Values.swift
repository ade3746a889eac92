import CKernels

extension SteppedRows {
  /// The step of every group: `[rows, ⌈columns / groupColumns⌉]`.
  var steps: [Float] {
    var widened = [Float](repeating: 0, count: scales.count)
    unsafe vk_widen_f16(&widened, scales, scales.count)
    let groupsPerBlock = blockColumns / groupColumns
    return units.indices.map { index in
      let (row, group) = index.quotientAndRemainder(dividingBy: groups)
      return widened[row * blocks + group / groupsPerBlock] * Float(units[index])
    }
  }

  /// What the codes stand for.
  var expanded: [Float] {
    let steps = steps
    return codes.indices.map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      return steps[row * groups + column / groupColumns] * Float(codes[index])
    }
  }
}

/// Calls `body` with steps as kernels read them.
func withSteps(
  _ steps: [Float], of rows: SteppedRows, codes: ClosedRange<Int>, fromGroup group: Int = 0,
  _ body: (UnsafePointer<vk_steps>) -> Void
) {
  unsafe steps.withUnsafeBufferPointer { values in
    guard let start = values.baseAddress else { return }
    var shape = unsafe vk_steps(
      values: start + group, stride: rows.groups, columns: rows.groupColumns,
      smallest: Int32(codes.lowerBound), largest: Int32(codes.upperBound))
    unsafe body(&shape)
  }
}
