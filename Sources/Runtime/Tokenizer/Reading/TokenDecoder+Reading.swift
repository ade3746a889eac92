import Format

extension TokenDecoder {
  /// Reads a decoder: one component or a `Sequence` of them.
  init(reading member: DefinitionMember) throws(TokenizerFault) {
    self.init()
    var isFused = false
    for part in try member.flattened("decoders") { try add(part, isFused: &isFused) }
  }

  private mutating func add(
    _ member: DefinitionMember, isFused: inout Bool
  ) throws(TokenizerFault) {
    let type = try member.required("type")
    switch try type.text() {
    case "Fuse":
      guard textStrip == nil else { throw type.unsupported() }
      isFused = true
    case "Strip" where isFused:
      let strip = try Strip(reading: member)
      guard textStrip == nil else { throw type.unsupported() }
      guard strip.stop == 0 else { throw try member.required("stop").unsupported() }
      textStrip = strip
    case "ByteLevel" where !isFused && byteSource == .none: byteSource = .alphabet
    case "ByteFallback" where !isFused && byteSource == .none: byteSource = .byteTokens
    // After one of these two, byte tokens of the library are no single tokens any more.
    case "Strip" where byteSource != .alphabet: append(.strip(try Strip(reading: member)))
    case "Replace" where !isFused && byteSource != .alphabet:
      let pattern = try TextPattern(reading: try member.required("pattern"))
      append(.replace(pattern, with: Array(try member.required("content").text().utf8)))
    case "Metaspace" where !isFused && byteSource == .none:
      let metaspace = try Metaspace(reading: member)
      append(.metaspace(metaspace.mark, dropsFirst: metaspace.prefix != .never))
    default: throw type.unsupported()
    }
  }

  private mutating func append(_ step: Step) {
    if byteSource == .none { steps.append(step) } else { laterSteps.append(step) }
  }
}

extension TokenDecoder.Strip {
  /// Counts that are accepted.
  private static let countLimit = 1024

  fileprivate init(reading member: DefinitionMember) throws(TokenizerFault) {
    content = try member.required("content").scalar()
    start = try Self.count(try member.required("start"))
    stop = try Self.count(try member.required("stop"))
  }

  private static func count(_ member: DefinitionMember) throws(TokenizerFault) -> Int {
    let count = try member.integer()
    guard (0...countLimit).contains(count) else {
      throw member.unexpected("between 0 and \(countLimit)")
    }
    return count
  }
}
