/// A set of byte strings, for finding the longest one that starts at a place.
struct TokenTrie {
  private var children = [UInt64: Int]()
  /// The value of the string that ends at a node. Node 0 is the root.
  private var values: [Int?] = [nil]
  private var startsHere = [Bool](repeating: false, count: 256)

  var isEmpty: Bool { values.count == 1 }

  /// Adds a string that is not empty; false if it is there already.
  mutating func insert(_ bytes: [UInt8], value: Int) -> Bool {
    guard let first = bytes.first else { return false }
    startsHere[Int(first)] = true
    var node = 0
    for byte in bytes {
      let edge = Self.edge(node, byte)
      if let child = children[edge] {
        node = child
      } else {
        children[edge] = values.count
        node = values.count
        values.append(nil)
      }
    }
    guard values[node] == nil else { return false }
    values[node] = value
    return true
  }

  /// The value and the end of the longest string that starts at an index.
  func longestMatch(in bytes: [UInt8], at start: Int) -> (value: Int, end: Int)? {
    guard startsHere[Int(bytes[start])] else { return nil }
    var node = 0
    var longest: (value: Int, end: Int)?
    for index in start..<bytes.count {
      guard let child = children[Self.edge(node, bytes[index])] else { break }
      node = child
      if let value = values[node] { longest = (value, index + 1) }
    }
    return longest
  }

  private static func edge(_ node: Int, _ byte: UInt8) -> UInt64 {
    UInt64(truncatingIfNeeded: node) << 8 | UInt64(byte)
  }
}
