import CKernels
import Testing

@Suite struct RANSTests {
  /// Bytes of some kind.
  enum Kind: Sendable, CaseIterable {
    case uniform, narrow, wide, constant, two, skewed

    func bytes(_ count: Int) -> [UInt8] {
      var random = Seeded(count)
      func bell(_ width: Float) -> UInt8 {
        UInt8(bitPattern: Int8(max(-127, min(127, (random.normal() * width).rounded()))))
      }
      return (0..<count).map { index in
        switch self {
        case .uniform: UInt8.random(in: 0...255, using: &random)
        case .narrow: bell(1)
        case .wide: bell(20)
        case .constant: 255
        case .two: random.next() % 3 == 0 ? 0 : 200
        // Nearly all slots belong to one byte, and all others occur.
        case .skewed: index < 256 ? UInt8(index) : 7
        }
      }
    }
  }

  static let counts = [1, 2, 31, 32, 33, 63, 64, 65, 1000, 4095, 65_536]

  private func encoded(_ bytes: [UInt8]) -> [UInt8] { encoded(bytes, runs: [bytes.count]) }

  private func encoded(_ bytes: [UInt8], runs: [Int]) -> [UInt8] {
    var length = 0
    let bound = vk_rans_bound(bytes.count, runs.count)
    let room = filled(bound) { (out: UnsafeMutablePointer<UInt8>) in
      length = vk_rans_encode(out, bytes, runs, runs.count)
    }
    return Array(room[..<length])
  }

  /// Decodes between ends that the sanitizer watches.
  private func decoded(_ stream: [UInt8], runs: [Int], with kernels: vk_table) -> [UInt8]? {
    let out = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: runs.reduce(0, +))
    let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: stream.count)
    defer {
      out.deallocate()
      input.deallocate()
    }
    out.initialize(repeating: 0)
    _ = input.initialize(from: stream)
    let succeeded = kernels.rans_decode(
      out.baseAddress, runs, runs.count, input.baseAddress, stream.count)
    return succeeded == 1 ? Array(out) : nil
  }

  private func decoded(_ stream: [UInt8], count: Int, with kernels: vk_table) -> [UInt8]? {
    decoded(stream, runs: [count], with: kernels)
  }

  @Test(arguments: InstructionSet.all, Kind.allCases)
  func `bytes come back, and the definition gives the same`(set: InstructionSet, kind: Kind) throws
  {
    let kernels = try set.kernels
    for count in Self.counts {
      let bytes = kind.bytes(count), stream = encoded(bytes)
      #expect(decoded(stream, count: count, with: kernels) == bytes, "\(count)")
      #expect(plainlyDecoded(stream, count: count) == bytes, "\(count)")
    }
  }

  @Test(arguments: InstructionSet.all)
  func `a whole block comes back`(set: InstructionSet) throws {
    let bytes = Kind.wide.bytes(1 << 20)
    #expect(try decoded(encoded(bytes), count: bytes.count, with: set.kernels) == bytes)
  }

  static let runs = [[1, 1], [31, 33, 64], [5, 1000, 7, 4096, 1], [70_000, 3, 70_000]]

  @Test(arguments: InstructionSet.all, runs)
  func `runs with frequencies of their own come back`(set: InstructionSet, runs: [Int]) throws {
    let kinds: [Kind] = [.narrow, .uniform, .two, .wide, .constant]
    let bytes = zip(kinds, runs).flatMap { $0.bytes($1) }, stream = encoded(bytes, runs: runs)
    #expect(plainlyDecoded(stream, runs: runs) == bytes)
    let kernels = try set.kernels
    #expect(decoded(stream, runs: runs, with: kernels) == bytes)
    for length in [0, stream.count / 2, stream.count - 1] {
      #expect(decoded(Array(stream[..<length]), runs: runs, with: kernels) == nil)
    }
    #expect(decoded(stream, runs: [bytes.count], with: kernels) == nil)
    #expect(decoded(stream, runs: runs + [1], with: kernels) == nil)
  }

  @Test(arguments: InstructionSet.all)
  func `every cut, every longer stream and every other count is refused`(set: InstructionSet) throws
  {
    let kernels = try set.kernels
    let bytes = Kind.narrow.bytes(300), stream = encoded(bytes)
    for length in stream.indices {
      #expect(decoded(Array(stream[..<length]), count: 300, with: kernels) == nil)
    }
    #expect(decoded(stream + [0], count: 300, with: kernels) == nil)
    #expect(decoded(stream + [0, 0], count: 300, with: kernels) == nil)
    for count in Array(0..<300) + [301, 332, 1 << 20] {
      #expect(decoded(stream, count: count, with: kernels) == nil)
    }
  }

  @Test(arguments: InstructionSet.all)
  func `changed bytes are handled alike by all kernels`(set: InstructionSet) throws {
    let kernels = try set.kernels
    let stream = encoded(Kind.narrow.bytes(300))
    var refused = 0
    for position in stream.indices {
      for value in UInt8.min...UInt8.max where value != stream[position] {
        var damaged = stream
        damaged[position] = value
        let content = decoded(damaged, count: 300, with: kernels)
        if content == nil { refused += 1 }
        // The plain decoder is slow; a few values show what the others do.
        if value & 15 == 3 { #expect(content == plainlyDecoded(damaged, count: 300)) }
      }
    }
    #expect(refused > stream.count * 250)
  }

  @Test(arguments: InstructionSet.all)
  func `noise does no harm`(set: InstructionSet) throws {
    let kernels = try set.kernels
    // A table of its own before the noise lets the decoder come as far as the words.
    let start: [UInt8] = [128 | 7, 128, 128 | 7, 128]
    for length in 0..<600 {
      var random = Seeded(length)
      let noise = random.bytes(length)
      for stream in [noise, start + noise] {
        _ = decoded(stream, count: 1 + length * 3, with: kernels)
      }
    }
  }

  @Test func `tables are checked`() throws {
    let kernels = try InstructionSet(testDescription: "portable").kernels
    let states = (0..<32).flatMap { _ in [UInt8](arrayLiteral: 0, 0, 1, 0) }
    func accepts(_ table: [UInt8]) -> Bool {
      decoded(table + states, count: 64, with: kernels) != nil
    }
    // 128 + 15 · 256 + 128 = 4096: one symbol has all slots.
    #expect(accepts([128 | 15, 128]))
    #expect(
      decoded([128 | 15, 128] + states, count: 64, with: kernels)
        == [UInt8](repeating: 0, count: 64))
    #expect(decoded([0, 254, 128 | 15, 128] + states, count: 2, with: kernels) == [255, 255])
    #expect(!accepts([128 | 15, 129]))  // 4097
    #expect(!accepts([128 | 15, 127]))  // 4095, and then the states
    #expect(!accepts([0, 255, 128 | 15, 128]))  // symbol 256
    #expect(!accepts([0, 200, 0, 200, 128 | 15, 128]))
    #expect(!accepts([]))
  }
}

