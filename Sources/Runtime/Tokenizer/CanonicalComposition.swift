/// Normalization form C of text held as UTF-8 (Unicode Standard Annex 15).
///
/// Foundation's own form takes quadratic time in the number of changes and orders marks by newer tables than the
/// `tokenizers` library does, which changes ids.
enum CanonicalComposition {
  /// The composed form of well-formed text.
  ///
  /// - Complexity: O(n log n) for n bytes.
  static func compose(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    // Characters below U+0300, whose first byte is CC, neither compose with each other nor decompose.
    if bytes.allSatisfy({ $0 < 0xCC }) { return Array(bytes) }
    var composer = CanonicalComposer()
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars { composer.append(scalar) }
    return composer.finish()
  }
}

/// Decomposes, orders and composes; holds one starter with the marks after it at a time.
private struct CanonicalComposer {
  private typealias Mark = (order: UInt8, scalar: Unicode.Scalar)

  private let tables = CanonicalTables.shared
  private var output = [UInt8]()
  private var starter: Unicode.Scalar?
  private var marks = [Mark]()

  mutating func append(_ scalar: Unicode.Scalar) {
    if scalar.value < 0xC0 {
      appendDecomposed(scalar)
    } else if let syllable = HangulSyllable(scalar) {
      for letter in syllable.letters { appendDecomposed(letter) }
    } else if let parts = tables.decompositions[scalar] {
      for part in parts { append(part) }
    } else {
      appendDecomposed(scalar)
    }
  }

  mutating func finish() -> [UInt8] {
    flush()
    return output
  }

  private mutating func appendDecomposed(_ scalar: Unicode.Scalar) {
    let order = CanonicalTables.combiningClass(scalar)
    guard order == 0 else {
      marks.append((order, scalar))
      return
    }
    if !marks.isEmpty { composeMarks() }
    // What composing left over stands between the two starters.
    if let first = starter, marks.isEmpty, let composite = tables.composite(first, scalar) {
      starter = composite
    } else {
      flush()
      starter = scalar
    }
  }

  /// Puts the marks in order and lets the starter take those it can.
  private mutating func composeMarks() {
    sortMarks()
    guard var base = starter else { return }
    var kept = [Mark]()
    for mark in marks {
      let isBlocked = kept.last.map { $0.order >= mark.order } ?? false
      if !isBlocked, let composite = tables.composite(base, mark.scalar) {
        base = composite
      } else {
        kept.append(mark)
      }
    }
    starter = base
    marks = kept
  }

  /// Sorts by class; marks of one class keep their order.
  private mutating func sortMarks() {
    guard marks.count > 1 else { return }
    let keys = marks.enumerated().map { ($1.order, $0) }.sorted(by: <)
    marks = keys.map { marks[$0.1] }
  }

  private mutating func flush() {
    if !marks.isEmpty { composeMarks() }
    if let starter { write(starter) }
    for mark in marks { write(mark.scalar) }
    starter = nil
    marks.removeAll(keepingCapacity: true)
  }

  private mutating func write(_ scalar: Unicode.Scalar) {
    if scalar.isASCII {
      output.append(UInt8(truncatingIfNeeded: scalar.value))
    } else {
      output.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
  }
}
