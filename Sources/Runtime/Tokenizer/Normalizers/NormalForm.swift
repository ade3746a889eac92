/// The normal forms of text held as UTF-8 (Unicode Standard Annex 15).
///
/// Foundation's own forms take quadratic time in the number of changes and order marks by newer tables than the
/// `tokenizers` library does, which changes ids.
enum NormalForm: String {
  case composed = "NFC"
  case decomposed = "NFD"
  case compatibilityComposed = "NFKC"
  case compatibilityDecomposed = "NFKD"

  fileprivate var composes: Bool { self == .composed || self == .compatibilityComposed }

  fileprivate var isCompatible: Bool {
    self == .compatibilityComposed || self == .compatibilityDecomposed
  }

  /// The form of well-formed text.
  ///
  /// - Complexity: O(n log n) for n bytes.
  func normalize(_ bytes: [UInt8]) -> [UInt8] {
    // Characters below U+0300, whose first byte is CC, neither compose with each other nor change in form C; those
    // of ASCII are the same in all forms.
    let limit: UInt8 = self == .composed ? 0xCC : 0x80
    if bytes.allSatisfy({ $0 < limit }) { return bytes }
    var composer = CanonicalComposer(self)
    var index = 0
    while index < bytes.count {
      let (scalar, length) = bytes.scalar(at: index)
      composer.append(scalar)
      index += length
    }
    return composer.finish()
  }
}

/// Decomposes, orders and composes; holds one starter with the marks after it at a time.
private struct CanonicalComposer {
  private typealias Mark = (order: UInt8, scalar: Unicode.Scalar)

  private let tables = CanonicalTables.shared
  private let compatible: [Unicode.Scalar: [Unicode.Scalar]]
  private let composes: Bool
  private var output = [UInt8]()
  private var starter: Unicode.Scalar?
  private var marks = [Mark]()

  init(_ form: NormalForm) {
    compatible = form.isCompatible ? CanonicalTables.compatible : [:]
    composes = form.composes
  }

  mutating func append(_ scalar: Unicode.Scalar) {
    if scalar.value < 0xA0 {
      appendDecomposed(scalar)
    } else if let syllable = HangulSyllable(scalar) {
      for letter in syllable.letters { appendDecomposed(letter) }
    } else if let parts = compatible[scalar] ?? tables.decompositions[scalar] {
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
    if composes, let first = starter, marks.isEmpty, let composite = tables.composite(first, scalar)
    {
      starter = composite
    } else {
      flush()
      starter = scalar
    }
  }

  /// Puts the marks in order and lets the starter take those it can.
  private mutating func composeMarks() {
    sortMarks()
    guard composes, var base = starter else { return }
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

  private mutating func write(_ scalar: Unicode.Scalar) { output.append(scalar) }
}
