/// The mean of a sample and how sure one can be of it.
public struct SampleMean: Sendable, Equatable {
  /// Number of values.
  public private(set) var count = 0
  private var sum = 0.0
  private var sumOfSquares = 0.0

  /// An empty sample.
  public init() {}

  /// Takes a value in.
  public mutating func add(_ value: Double) {
    count += 1
    sum += value
    sumOfSquares += value * value
  }

  /// Takes another sample in.
  public mutating func add(_ other: SampleMean) {
    count += other.count
    sum += other.sum
    sumOfSquares += other.sumOfSquares
  }

  /// The arithmetic mean.
  public var mean: Double { count == 0 ? .nan : sum / Double(count) }

  /// The standard error of the mean, values taken as independent; 0 for fewer than two.
  public var standardError: Double {
    guard count > 1 else { return 0 }
    let n = Double(count)
    let variance = max(0, (sumOfSquares - sum * sum / n) / (n - 1))
    return (variance / n).squareRoot()
  }
}
