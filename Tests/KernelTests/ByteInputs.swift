import CKernels

/// Inputs as bytes with scales, made by a kernel, in arrays of just the size that is documented.
struct ByteInputs {
  /// What a product expects.
  struct Shape {
    let scaleColumns: Int
    let offsetColumns: Int
    let offset: Int

    static let q4 = Shape(scaleColumns: 32, offsetColumns: 16, offset: 8)

    static func codes(groupSize: Int, offset: Int) -> Shape {
      let shared = min(groupSize, 32)
      return Shape(scaleColumns: shared, offsetColumns: shared, offset: offset)
    }
  }

  /// Rows that lie together.
  private static let bundle = 8

  let rows: Int
  let columns: Int
  let padded: Int
  let shape: Shape
  let codes: [Int8]
  let offsets: [Int32]
  let scales: [Float]

  /// Takes `tokens` rows of `columns` inputs that are `stride` apart, each as one row of bytes or as one for each digit.
  init(
    _ kernels: vk_table, _ x: [Float], stride: Int? = nil, steps: [UInt16]? = nil, tokens: Int,
    columns: Int, shape: Shape, isSplit: Bool = false
  ) {
    self.columns = columns
    self.shape = shape
    let padded = (columns + 15) / 16 * 16
    self.padded = padded
    let rows = isSplit ? 3 * tokens : tokens
    self.rows = rows
    let sums = rows * ((padded + shape.offsetColumns - 1) / shape.offsetColumns)
    let groups = rows * ((padded + shape.scaleColumns - 1) / shape.scaleColumns)
    let round = isSplit ? kernels.split_inputs : kernels.round_inputs
    var codes = [Int8](), offsets = [Int32]()
    scales = filled(groups) { scales in
      offsets = filled(sums) { offsets in
        codes = filled(rows * padded) { codes in
          if let steps {
            round?(
              codes, offsets, scales, x, stride ?? columns, steps, tokens, columns,
              shape.scaleColumns, shape.offsetColumns, Int32(shape.offset))
          } else {
            round?(
              codes, offsets, scales, x, stride ?? columns, nil, tokens, columns,
              shape.scaleColumns, shape.offsetColumns, Int32(shape.offset))
          }
        }
      }
    }
    self.codes = codes
    self.offsets = offsets
  }

  var groups: Int { (padded + shape.scaleColumns - 1) / shape.scaleColumns }
  var sums: Int { (padded + shape.offsetColumns - 1) / shape.offsetColumns }

  /// Where element `index` of a row is that has `count` of them; `together` elements of a row lie side by side.
  private func place(_ row: Int, _ index: Int, of count: Int, together: Int = 1) -> Int {
    let first = row / Self.bundle * Self.bundle
    let width = min(Self.bundle, rows - first)
    return first * count + (index / together * width + row - first) * together + index % together
  }

  func code(_ row: Int, _ column: Int) -> Int {
    Int(codes[place(row, column, of: padded, together: 4)])
  }

  func offset(_ row: Int, _ sum: Int) -> Int { Int(offsets[place(row, sum, of: sums)]) }

  func scale(_ row: Int, _ column: Int) -> Float {
    scales[place(row, column / shape.scaleColumns, of: groups)]
  }

  func withInputs(_ body: (UnsafePointer<vk_inputs>) -> Void) {
    codes.withUnsafeBufferPointer { codes in
      offsets.withUnsafeBufferPointer { offsets in
        scales.withUnsafeBufferPointer { scales in
          var inputs = vk_inputs(
            codes: codes.baseAddress, offsets: offsets.baseAddress, scales: scales.baseAddress)
          withUnsafePointer(to: &inputs, body)
        }
      }
    }
  }
}
