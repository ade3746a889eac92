extension String {
  /// Insertions, deletions and replacements that turn this text into another (Levenshtein).
  public func editDistance(to other: String) -> Int {
    let other = Array(other.utf8)
    var previous = Array(0...other.count)
    for (row, byte) in utf8.enumerated() {
      var current = [row + 1]
      for (column, otherByte) in other.enumerated() {
        current.append(
          Swift.min(
            previous[column] + (byte == otherByte ? 0 : 1), previous[column + 1] + 1,
            current[column] + 1))
      }
      previous = current
    }
    return previous.last ?? 0
  }
}
