import CKernels

/// Rows or columns of a part of a matrix, shared out among classes; the bytes of a class are brought together.
struct LineClasses: Equatable {
  /// Which lines the classes are of.
  enum Axis: UInt8, CaseIterable {
    case rows = 0
    case columns = 1
  }

  let axis: Axis
  let part: MatrixPart
  /// There are two to the power of this many classes.
  let bits: Int
  /// The class of each line.
  let numbers: [UInt8]
  /// Bytes of each class.
  let lengths: [Int]

  /// Nothing if a class has no bytes.
  ///
  /// - Precondition: there is a number for each line, of no more than `bits` bits.
  init?(_ axis: Axis, of part: MatrixPart, bits: Int, numbers: [UInt8]) {
    precondition(numbers.count == Self.lineCount(axis, of: part))
    var lengths = [Int](repeating: 0, count: 1 << bits)
    for (line, number) in numbers.enumerated() {
      lengths[Int(number)] += Self.byteCount(axis, of: part, line)
    }
    guard lengths.allSatisfy({ $0 > 0 }) else { return nil }
    (self.axis, self.part, self.bits) = (axis, part, bits)
    (self.numbers, self.lengths) = (numbers, lengths)
  }

  /// How many lines a part has.
  static func lineCount(_ axis: Axis, of part: MatrixPart) -> Int {
    axis == .rows ? part.rowCount : part.width
  }

  /// How many bytes a line has.
  static func byteCount(_ axis: Axis, of part: MatrixPart, _ line: Int) -> Int {
    axis == .rows ? part.bytes(ofRow: line).count : part.byteCount(ofColumn: line)
  }

  /// The bytes of the part class by class, each class in the order of the part.
  func arrange(_ bytes: [UInt8]) -> [UInt8] {
    var result = [UInt8]()
    result.reserveCapacity(bytes.count)
    for (lines, length) in zip(lines, lengths) {
      switch axis {
      case .rows: for row in lines { result += bytes[part.bytes(ofRow: Int(row))] }
      case .columns:
        result += unsafe [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
          guard let out = buffer.baseAddress else { return }
          count = unsafe vk_take_columns(
            out, bytes, bytes.count, part.width, part.firstColumn, lines, lines.count)
        }
      }
    }
    return result
  }

  /// The reverse of `arrange`.
  func restore(_ arranged: [UInt8]) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: arranged.count)
    var taken = 0
    for lines in lines {
      switch axis {
      case .rows:
        for row in lines {
          let range = part.bytes(ofRow: Int(row))
          result.replaceSubrange(range, with: arranged[taken..<taken + range.count])
          taken += range.count
        }
      case .columns:
        unsafe arranged.withUnsafeBufferPointer { source in
          guard let start = source.baseAddress else { return }
          unsafe taken += vk_put_columns(
            &result, result.count, start + taken, part.width, part.firstColumn, lines, lines.count)
        }
      }
    }
    return result
  }

  /// The lines of each class.
  private var lines: [[UInt32]] {
    var lines = [[UInt32]](repeating: [], count: lengths.count)
    for (line, number) in numbers.enumerated() { lines[Int(number)].append(UInt32(line)) }
    return lines
  }
}
