import Quant
import Testing

@Suite struct EntropyTierTests {
  @Test(arguments: [
    ("e4", 4000), ("e3.5", 3500), ("e2", 2000), ("e7", 7000), ("e4.35", 4350), ("e4.213", 4213),
    ("e5.007", 5007), ("e3.09", 3090),
  ])
  func `names of tiers`(name: String, thousandths: Int) {
    #expect(EntropyEncoding(tier: name)?.thousandths == thousandths)
    #expect(EntropyEncoding(thousandths: thousandths).tier == name)
  }

  @Test(arguments: [
    "e", "e1.9", "e7.001", "e4.0", "e4.50", "e4.", "e04", "e4.2131", "e 4", "e+4", "e4e0", "q4",
    "e-4", "enan", "e0x4",
  ])
  func `what is no tier`(name: String) {
    #expect(EntropyEncoding(tier: name) == nil)
  }

  @Test func `every tier has a name of its own that leads back`() {
    for thousandths in EntropyEncoding.thousandths {
      let encoding = EntropyEncoding(thousandths: thousandths)
      #expect(EntropyEncoding(tier: encoding.tier)?.thousandths == thousandths)
    }
  }
}
