import CKernels
import Testing

/// The loops that measure the machine do all of their work.
@Suite struct LimitsTests {
  @Test(arguments: [0, 1, 7, 8, 63, 64, 65, 1000, 4096])
  func `every byte is read`(count: Int) {
    var random = Seeded(count)
    var bytes = random.bytes(count)
    func words() -> UInt64 {
      bytes.enumerated().reduce(0) { $0 ^ UInt64($1.element) << UInt64($1.offset % 8 * 8) }
    }
    #expect(vk_read_pass(bytes, count) == words())
    for index in bytes.indices.suffix(70) {
      bytes[index] ^= 0x10
      #expect(vk_read_pass(bytes, count) == words(), "byte \(index)")
    }
  }

  @Test(arguments: [0, 1, 3, 1000])
  func `every product is added`(rounds: Int) {
    #expect(vk_byte_dot_products() > 0)
    #expect(Int(vk_byte_dot_pass(rounds)) == rounds * vk_byte_dot_products())
  }
}
