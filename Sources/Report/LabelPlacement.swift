/// Finds places for labels beside their points.
enum LabelPlacement {
  /// Places of labels, one after the other, where they cover least of the points, of what else is there and of the
  /// labels before them.
  ///
  /// - Parameters:
  ///   - sizes: width and height of each label; `points` has as many.
  ///   - obstacles: what must stay visible besides the points.
  static func places(
    of sizes: [(width: Double, height: Double)], beside points: [Point],
    obstacles: [Rectangle], in frame: Rectangle
  ) -> [Rectangle] {
    let reach = 7.0
    var taken =
      obstacles
      + points.map { Rectangle(x: $0.x - 5, y: $0.y - 5, width: 10, height: 10) }
    var places = [Rectangle]()
    for (size, point) in zip(sizes, points) {
      let left = point.x - reach - size.width
      let right = point.x + reach
      let middle = point.x - size.width / 2
      let corners = [
        (right, point.y - reach - size.height * 0.6), (left, point.y + reach - size.height * 0.4),
        (right, point.y + reach - size.height * 0.4), (left, point.y - reach - size.height * 0.6),
        (middle, point.y - reach - size.height), (middle, point.y + reach),
        (right, point.y - size.height / 2), (left, point.y - size.height / 2),
        (middle, point.y - 2 * reach - size.height), (middle, point.y + 2 * reach),
      ]
      let candidates = corners.map {
        Rectangle(x: $0.0, y: $0.1, width: size.width, height: size.height)
      }
      func cost(_ place: Rectangle) -> Double {
        let outside = place.area - place.overlap(frame)
        return taken.reduce(outside * 3) { $0 + $1.overlap(place) }
      }
      var best = candidates[0]
      for candidate in candidates where cost(candidate) < cost(best) - 1e-9 { best = candidate }
      places.append(best)
      taken.append(best)
    }
    return places
  }
}
