/// A text that pre-tokenizers have cut so far.
struct Pieces {
  private(set) var bytes: [UInt8]
  /// None is empty, and they are in order.
  private(set) var ranges: [Range<Int>]
  /// Nothing of the original text lies before the first piece.
  private(set) var startsText: Bool

  init(_ bytes: [UInt8], _ range: Range<Int>, startsText: Bool) {
    self.bytes = bytes
    ranges = range.isEmpty ? [] : [range]
    self.startsText = startsText
  }

  /// Replaces every piece by parts of it.
  mutating func cut(_ cutter: inout some TextCutter) {
    let first = ranges.first?.lowerBound
    var parts = [Range<Int>]()
    parts.reserveCapacity(2 * ranges.count)
    for range in ranges { cutter.cut(bytes, range, into: &parts) }
    ranges = parts
    if ranges.first?.lowerBound != first { startsText = false }
  }

  /// Writes every piece anew; one that becomes empty is dropped.
  ///
  /// - Parameter write: gets the text, a piece and whether it starts the text, and appends what takes its place.
  mutating func rewrite(_ write: ([UInt8], Range<Int>, Bool, inout [UInt8]) -> Void) {
    var output = [UInt8]()
    output.reserveCapacity(bytes.count + ranges.count)
    for index in ranges.indices {
      let start = output.count
      write(bytes, ranges[index], index == 0 && startsText, &output)
      ranges[index] = start..<output.count
    }
    ranges.removeAll { $0.isEmpty }
    bytes = output
  }
}

/// Cuts a part of a text into parts, none of which is empty.
protocol TextCutter {
  mutating func cut(_ bytes: [UInt8], _ range: Range<Int>, into parts: inout [Range<Int>])
}
