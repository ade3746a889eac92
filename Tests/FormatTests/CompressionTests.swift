import Foundation
import Testing

@testable import Format

@Suite struct CompressionTests {
  static let compressing: [Codec] = [.zlib, .zstd, .rans]

  @Test(arguments: compressing, [2000, 65_537, 1 << 20])
  func `what is compressed comes back`(codec: Codec, count: Int) throws {
    let bytes = mildNoise(count)
    let compressed = try #require(codec.compress(bytes))
    #expect(compressed.count * 50 <= bytes.count * 49)
    #expect(codec.decompress(compressed.span.bytes, length: count) == bytes)
  }

  @Test(arguments: Codec.allCases, [0, 1, 5000])
  func `bytes that do not gain are not compressed`(codec: Codec, count: Int) {
    #expect(codec.compress(noise(count)) == nil)
  }

  @Test(arguments: compressing, [0, 1, 1999, 2001, 1 << 20])
  func `another length than the content's is refused`(codec: Codec, length: Int) throws {
    let compressed = try #require(codec.compress(mildNoise(2000)))
    #expect(codec.decompress(compressed.span.bytes, length: length) == nil)
  }

  @Test(arguments: compressing)
  func `bytes after the end are refused`(codec: Codec) throws {
    let compressed = try #require(codec.compress(mildNoise(2000)))
    #expect(codec.decompress((compressed + [0]).span.bytes, length: 2000) == nil)
    #expect(codec.decompress((compressed + compressed).span.bytes, length: 2000) == nil)
  }

  @Test(arguments: compressing)
  func `every cut is refused`(codec: Codec) throws {
    let compressed = try #require(codec.compress(mildNoise(400)))
    for count in compressed.indices {
      #expect(codec.decompress(Array(compressed[..<count]).span.bytes, length: 400) == nil)
    }
  }

  @Test(arguments: compressing)
  func `noise is refused or decompresses to its length, and nothing traps`(codec: Codec) throws {
    let compressed = try #require(codec.compress(mildNoise(400)))
    var refused = 0
    for (position, change) in zip(compressed.indices, noise(compressed.count)) {
      var damaged = compressed
      damaged[position] ^= change | 1
      let content = codec.decompress(damaged.span.bytes, length: 400)
      if content == nil { refused += 1 } else { #expect(content?.count == 400) }
    }
    #expect(refused > 0)
  }

  @Test func `stored bytes must have the length`() {
    let bytes: [UInt8] = [1, 2, 3]
    #expect(Codec.stored.decompress(bytes.span.bytes, length: 3) == bytes)
    #expect(Codec.stored.decompress(bytes.span.bytes, length: 2) == nil)
  }

  @Test(arguments: Codec.allCases)
  func `a codec is found by its name`(codec: Codec) {
    #expect(Codec(name: codec.name) == codec)
    #expect(Codec(name: codec.name.uppercased()) == nil)
  }

  @Test func `a shuffle gathers the bytes of the same place`() {
    let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    #expect(PlaneTransform.none.apply(to: bytes) == bytes)
    #expect(PlaneTransform.shuffle2.apply(to: bytes) == [1, 3, 5, 7, 2, 4, 6, 8])
    #expect(PlaneTransform.shuffle4.apply(to: bytes) == [1, 5, 2, 6, 3, 7, 4, 8])
  }

  @Test(arguments: PlaneTransform.allCases, [0, 4, 12, 4096])
  func `a transform can be undone`(transform: PlaneTransform, count: Int) {
    #expect(transform.undo(on: transform.apply(to: noise(count))) == noise(count))
  }
}

/// Codes of weights, in which matches are rare.
@Suite struct CodeCompressionTests {
  /// Normal weights on a grid of which 99 in 100 lie within a few steps, about `bits` each.
  private func codes(_ count: Int, deviation: Double, seed: UInt64) -> [UInt8] {
    let random = noise(12 * count, seed: seed)
    return (0..<count).map { index in
      let sum = random[12 * index..<12 * index + 12].reduce(0.0) { $0 + Double($1) }
      // Twelve uniform bytes have the deviation 256, and 1530 on average.
      return UInt8(bitPattern: Int8(((sum - 1530) / 256 * deviation).rounded()))
    }
  }

  private func entropy(_ bytes: [UInt8]) -> Double {
    var counts = [Double](repeating: 0, count: 256)
    for byte in bytes { counts[Int(byte)] += 1 }
    return counts.filter { $0 > 0 }.reduce(0) {
      $0 - $1 * log2($1 / Double(bytes.count))
    } / 8
  }

  @Test(arguments: [0.6, 1, 1.4, 2, 4, 8, 16])
  func `codes take their entropy and a table`(deviation: Double) throws {
    let codes = codes(1 << 18, deviation: deviation, seed: 9)
    let (codec, bytes) = try #require(Codec.zstd.encode(codes, content: .codes))
    #expect(codec == .rans)
    // 32 states, and at most two bytes for each frequency.
    #expect(Double(bytes.count) <= 1.003 * entropy(codes) + 128 + 2 * Double(Set(codes).count))
    #expect(codec.decompress(bytes.span.bytes, length: codes.count) == codes)
  }

  @Test(arguments: [1.4, 2, 4, 8])
  func `zstd takes little more`(deviation: Double) throws {
    let codes = codes(1 << 17, deviation: deviation, seed: 9)
    let compressed = try #require(Codec.zstd.compress(codes, content: .codes))
    // Huffman codes are whole bits; at more than two bits of entropy that costs 2 in 100.
    #expect(Double(compressed.count) <= 1.03 * entropy(codes))
    #expect(Codec.zstd.decompress(compressed.span.bytes, length: codes.count) == codes)
  }

  @Test func `long runs are still found`() throws {
    let zeros = [UInt8](repeating: 0, count: 1 << 20)
    let (codec, bytes) = try #require(Codec.zstd.encode(zeros, content: .codes))
    #expect(codec == .zstd && bytes.count < 200)
  }

  @Test(arguments: Codec.allCases)
  func `only zstd gives way to rANS, and only where matches are rare`(codec: Codec) {
    let codes = codes(1 << 17, deviation: 1, seed: 3)
    let expected: Codec? = codec == .stored || codec == .classedRANS ? nil : codec
    #expect(codec.encode(codes, content: .repetitive)?.codec == expected)
    #expect(codec.encode(codes, content: .codes)?.codec == (codec == .zstd ? .rans : expected))
  }
}
