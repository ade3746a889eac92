import Report
import Testing

/// Which choices no other one beats.
@Suite struct FrontierTests {
  @Test func `dominated points are left out`() {
    let points: [(cost: Double, loss: Double)] = [(8, 0.1), (4, 1), (5, 1.5), (4.5, 0.9), (9, 0.2)]
    #expect(ParetoFrontier.indices(of: points) == [1, 3, 0])
  }

  @Test func `equal choices stay, dearer ones of the same loss do not`() {
    #expect(ParetoFrontier.indices(of: [(2, 1), (2, 1), (3, 1), (2, 5)]) == [0, 1])
  }

  @Test func `what is not finite never belongs to it`() {
    #expect(ParetoFrontier.indices(of: [(1, .nan), (.infinity, 0), (2, 3)]) == [2])
    #expect(ParetoFrontier.indices(of: []).isEmpty)
  }

  @Test func `agrees with the definition on many points`() {
    let points = (0..<200).map { number -> (cost: Double, loss: Double) in
      (Double(number * 37 % 101), Double(number * 53 % 103))
    }
    let expected = points.indices.filter { index in
      let point = points[index]
      return !points.contains { other in
        other.cost <= point.cost && other.loss <= point.loss
          && (other.cost < point.cost || other.loss < point.loss)
      }
    }
    #expect(ParetoFrontier.indices(of: points).sorted() == expected)
  }

  @Test func `a chart of gains keeps the largest`() {
    var chart = FrontierChart(
      title: "Accuracy", costName: "bits", valueName: "share", isGain: true,
      entries: [
        .init(name: "a", cost: 8, value: 0.9, error: 0.01),
        .init(name: "b", cost: 4, value: 0.8, error: nil),
        .init(name: "c", cost: 6, value: 0.7, error: nil),
      ])
    #expect(chart.frontier == ["b", "a"])
    chart.isGain = false
    #expect(chart.frontier == ["b", "c"])
  }

  @Test func `what a logarithm cannot show is named`() {
    let chart = FrontierChart(
      title: "Divergence", costName: "bits", valueName: "nats", isLogarithmic: true,
      entries: [
        .init(name: "same", cost: 32, value: 0, error: 0),
        .init(name: "near", cost: 8, value: 1e-4, error: 2e-4),
      ])
    #expect(chart.hidden == ["same"])
    let drawing = chart.drawing("chart").source
    #expect(drawing.contains(">near<"))
    #expect(!drawing.contains(">same<"))
    #expect(!drawing.contains("nan"))
  }
}
