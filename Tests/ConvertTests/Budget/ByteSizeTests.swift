import Convert
import Testing

@Suite struct ByteSizeTests {
  @Test(arguments: [
    ("900MB", 900_000_000), ("1.5GB", 1_500_000_000), ("64KB", 64_000), ("32MiB", 33_554_432),
    ("2kib", 2048), ("1GiB", 1_073_741_824), ("1000", 1000), ("7B", 7), ("1.9", 1),
  ])
  func `sizes with and without a unit`(text: String, bytes: Int) {
    #expect(ByteSize.parse(text) == bytes)
  }

  @Test(arguments: [
    "", "MB", "-5MB", "1e3", "0", "0.5B", "1.2.3MB", "12 MB", "nan", "5TB", "9999999GB",
  ])
  func `what is no size`(text: String) {
    #expect(ByteSize.parse(text) == nil)
  }
}
