internal import Foundation

/// Normalization form C of text held as UTF-8 (Unicode Standard Annex 15).
enum CanonicalComposition {
  /// Runs of combining marks up to this length are left to Foundation, whose sorting takes quadratic time.
  private static let longestUnsortedRun = 32

  /// The composed form of a piece of well-formed text.
  static func compose(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    // Characters below U+0300, whose first byte is CC, neither compose with each other nor decompose.
    if bytes.allSatisfy({ $0 < 0xCC }) { return Array(bytes) }
    let text = sortingLongRuns(String(decoding: bytes, as: UTF8.self))
    return Array(text.precomposedStringWithCanonicalMapping.utf8)
  }

  /// Puts long runs of combining marks into canonical order, which leaves the text canonically equivalent.
  private static func sortingLongRuns(_ text: String) -> String {
    var sorted = String.UnicodeScalarView()
    var run = [Unicode.Scalar]()
    var hasLongRun = false
    func order(_ scalar: Unicode.Scalar) -> UInt8 {
      scalar.value < 0x300 ? 0 : scalar.properties.canonicalCombiningClass.rawValue
    }
    func flush() {
      if run.count > longestUnsortedRun {
        hasLongRun = true
        let keys = run.enumerated().map { (order($1), $0) }.sorted(by: <)
        sorted.append(contentsOf: keys.map { run[$0.1] })
      } else {
        sorted.append(contentsOf: run)
      }
      run.removeAll(keepingCapacity: true)
    }
    for scalar in text.unicodeScalars {
      if order(scalar) == 0 {
        if !run.isEmpty { flush() }
        sorted.append(scalar)
      } else {
        run.append(scalar)
      }
    }
    flush()
    return hasLongRun ? String(sorted) : text
  }
}
