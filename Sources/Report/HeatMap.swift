import Foundation

/// A number for each layer and kind of tensor, as a colour.
public struct HeatMap: Sendable {
  /// What is known about one tensor.
  public enum Cell: Sendable, Equatable {
    /// There is no such tensor.
    case absent
    /// There is nothing to measure.
    case exact
    /// What was measured.
    case value(Double)
  }

  /// A kind of tensor.
  public struct Row: Sendable {
    /// What it is called.
    public var name: String
    /// As many as the map has columns.
    public var cells: [Cell]

    /// A row.
    public init(name: String, cells: [Cell]) {
      self.name = name
      self.cells = cells
    }
  }

  /// What the drawing shows.
  public var title: String
  /// What columns are.
  public var columnsName: String
  /// The names of the columns.
  public var columns: [String]
  /// The rows, from above.
  public var rows: [Row]
  /// What the numbers are measured in.
  public var unit: String
  /// The numbers at both ends of the colours; those beyond take the colour of the end.
  public var domain: ClosedRange<Double>

  /// A map.
  public init(
    title: String, columnsName: String, columns: [String], rows: [Row], unit: String,
    domain: ClosedRange<Double>
  ) {
    self.title = title
    self.columnsName = columnsName
    self.columns = columns
    self.rows = rows
    self.unit = unit
    self.domain = domain
  }

  private static let height = 20.0
  private static let top = 22.0

  private var left: Double { Double(rows.map(\.name.count).max() ?? 0) * 7 + 14 }
  /// Wide enough for a number where that leaves room for all columns.
  private var cellWidth: Double { columns.count <= 26 ? 34 : max(9, 884 / Double(columns.count)) }
  private var hasNumbers: Bool { cellWidth >= 30 }

  /// The drawing.
  ///
  /// - Parameter identifier: unique in the page.
  public func drawing(_ identifier: String) -> Markup {
    let bottom = Self.top + Double(rows.count) * Self.height
    let width = left + max(Double(columns.count) * cellWidth + 4, hasExact ? 270 : 150)
    return .drawing(
      identifier, width: width, height: bottom + 52, title: title, description: summary,
      columnLabels + rows.enumerated().flatMap { row($1, at: $0) } + legend(at: bottom + 14))
  }

  private var hasExact: Bool { rows.contains { $0.cells.contains(.exact) } }

  private var summary: String {
    let values = rows.flatMap { row in
      zip(columns, row.cells).compactMap { column, cell -> (String, Double)? in
        guard case .value(let value) = cell else { return nil }
        return ("\(row.name), \(columnsName) \(column)", value)
      }
    }
    guard let least = values.min(by: { $0.1 < $1.1 }) else { return "Nothing was rounded." }
    return "The smallest value is \(text(least.1)) \(unit), of \(least.0)."
  }

  private func text(_ value: Double) -> String { String(format: "%.1f", value) }

  private func share(_ value: Double) -> Double {
    (value - domain.lowerBound) / max(domain.upperBound - domain.lowerBound, 1e-9)
  }

  private var columnLabels: [Markup] {
    let step = max(1, Int((22 / cellWidth).rounded(.up)))
    return columns.enumerated().filter { $0.offset.isMultiple(of: step) }.map { index, name in
      .label(
        name, at: Point(x: left + (Double(index) + 0.5) * cellWidth, y: Self.top - 7),
        class: "tick", anchor: "middle")
    } + [.label(columnsName, at: Point(x: left - 8, y: Self.top - 7), class: "tick", anchor: "end")]
  }

  private func row(_ row: Row, at index: Int) -> [Markup] {
    let y = Self.top + Double(index) * Self.height
    let name = Markup.label(
      row.name, at: Point(x: left - 8, y: y + 14), class: "label", anchor: "end")
    return [name]
      + row.cells.enumerated().flatMap { column, cell -> [Markup] in
        let frame = Rectangle(
          x: left + Double(column) * cellWidth, y: y, width: cellWidth, height: Self.height)
        return draw(
          cell, in: frame.inset(by: 0.75), "\(row.name), \(columnsName) \(columns[column])")
      }
  }

  private func draw(_ cell: Cell, in frame: Rectangle, _ place: String) -> [Markup] {
    switch cell {
    case .absent: return []
    case .exact:
      return [.rectangle(frame, class: "exact", title: "\(place): kept exactly")]
    case .value(let value):
      let color = ColorRamp.heat(share(value))
      let box = Markup.rectangle(
        frame, fill: color.code, title: "\(place): \(text(value)) \(unit)")
      let middle = Point(x: frame.x + frame.width / 2, y: frame.y + 13)
      return hasNumbers
        ? [
          box,
          .label(
            text(value), at: middle, class: color.isLight ? "dark" : "pale", anchor: "middle"),
        ] : [box]
    }
  }

  private func legend(at y: Double) -> [Markup] {
    let (steps, width) = (24, 144.0)
    let boxes = (0..<steps).map { step in
      Markup.rectangle(
        Rectangle(
          x: left + Double(step) * width / Double(steps), y: y,
          width: width / Double(steps) + 0.3, height: 10),
        fill: ColorRamp.heat((Double(step) + 0.5) / Double(steps)).code)
    }
    let ends: [Markup] = [
      .label("≤ \(text(domain.lowerBound))", at: Point(x: left, y: y + 24), class: "tick"),
      .label(
        "≥ \(text(domain.upperBound)) \(unit)", at: Point(x: left + width, y: y + 24),
        class: "tick", anchor: "end"),
    ]
    let exact: [Markup] = [
      .rectangle(Rectangle(x: left + width + 22, y: y, width: 14, height: 10), class: "exact"),
      .label("kept exactly", at: Point(x: left + width + 42, y: y + 9.5), class: "tick"),
    ]
    return boxes + ends + (hasExact ? exact : [])
  }
}
