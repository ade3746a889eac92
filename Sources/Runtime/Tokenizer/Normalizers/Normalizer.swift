/// How text between added tokens is changed before it is cut: a list of steps.
struct Normalizer: Sendable {
  enum Step: Sendable {
    case form(NormalForm)
    case lowercase
    /// Takes white space away at the two ends.
    case strip(left: Bool, right: Bool)
    case stripAccents
    /// Puts a text before a text that is not empty.
    case prepend([UInt8])
    case replace(TextPattern, with: [UInt8])
  }

  let steps: [Step]

  /// The text after all steps, and whether nothing was taken away from its start.
  func normalize(_ text: [UInt8]) -> (bytes: [UInt8], keepsStart: Bool) {
    var bytes = text
    var keepsStart = true
    for step in steps {
      switch step {
      case .form(let form): bytes = form.normalize(bytes)
      case .lowercase: bytes = Self.lowercase(bytes)
      case .strip(let left, let right):
        let kept = Self.stripped(bytes, left: left, right: right)
        if kept.lowerBound > 0 { keepsStart = false }
        bytes = Array(bytes[kept])
      case .stripAccents:
        let kept = Self.stripAccents(bytes)
        if kept.first != bytes.first { keepsStart = false }
        bytes = kept
      case .prepend(let prefix): if !bytes.isEmpty { bytes = prefix + bytes }
      case .replace(let pattern, let content):
        bytes = pattern.replaced(in: bytes, with: content)
      }
    }
    return (bytes, keepsStart)
  }

  /// Maps every character alone: a sigma at the end of a word becomes σ.
  private static func lowercase(_ bytes: [UInt8]) -> [UInt8] {
    var output = [UInt8]()
    output.reserveCapacity(bytes.count)
    forEachScalar(of: bytes) { scalar in
      if scalar.isASCII {
        let isUpper = ("A"..."Z").contains(scalar)
        output.append(UInt8(truncatingIfNeeded: isUpper ? scalar.value + 32 : scalar.value))
      } else {
        output += scalar.properties.lowercaseMapping.utf8
      }
    }
    return output
  }

  private static func stripped(_ bytes: [UInt8], left: Bool, right: Bool) -> Range<Int> {
    var (start, end) = (0, bytes.count)
    while left, start < end {
      let (scalar, length) = bytes.scalar(at: start)
      guard ScalarSet.spaces.contains(scalar) else { break }
      start += length
    }
    while right, end > start {
      let (scalar, length) = bytes.scalar(before: end)
      guard ScalarSet.spaces.contains(scalar) else { break }
      end -= length
    }
    return start..<end
  }

  private static func stripAccents(_ bytes: [UInt8]) -> [UInt8] {
    if bytes.allSatisfy({ $0 < 0xCC }) { return bytes }
    var output = [UInt8]()
    forEachScalar(of: bytes) { scalar in
      if !ScalarSet.isAccent(scalar) { output.append(scalar) }
    }
    return output
  }

  private static func forEachScalar(of bytes: [UInt8], _ body: (Unicode.Scalar) -> Void) {
    var index = 0
    while index < bytes.count {
      let (scalar, length) = bytes.scalar(at: index)
      body(scalar)
      index += length
    }
  }
}