/// The definition of docs/format.md in plain words, or nothing if that finds fault.
private func plainlyDecoded(_ stream: [UInt8], count: Int) -> [UInt8]? {
  plainlyDecoded(stream, runs: [count])
}

private func plainlyDecoded(_ stream: [UInt8], runs: [Int]) -> [UInt8]? {
  var rest = stream[...], states = [Int](), content = [UInt8]()
  for count in runs {
    guard let table = plainTable(&rest) else { return nil }
    if states.isEmpty {
      guard rest.count >= 128 else { return nil }
      for _ in 0..<32 {
        states.append(
          (0..<4).reduce(0) { sum, place in sum + Int(rest.removeFirst()) << (8 * place) })
      }
      guard states.allSatisfy({ $0 >= 65536 }) else { return nil }
    }
    for number in 0..<count {
      let state = states[number % 32]
      let (symbol, start, frequency) = table.symbols[table.slots[state % 4096]]
      content.append(UInt8(symbol))
      var following = frequency * (state / 4096) + state % 4096 - start
      if following < 65536 {
        guard let low = rest.popFirst(), let high = rest.popFirst() else { return nil }
        following = following * 65536 + Int(low) + 256 * Int(high)
      }
      states[number % 32] = following
    }
  }
  return rest.isEmpty && states.allSatisfy { $0 == 65536 } ? content : nil
}

private func plainTable(_ rest: inout ArraySlice<UInt8>) -> (
  symbols: [(symbol: Int, start: Int, frequency: Int)], slots: [Int]
)? {
  func next() -> Int? { rest.popFirst().map(Int.init) }
  var symbols = [(symbol: Int, start: Int, frequency: Int)](), slots = [Int](), symbol = 0
  while slots.count < 4096 {
    guard symbol < 256, var frequency = next() else { return nil }
    if frequency == 0 {
      guard let more = next() else { return nil }
      symbol += 1 + more
      continue
    }
    if frequency >= 128 {
      guard let low = next() else { return nil }
      frequency = 128 + (frequency - 128) * 256 + low
    }
    symbols.append((symbol, slots.count, frequency))
    slots += [Int](repeating: symbols.count - 1, count: frequency)
    symbol += 1
  }
  return slots.count == 4096 ? (symbols, slots) : nil
}
