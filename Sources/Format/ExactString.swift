/// A string that is compared byte by byte.
///
/// `String` compares by canonical equivalence: "é" in one and in two code points is the same key to it. Names in
/// files (tensors, vocabulary entries) are different when their bytes are.
public struct ExactString: Hashable, Comparable, Sendable, ExpressibleByStringLiteral,
  CustomStringConvertible
{
  /// The text.
  public let text: String

  /// Wraps a text.
  public init(_ text: String) { self.text = text }

  /// Wraps a literal.
  public init(stringLiteral value: String) { text = value }

  /// The text.
  public var description: String { text }

  /// Whether the UTF-8 bytes are equal.
  public static func == (left: Self, right: Self) -> Bool {
    var (left, right) = (left.text, right.text)
    return left.withUTF8 { left in
      right.withUTF8 { right in
        unsafe left.count == right.count && left.elementsEqual(right)
      }
    }
  }

  /// Whether the UTF-8 bytes of `left` sort before those of `right`.
  public static func < (left: Self, right: Self) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }

  /// Feeds the UTF-8 bytes.
  public func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    hasher.combine(UInt8(0xff))
  }
}
