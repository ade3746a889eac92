import Quant
import TestSupport
import Testing

/// Matrices that change their encoding once they are in memory.
@Suite struct TranscodingTests {
  @Test(arguments: ["q4", "q6", "q8"], [(1, 5), (64, 256), (131, 300)])
  func `a matrix changes to what its values encode to`(name: String, shape: (Int, Int)) throws {
    let fine = try #require(Encodings.requested("e4.5"))
    let other = try #require(Encodings.named(name))
    let stored = try EncodedMatrix(
      .noise(rows: shape.0, columns: shape.1, seed: 7, deviation: 0.05), encoding: fine)
    let expected = try EncodedMatrix(stored.expanded(), encoding: other)
    for threads in [1, 2] {
      let found = try stored.transcoded(to: other, threads: ThreadPool(threads: threads))
      #expect(found.encoding.name == name)
      #expect(found.planes == expected.planes, "\(threads) threads")
      #expect(found.expanded() == expected.expanded(), "\(threads) threads")
    }
  }
}
