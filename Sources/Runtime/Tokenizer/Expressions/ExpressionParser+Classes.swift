/// Classes and escapes.
extension ExpressionParser {
  /// What an escape or a character of a class stands for; a single character can start or end a range.
  typealias Member = (set: ScalarSet, single: Unicode.Scalar?)

  /// The rest of a class, after its bracket.
  mutating func characterClass() throws(ExpressionFault) -> ScalarSet {
    let isNegated = take("^")
    var set = ScalarSet()
    var isEmpty = true
    while !take("]") {
      let next = try classMember()
      guard let union = set.union(next) else { throw ExpressionFault(part: "[") }
      set = union
      isEmpty = false
    }
    guard !isEmpty else { throw ExpressionFault(part: "[]") }
    return isNegated ? set.inverted : set
  }

  private mutating func classMember() throws(ExpressionFault) -> ScalarSet {
    let (set, single) = try classCharacter()
    guard scalars.first == "-", scalars.dropFirst().first != "]", let first = single else {
      return set
    }
    scalars.removeFirst()
    guard let last = try classCharacter().single, first <= last else {
      throw ExpressionFault(part: "\(first)-")
    }
    return ScalarSet(ranges: [first.value...last.value])
  }

  private mutating func classCharacter() throws(ExpressionFault) -> Member {
    guard let first = scalars.first else { throw ExpressionFault(part: "a class without end") }
    if first == "\\" { return try escapedSet() }
    let isOperator = first == "[" || scalars.starts(with: "&&".unicodeScalars)
    guard !isOperator else { throw ExpressionFault(part: "\(first) inside of a class") }
    scalars.removeFirst()
    return (ScalarSet(first), first)
  }

  /// What an escape stands for; `scalars` starts with the backslash.
  mutating func escapedSet() throws(ExpressionFault) -> Member {
    scalars.removeFirst()
    guard let letter = scalars.popFirst() else { throw ExpressionFault(part: "\\") }
    switch letter {
    case "s": return (.spaces, nil)
    case "S": return (.notSpaces, nil)
    case "d": return (.decimals, nil)
    case "D": return (.notDecimals, nil)
    case "w": return (.words, nil)
    case "W": return (ScalarSet.words.inverted, nil)
    case "p", "P": return (try property(isNegated: letter == "P"), nil)
    case "x": return try code(digits: 2, limit: 0x7F)
    case "u": return try code(digits: 4, limit: 0xFFFF)
    default: break
    }
    let controls: [Unicode.Scalar: Unicode.Scalar] = [
      "n": "\n", "r": "\r", "t": "\t", "f": "\u{C}", "v": "\u{B}", "a": "\u{7}", "e": "\u{1B}",
    ]
    if let control = controls[letter] { return (ScalarSet(control), control) }
    let isPlain = letter.isASCII && letter.value > 0x20 && letter.properties.isAlphabetic == false
    guard isPlain, !("0"..."9").contains(letter) else { throw ExpressionFault(part: "\\\(letter)") }
    return (ScalarSet(letter), letter)
  }

  private mutating func code(digits: Int, limit: UInt32) throws(ExpressionFault) -> Member {
    let text = String(String.UnicodeScalarView(scalars.prefix(digits)))
    guard text.utf8.count == digits, text.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
      let value = UInt32(text, radix: 16), value <= limit, let scalar = Unicode.Scalar(value)
    else { throw ExpressionFault(part: "a code \(text)") }
    scalars.removeFirst(digits)
    return (ScalarSet(scalar), scalar)
  }

  private mutating func property(isNegated: Bool) throws(ExpressionFault) -> ScalarSet {
    var name = ""
    if take("{") {
      while let next = scalars.popFirst(), next != "}", name.utf8.count < 32 {
        name.unicodeScalars.append(next)
      }
    }
    let categories = name.utf8.count <= 2 ? GeneralCategories.named(name) : []
    guard !categories.isEmpty else { throw ExpressionFault(part: "\\p{\(name)}") }
    return ScalarSet(categories: isNegated ? categories.inverted : categories)
  }
}
