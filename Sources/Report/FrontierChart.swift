/// Losses or gains of some choices against what they cost, with the frontier of those that no other one beats.
public struct FrontierChart: Sendable {
  /// A choice.
  public struct Entry: Sendable {
    /// What it is called.
    public var name: String
    /// What it costs; less is better.
    public var cost: Double
    /// What it gives.
    public var value: Double
    /// The standard error of the value.
    public var error: Double?

    /// A choice and its figures.
    public init(name: String, cost: Double, value: Double, error: Double?) {
      self.name = name
      self.cost = cost
      self.value = value
      self.error = error
    }
  }

  /// What is drawn.
  public var title: String
  /// The name of the horizontal axis, with its unit.
  public var costName: String
  /// The name of the vertical axis, with its unit.
  public var valueName: String
  /// Whether values are drawn on a logarithmic scale.
  public var isLogarithmic: Bool
  /// Whether the largest value is the best one.
  public var isGain: Bool
  /// What values cannot be beyond.
  public var limits: ClosedRange<Double>
  /// The choices.
  public var entries: [Entry]

  /// A chart.
  public init(
    title: String, costName: String, valueName: String, isLogarithmic: Bool = false,
    isGain: Bool = false, limits: ClosedRange<Double> = -.infinity ... .infinity,
    entries: [Entry]
  ) {
    self.title = title
    self.costName = costName
    self.valueName = valueName
    self.isLogarithmic = isLogarithmic
    self.isGain = isGain
    self.limits = limits
    self.entries = entries
  }

  /// Names of the entries that no other one beats, by rising cost.
  public var frontier: [String] { frontierIndices.map { entries[$0].name } }

  /// Names of entries that have no place on the axes.
  public var hidden: [String] { entries.filter { !isDrawable($0) }.map(\.name) }

  private var frontierIndices: [Int] {
    ParetoFrontier.indices(of: entries.map { ($0.cost, isGain ? -$0.value : $0.value) })
  }

  private func isDrawable(_ entry: Entry) -> Bool {
    entry.cost.isFinite && entry.value.isFinite && (!isLogarithmic || entry.value > 0)
  }

  private static let size = (width: 560.0, height: 360.0)
  private static let frame = Rectangle(x: 76, y: 14, width: 470, height: 292)

  /// The drawing.
  ///
  /// - Parameter identifier: unique in the page.
  public func drawing(_ identifier: String) -> Markup {
    let frame = Self.frame
    let drawn = entries.indices.filter { isDrawable(entries[$0]) }
    let costs = AxisScale(
      drawn.map { entries[$0].cost }, isLogarithmic: false, within: 0 ... .infinity,
      start: frame.x, end: frame.right)
    let values = AxisScale(
      drawn.flatMap { ends(of: entries[$0]) }, isLogarithmic: isLogarithmic, within: limits,
      start: frame.bottom, end: frame.y)
    let best = frontierIndices.filter { isDrawable(entries[$0]) }
    let places = Dictionary(
      uniqueKeysWithValues: drawn.map {
        ($0, Point(x: costs.place(entries[$0].cost), y: values.place(entries[$0].value)))
      })
    let line = best.compactMap { places[$0] }
    let order = best.isEmpty ? "none" : frontier.joined(separator: ", ")
    return .drawing(
      identifier, width: Self.size.width, height: Self.size.height, title: title,
      description:
        "\(valueName) against \(costName). Settings that no other one beats: \(order).",
      axes(costs, values) + [polyline(line)]
        + drawn.flatMap { mark($0, at: places[$0], values, isBest: best.contains($0)) }
        + labels(drawn, places, values, line))
  }

  /// Both ends of the error bar, as far as the axis reaches.
  private func ends(of entry: Entry) -> [Double] {
    let error = entry.error.flatMap { $0.isFinite ? $0 : nil } ?? 0
    let low = entry.value - error
    return [
      max(isLogarithmic ? max(low, entry.value / 3) : low, min(limits.lowerBound, entry.value)),
      min(entry.value + error, max(limits.upperBound, entry.value)),
    ]
  }

