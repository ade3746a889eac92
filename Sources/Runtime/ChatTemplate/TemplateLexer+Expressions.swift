extension TemplateLexer {
  /// Reads up to and including the end of the tag; inside brackets the end is not looked for.
  mutating func readExpressions(isStatement: Bool) throws(ChatTemplateFault) {
    var brackets = [Unicode.Scalar]()
    while true {
      skipSpace()
      guard let next = scalar(at: index) else {
        throw .syntax(
          expected: isStatement ? "“%}”" : "“}}”", found: "the end of the template")
      }
      if brackets.isEmpty, readTagEnd(isStatement: isStatement) { return }
      switch next {
      case "0"..."9": try readNumber()
      case "a"..."z", "A"..."Z", "_": try readName()
      case "'", "\"": try readString(quote: next)
      default: try readSymbol(next, brackets: &brackets)
      }
    }
  }

  private mutating func readTagEnd(isStatement: Bool) -> Bool {
    let sign = scalar(at: index)
    let hasSign = sign == "-" || (isStatement && sign == "+")
    let start = hasSign ? index + 1 : index
    guard scalar(at: start) == (isStatement ? "%" : "}"), scalar(at: start + 1) == "}" else {
      return false
    }
    append(isStatement ? .statementEnd : .outputEnd)
    advance(by: hasSign ? 3 : 2)
    if isStatement {
      trim(after: hasSign ? sign : nil)
    } else if hasSign {
      skipSpace()
    }
    return true
  }

  private mutating func readName() throws(ChatTemplateFault) {
    var end = index
    while let scalar = scalar(at: end), scalar.isNamePart { end += 1 }
    if let scalar = scalar(at: end), !scalar.isASCII, !scalar.isPythonSpace {
      throw .unsupported("a name with “\(scalar)”")
    }
    append(.name(String(source[index..<end])))
    advance(by: end - index)
  }

  private mutating func readNumber() throws(ChatTemplateFault) {
    var end = digitsEnd(from: index)
    var isInteger = true
    let followsDot = index > 0 && source[index - 1] == "."
    if !followsDot, scalar(at: end) == ".", digitsEnd(from: end + 1) > end + 1 {
      isInteger = false
      end = digitsEnd(from: end + 1)
    }
    if !followsDot, scalar(at: end) == "e" || scalar(at: end) == "E" {
      let hasSign = scalar(at: end + 1) == "-" || scalar(at: end + 1) == "+"
      let digits = end + (hasSign ? 2 : 1)
      if digitsEnd(from: digits) > digits {
        isInteger = false
        end = digitsEnd(from: digits)
      }
    }
    let text = String(source[index..<end])
    if let scalar = scalar(at: end), scalar.isNamePart {
      throw .unsupported("the number “\(text)\(scalar)…”")
    }
    if isInteger, let value = Int(text), value == 0 || !text.hasPrefix("0") {
      append(.integer(value))
    } else if !isInteger, let value = Double(text) {
      append(.number(value))
    } else {
      throw .unsupported("the number “\(text)”")
    }
    advance(by: end - index)
  }

  private func digitsEnd(from start: Int) -> Int {
    var end = start
    while let scalar = scalar(at: end), ("0"..."9").contains(scalar) { end += 1 }
    return end
  }

  private mutating func readSymbol(
    _ first: Unicode.Scalar, brackets: inout [Unicode.Scalar]
  ) throws(ChatTemplateFault) {
    switch first {
    case "(": brackets.append(")")
    case "[": brackets.append("]")
    case "{": brackets.append("}")
    case ")", "]", "}":
      guard brackets.popLast() == first else {
        throw .syntax(expected: "the bracket that was opened last", found: "“\(first)”")
      }
    default: break
    }
    if let second = scalar(at: index + 1),
      ["//", "**", "==", "!=", ">=", "<="].contains("\(first)\(second)")
    {
      append(.symbol("\(first)\(second)"))
      advance(by: 2)
    } else if "+-/*%~[](){}<>=.:|,;".unicodeScalars.contains(first) {
      append(.symbol(String(first)))
      advance(by: 1)
    } else {
      throw .syntax(expected: "an expression", found: "“\(first)”")
    }
  }
}

extension Unicode.Scalar {
  fileprivate var isNamePart: Bool {
    self == "_" || ("0"..."9").contains(self) || ("a"..."z").contains(self)
      || ("A"..."Z").contains(self)
  }
}
