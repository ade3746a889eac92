/// Areas in proportion to weights (Bruls, Huizing and van Wijk, Squarified Treemaps, 2000).
public enum TreeMap {
  /// Divides a frame into parts whose areas are in proportion to the weights and whose shapes are near squares.
  ///
  /// - Parameter weights: what is not positive or not finite gets an empty part.
  /// - Returns: a part for each weight, in the same order.
  public static func divide(_ frame: Rectangle, by weights: [Double]) -> [Rectangle] {
    var parts = [Rectangle](
      repeating: Rectangle(x: frame.x, y: frame.y, width: 0, height: 0), count: weights.count)
    let order = weights.indices.filter { weights[$0] > 0 && weights[$0].isFinite }
      .sorted { (weights[$1], $0) < (weights[$0], $1) }
    let total = order.reduce(0) { $0 + weights[$1] }
    guard total > 0, total.isFinite, frame.area > 0 else { return parts }
    var rest = frame
    var next = 0
    while next < order.count {
      let areas = order[next...].map { weights[$0] / total * frame.area }
      let strip = areas.prefix(stripLength(areas, side: min(rest.width, rest.height)))
      let isLast = strip.count == areas.count
      for (index, part) in zip(order[next...], cut(strip, from: &rest, isLast: isLast)) {
        parts[index] = part
      }
      next += strip.count
    }
    return parts
  }

  /// How many of the areas make the best strip along a side.
  private static func stripLength(_ areas: [Double], side: Double) -> Int {
    var sum = 0.0
    var best = Double.infinity
    for (count, area) in areas.enumerated() {
      sum += area
      // Areas fall, so the first and the last one have the worst shapes.
      let worst = max(side * side * areas[0] / (sum * sum), sum * sum / (side * side * area))
      guard worst <= best else { return count }
      best = worst
    }
    return areas.count
  }

  /// Lays a strip along the shorter side and takes it off the rest.
  private static func cut(
    _ areas: ArraySlice<Double>, from rest: inout Rectangle, isLast: Bool
  ) -> [Rectangle] {
    let isColumn = rest.width >= rest.height
    let side = isColumn ? rest.height : rest.width
    let sum = areas.reduce(0, +)
    // The last strip takes all that is left, so that rounding leaves no gap.
    let depth = isLast ? (isColumn ? rest.width : rest.height) : sum / side
    var start = isColumn ? rest.y : rest.x
    let parts = areas.map { area in
      let length = side * area / sum
      defer { start += length }
      return isColumn
        ? Rectangle(x: rest.x, y: start, width: depth, height: length)
        : Rectangle(x: start, y: rest.y, width: length, height: depth)
    }
    if isColumn {
      rest = Rectangle(
        x: rest.x + depth, y: rest.y, width: rest.width - depth, height: rest.height)
    } else {
      rest = Rectangle(
        x: rest.x, y: rest.y + depth, width: rest.width, height: rest.height - depth)
    }
    return parts
  }
}