  private func axes(_ costs: AxisScale, _ values: AxisScale) -> [Markup] {
    let frame = Self.frame
    let columns = costs.ticks.flatMap { tick -> [Markup] in
      let x = costs.place(tick.value)
      return [
        .line(Point(x: x, y: frame.y), Point(x: x, y: frame.bottom), class: "grid"),
        .label(tick.label, at: Point(x: x, y: frame.bottom + 18), class: "tick", anchor: "middle"),
      ]
    }
    let rows = values.ticks.flatMap { tick -> [Markup] in
      let y = values.place(tick.value)
      return [
        .line(Point(x: frame.x, y: y), Point(x: frame.right, y: y), class: "grid"),
        .label(tick.label, at: Point(x: frame.x - 8, y: y + 4), class: "tick", anchor: "end"),
      ]
    }
    let middle = frame.y + frame.height / 2
    return columns + rows + [
      .line(
        Point(x: frame.x, y: frame.bottom), Point(x: frame.right, y: frame.bottom), class: "axis"),
      .line(Point(x: frame.x, y: frame.y), Point(x: frame.x, y: frame.bottom), class: "axis"),
      .label(
        costName, at: Point(x: frame.x + frame.width / 2, y: Self.size.height - 14), class: "name",
        anchor: "middle"),
      .element(
        "text",
        [
          "class": "name", "text-anchor": "middle",
          "transform": "translate(14 \(Markup.number(middle))) rotate(-90)",
        ], text: valueName),
    ]
  }

  private func polyline(_ points: [Point]) -> Markup {
    let text = points.map { "\(Markup.number($0.x)),\(Markup.number($0.y))" }
    return .element("polyline", ["class": "frontier", "points": text.joined(separator: " ")])
  }

  private func mark(
    _ index: Int, at place: Point?, _ values: AxisScale, isBest: Bool
  ) -> [Markup] {
    guard let place else { return [] }
    let entry = entries[index]
    let ends = ends(of: entry).map(values.place)
    let bar = ends.map { Point(x: place.x, y: $0) }
    let caps = ends.map { y in
      Markup.line(Point(x: place.x - 4, y: y), Point(x: place.x + 4, y: y), class: "error")
    }
    let hasBar = abs(ends[0] - ends[1]) > 1
    let circle = Markup.element(
      "circle",
      [
        "class": isBest ? "best" : "beaten", "cx": Markup.number(place.x),
        "cy": Markup.number(place.y), "r": "4.5",
      ], [.element("title", text: entry.name)])
    return (hasBar ? [.line(bar[0], bar[1], class: "error")] + caps : []) + [circle]
  }

  private func labels(
    _ drawn: [Int], _ places: [Int: Point], _ values: AxisScale, _ line: [Point]
  ) -> [Markup] {
    let points = drawn.compactMap { places[$0] }
    let bars = zip(drawn, points).map { index, point in
      let ends = ends(of: entries[index]).map(values.place)
      return Rectangle(x: point.x - 4, y: ends[1], width: 8, height: ends[0] - ends[1])
    }
    let boxes = LabelPlacement.places(
      of: drawn.map { (width: Double(entries[$0].name.count) * 7.4 + 2, height: 14) },
      beside: points, obstacles: bars + beads(along: line), in: Self.frame)
    return zip(drawn, boxes).map { index, box in
      .label(entries[index].name, at: Point(x: box.x + 1, y: box.bottom - 3))
    }
  }

  /// Small parts of the drawing along a line, which labels should not cover.
  private func beads(along line: [Point]) -> [Rectangle] {
    zip(line, line.dropFirst()).flatMap { from, to in
      stride(from: 0.0, through: 1, by: 0.05).map { share in
        Rectangle(
          x: from.x + (to.x - from.x) * share - 2, y: from.y + (to.y - from.y) * share - 2,
          width: 4, height: 4)
      }
    }
  }
}
