/// Gradient descent with moments of the gradient (Adam, arXiv:1412.6980).
struct AdamOptimizer {
  private static let firstDecay: Float = 0.9
  private static let secondDecay: Float = 0.98
  /// Added to the root of the second moment, in root mean squares of all of them: parameters that hardly matter, whose
  /// gradients are mostly noise, move less than the others.
  private static let floor: Float = 0.1

  private var first: [Float]
  private var second: [Float]
  private var firstShare: Float = 1
  private var secondShare: Float = 1

  init(count: Int) {
    first = [Float](repeating: 0, count: count)
    second = first
  }

  /// Moves parameters against the gradient, each by about `rate` at most.
  mutating func move(_ parameters: inout [Float], against gradient: [Float], rate: Float) {
    firstShare *= Self.firstDecay
    secondShare *= Self.secondDecay
    var squares = 0.0
    for (index, slope) in gradient.enumerated() {
      first[index] += (1 - Self.firstDecay) * (slope - first[index])
      second[index] += (1 - Self.secondDecay) * (slope * slope - second[index])
      squares += Double(second[index])
    }
    let (firstScale, secondScale) = (1 / (1 - firstShare), 1 / (1 - secondShare))
    let mean = Float((squares / Double(max(1, gradient.count))).squareRoot())
    let floor = max(Self.floor * mean * secondScale.squareRoot(), .leastNormalMagnitude)
    for index in parameters.indices {
      let deviation = (second[index] * secondScale).squareRoot()
      parameters[index] -= rate * firstScale * first[index] / (deviation + floor)
    }
  }
}
