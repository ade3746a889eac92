import Foundation

/// From values to places along an axis.
struct AxisScale {
  /// A mark on the axis.
  struct Tick: Equatable {
    let value: Double
    let label: String
  }

  let isLogarithmic: Bool
  /// The values at both ends.
  let domain: ClosedRange<Double>
  let ticks: [Tick]
  /// The places of both ends.
  private let start: Double
  private let end: Double

  /// An axis that shows some values.
  ///
  /// - Parameters:
  ///   - values: finite, and positive on a logarithmic axis; may be none.
  ///   - limits: what the axis never goes beyond; the values do not.
  ///   - start: the place of the smallest value, `end` that of the largest; start may be the larger one.
  init(
    _ values: [Double], isLogarithmic: Bool, within limits: ClosedRange<Double>, start: Double,
    end: Double
  ) {
    let low = values.min() ?? 1
    let high = values.max() ?? low
    self.isLogarithmic = isLogarithmic
    self.start = start
    self.end = end
    (domain, ticks) = isLogarithmic ? Self.logarithmic(low, high) : Self.linear(low, high, limits)
  }

  /// The place of a value.
  func place(_ value: Double) -> Double {
    let (low, high) = (domain.lowerBound, domain.upperBound)
    let share =
      isLogarithmic ? log(value / low) / log(high / low) : (value - low) / (high - low)
    return start + (end - start) * share
  }

  /// Round steps, of which there are four to nine.
  private static func linear(
    _ low: Double, _ high: Double, _ limits: ClosedRange<Double>
  ) -> (ClosedRange<Double>, [Tick]) {
    let widest = max(high - low, max(abs(high), abs(low)) * 1e-3)
    let spread = widest > 0 ? widest : 1
    let magnitude = pow(10, floor(log10(spread / 5)))
    let step = ([1, 2, 5, 10].first { spread / (magnitude * $0) <= 6 } ?? 10) * magnitude
    let first = floor((low - spread * 0.04) / step)
    let last = ceil((high + spread * 0.04) / step)
    let decimals = max(0, Int(-floor(log10(step) + 1e-9)))
    let ticks = stride(from: first, through: last, by: 1).map { number in
      Tick(value: number * step, label: String(format: "%.\(decimals)f", number * step))
    }
    return (
      max(first * step, limits.lowerBound)...min(last * step, limits.upperBound),
      ticks.filter { limits.contains($0.value) }
    )
  }

  /// Decades; between them 2 and 5 if there are few.
  private static func logarithmic(
    _ low: Double, _ high: Double
  ) -> (ClosedRange<Double>, [Tick]) {
    let factors: [Double] = high / low > 2000 ? [1] : [1, 2, 5]
    let decades = Int(floor(log10(low))) - 1...Int(ceil(log10(high))) + 1
    let marks = decades.flatMap { decade in factors.map { $0 * pow(10, Double(decade)) } }
    let bottom = marks.last { $0 <= low * 0.93 } ?? low
    let top = marks.first { $0 >= high * 1.07 } ?? high
    let ticks = marks.filter { $0 >= bottom && $0 <= top }
      .map { Tick(value: $0, label: String(format: "%.9g", $0)) }
    return (bottom...top, ticks)
  }
}
