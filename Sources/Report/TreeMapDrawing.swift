import Foundation

/// Sizes of things that have parts, as areas.
public struct TreeMapDrawing: Sendable {
  /// A thing.
  public struct Node: Sendable {
    /// What it is called.
    public var name: String
    /// Its size if it has no parts.
    public var size: Double
    /// What it consists of.
    public var parts: [Node]
    /// The number of its colour, which its parts take over unless they have their own.
    public var color: Int?

    /// A thing without parts.
    public init(name: String, size: Double, color: Int? = nil) {
      self.name = name
      self.size = size
      self.color = color
      parts = []
    }

    /// A thing with parts.
    public init(name: String, parts: [Node], color: Int? = nil) {
      self.name = name
      self.parts = parts
      self.color = color
      size = 0
    }

    /// The size, of all its parts together if it has any.
    public var total: Double { parts.isEmpty ? size : parts.reduce(0) { $0 + $1.total } }
  }

  /// What the drawing shows.
  public var title: String
  /// What sizes are measured in.
  public var unit: String
  /// The thing that fills the drawing.
  public var root: Node

  /// A drawing.
  public init(title: String, unit: String, root: Node) {
    self.title = title
    self.unit = unit
    self.root = root
  }

  private static let frame = Rectangle(x: 0, y: 0, width: 1120, height: 420)

  /// The drawing.
  ///
  /// - Parameter identifier: unique in the page.
  public func drawing(_ identifier: String) -> Markup {
    let largest = root.parts.sorted { $0.total > $1.total }.prefix(3)
      .map { "\($0.name) \(share($0.total))" }
    let (legend, bottom) = legend
    return .drawing(
      identifier, width: Self.frame.width, height: bottom, title: title,
      description: "Areas are \(unit). Largest: \(largest.joined(separator: ", ")).",
      draw(root, in: Self.frame, path: [], color: nil, depth: 0) + legend)
  }

  /// What colours mean, in as many lines as that takes, and where the last one ends.
  private var legend: (marks: [Markup], bottom: Double) {
    var marks = [Markup]()
    var corner = Point(x: 0, y: Self.frame.bottom + 14)
    let colors = Self.colors(below: root)
      .sorted { ($0.value, $0.key) < ($1.value, $1.key) }
    for (name, color) in colors {
      let width = Double(name.count) * 7 + 34
      if corner.x > 0, corner.x + width > Self.frame.width {
        corner = Point(x: 0, y: corner.y + 18)
      }
      let box = Rectangle(x: corner.x, y: corner.y, width: 14, height: 10)
      marks.append(.rectangle(box, fill: ColorRamp.kind(color).code))
      marks.append(
        .label(name, at: Point(x: corner.x + 20, y: corner.y + 9.5), class: "tick"))
      corner.x += width
    }
    return (marks, corner.y + 16)
  }

  /// The colours that can be told apart, by the names of the things that have them.
  private static func colors(below node: Node) -> [String: Int] {
    let own = node.color.flatMap { ColorRamp.kinds.contains($0) ? [node.name: $0] : nil } ?? [:]
    return node.parts.reduce(into: own) { colors, part in
      colors.merge(Self.colors(below: part)) { first, _ in first }
    }
  }

  private func share(_ size: Double) -> String {
    String(format: "%.1f %%", size / max(root.total, 1) * 100)
  }

  private func draw(
    _ node: Node, in frame: Rectangle, path: [String], color: Int?, depth: Int
  ) -> [Markup] {
    guard frame.width > 0.05, frame.height > 0.05 else { return [] }
    guard !node.parts.isEmpty else { return leaf(node, in: frame, path, color, depth) }
    let frames = TreeMap.divide(frame, by: node.parts.map(\.total))
    let parts = zip(node.parts, frames).flatMap { part, frame in
      draw(
        part, in: frame, path: path + [part.name], color: part.color ?? color, depth: depth + 1)
    }
    guard depth > 0 else { return parts }
    return parts + [.rectangle(frame, class: depth == 1 ? "group" : "subgroup")]
      + caption(node, in: frame, depth)
  }

  /// The name of a group in its upper left corner, where it fits.
  private func caption(_ node: Node, in frame: Rectangle, _ depth: Int) -> [Markup] {
    let line = 14.0
    // The captions of a group and of its first part would lie over each other.
    let y = frame.y + line + (depth > 1 ? line : 0)
    let text = "\(node.name) \(share(node.total))"
    guard let label = [text, node.name].first(where: { Double($0.count) * 7 < frame.width - 8 }),
      frame.height > y - frame.y + 5
    else { return [] }
    return [.label(label, at: Point(x: frame.x + 5, y: y), class: "caption")]
  }

  private func leaf(
    _ node: Node, in frame: Rectangle, _ path: [String], _ color: Int?, _ depth: Int
  ) -> [Markup] {
    let title = "\(path.joined(separator: ", ")): \(Int(node.size)) \(unit), \(share(node.size))"
    let gap = min(0.6, frame.width / 8, frame.height / 8)
    let box = Markup.rectangle(
      frame.inset(by: gap), fill: ColorRamp.kind(color ?? Int.max).code, title: title)
    let isAlone = depth < 2
    guard !isAlone else { return [box] + caption(node, in: frame, depth) }
    // The captions of the groups around it have their lines at the top.
    guard frame.height > 18 * Double(depth) - 2, Double(node.name.count) * 7 < frame.width - 8
    else { return [box] }
    let corner = Point(x: frame.right - 5, y: frame.bottom - 6)
    return [box, .label(node.name, at: corner, class: "dark", anchor: "end")]
  }
}
