import CKernels
import Foundation

extension LineClasses {
  /// 8 or 4 classes are tried. The frequencies of more would cost more than they bring in a block.
  private static let triedBits = [3, 2]

  /// The classes with which rANS would take fewest bytes, or nothing if it would take fewer without.
  static func best(for bytes: [UInt8], of part: MatrixPart) -> LineClasses? {
    let candidates = Axis.allCases.flatMap { axis in
      let ranks = ranks(lineSizes(axis, of: part, bytes))
      return triedBits.compactMap { bits in
        // Classes of equally many lines, from the smallest codes to the largest.
        LineClasses(
          axis, of: part, bits: bits, numbers: ranks.map { UInt8(($0 << bits) / ranks.count) })
      }
    }
    let estimates = candidates.map { ($0, size: $0.estimatedSize(of: bytes)) }
    guard let best = estimates.min(by: { $0.size < $1.size }),
      best.size < estimatedSize(ofRuns: [counted(bytes[...])])
    else { return nil }
    return best.0
  }

  /// The mean size of the codes of each line, in 256ths.
  private static func lineSizes(_ axis: Axis, of part: MatrixPart, _ bytes: [UInt8]) -> [Int] {
    var sums = [Int](repeating: 0, count: lineCount(axis, of: part))
    for row in 0..<part.rowCount {
      let range = part.bytes(ofRow: row)
      var column = row == 0 ? part.firstColumn : 0
      var sum = 0
      for index in range {
        let size = Int(Int8(bitPattern: bytes[index]).magnitude)
        sum += size
        if axis == .columns { sums[column] += size }
        column += 1
      }
      if axis == .rows { sums[row] = sum }
    }
    return sums.enumerated().map { line, sum in
      sum * 256 / max(1, byteCount(axis, of: part, line))
    }
  }

  /// The places of sizes in their order, equals in that of the lines.
  private static func ranks(_ sizes: [Int]) -> [Int] {
    var ranks = [Int](repeating: 0, count: sizes.count)
    let ordered = sizes.indices.sorted { (sizes[$0], $0) < (sizes[$1], $1) }
    for (rank, line) in ordered.enumerated() { ranks[line] = rank }
    return ranks
  }

  private func estimatedSize(of bytes: [UInt8]) -> Double {
    let arranged = arrange(bytes)
    var start = 0
    let runs = lengths.map { length in
      defer { start += length }
      return Self.counted(arranged[start..<start + length])
    }
    return Double(ClassedRANS.headerSize(lines: numbers.count, bits: bits))
      + Self.estimatedSize(ofRuns: runs)
  }

  private static func counted(_ bytes: ArraySlice<UInt8>) -> [UInt32] {
    var counts = [UInt32](repeating: 0, count: 256)
    unsafe bytes.withUnsafeBufferPointer {
      unsafe vk_count_bytes(&counts, $0.baseAddress, $0.count)
    }
    return counts
  }

  /// The entropy of runs and about what their frequencies take.
  private static func estimatedSize(ofRuns runs: [[UInt32]]) -> Double {
    runs.reduce(0) { size, counts in
      let total = Double(counts.reduce(0, +))
      return counts.reduce(size) { size, count in
        guard count > 0 else { return size }
        // A frequency takes a byte, or two from a 32nd of all on.
        let frequencyBytes = Double(count) * 32 < total ? 1.0 : 2
        return size + Double(count) * log2(total / Double(count)) / 8 + frequencyBytes
      }
    }
  }
}
