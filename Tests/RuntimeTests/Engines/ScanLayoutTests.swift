import Quant
import Runtime
import TestSupport
import Testing

@Suite struct ScanLayoutTests {
  @Test(arguments: [(1, 1), (15, 3), (16, 16), (17, 5), (48, 2)])
  func `every state of every channel has a place of its own`(channels: Int, states: Int) {
    let tiles = ChannelTiles(channels: channels, states: states)
    #expect(tiles.count % (16 * states) == 0 && tiles.count >= channels * states)
    let places = (0..<channels).flatMap { channel in
      (0..<states).map { tiles.index(channel: channel, state: $0) }
    }
    #expect(Set(places).count == channels * states)
    #expect(places.allSatisfy { (0..<tiles.count).contains($0) })
    let table = (1...channels * states).map(Float.init)
    let tiled = tiles.tiled(table)
    #expect(places.map { tiled[$0] } == table)
    #expect(tiled.filter { $0 == 0 }.count == tiles.count - channels * states)
  }

  @Test func `sixteen channels of a state lie side by side`() {
    let tiles = ChannelTiles(channels: 40, states: 3)
    #expect(tiles.index(channel: 0, state: 0) == 0)
    #expect(tiles.index(channel: 15, state: 0) == 15)
    #expect(tiles.index(channel: 0, state: 1) == 16)
    #expect(tiles.index(channel: 16, state: 0) == 48)
  }

  @Test func `the decay is minus the exponential`() {
    let parameters = SelectiveScanParameters(
      logarithmicDecay: [0, 1], skip: [1], timeStepBias: [0], states: 2)
    #expect(parameters.decay[0] == -1)
    #expect(abs(parameters.decay[16] + 2.718_281_8) < 1e-6)
    #expect(parameters.initialState == [Float](repeating: 0, count: 32))
  }
}
