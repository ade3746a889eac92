import Format

extension PreTokenizer {
  /// Reads a pre-tokenizer: one component or a `Sequence` of them.
  init(reading member: DefinitionMember) throws(TokenizerFault) {
    var steps = [Step]()
    for part in try member.flattened("pretokenizers") {
      let type = try part.required("type")
      let isSpelled = PreTokenizer(steps: steps).isByteLevel
      switch try type.text() {
      case "ByteLevel" where !isSpelled:
        let addsPrefixSpace = try part.required("add_prefix_space").flag()
        let splitsWords = try part.flag("use_regex", absent: true)
        steps.append(.byteLevel(addsPrefixSpace: addsPrefixSpace, splitsWords: splitsWords))
      case "Metaspace" where !isSpelled: steps.append(.metaspace(try Metaspace(reading: part)))
      case "Split":
        steps.append(
          .split(
            SplitRule(
              pattern: try TextPattern(reading: try part.required("pattern")),
              behavior: try part.behavior(absent: nil),
              isInverted: try part.flag("invert", absent: false))))
      case "Punctuation":
        steps.append(Self.step(.punctuation, try part.behavior(absent: .isolated)))
      case "Digits":
        let areIndividual = try part.required("individual_digits").flag()
        steps.append(Self.step(.numbers, areIndividual ? .isolated : .contiguous))
      default: throw type.unsupported()
      }
    }
    self.steps = steps
  }

  private static func step(_ set: ScalarSet, _ behavior: SplitBehavior) -> Step {
    .split(SplitRule(pattern: .scalar(set), behavior: behavior, isInverted: false))
  }
}

extension DefinitionMember {
  fileprivate func behavior(absent: SplitBehavior?) throws(TokenizerFault) -> SplitBehavior {
    if let absent, optional("behavior") == nil { return absent }
    let member = try required("behavior")
    guard let behavior = SplitBehavior(rawValue: try member.text()) else {
      throw member.unsupported()
    }
    return behavior
  }
}

extension Metaspace {
  /// Reads a pre-tokenizer or a decoder, which have the same members.
  init(reading member: DefinitionMember) throws(TokenizerFault) {
    mark = try member.required("replacement").scalar()
    splits = try member.flag("split", absent: true)
    var prefix = Prefix.always
    if let scheme = member.optional("prepend_scheme") {
      guard let value = Prefix(rawValue: try scheme.text()) else { throw scheme.unsupported() }
      prefix = value
    }
    // Older files say it with a flag; the library refuses those that contradict themselves.
    if let flag = member.optional("add_prefix_space"), try !flag.flag(), prefix != .never {
      throw flag.unsupported()
    }
    self.prefix = prefix
  }
}
