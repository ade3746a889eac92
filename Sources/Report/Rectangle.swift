/// A place in a drawing; y grows downwards.
struct Point: Sendable, Equatable {
  var x: Double
  var y: Double
}

/// A part of a drawing, its corner at the upper left.
public struct Rectangle: Sendable, Equatable {
  /// The left side.
  public var x: Double
  /// The upper side.
  public var y: Double
  /// From the left side to the right one.
  public var width: Double
  /// From the upper side to the lower one.
  public var height: Double

  /// A part of a drawing.
  public init(x: Double, y: Double, width: Double, height: Double) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  /// Width times height.
  public var area: Double { width * height }
  var right: Double { x + width }
  var bottom: Double { y + height }

  /// The area that two parts share.
  public func overlap(_ other: Rectangle) -> Double {
    let width = min(right, other.right) - max(x, other.x)
    let height = min(bottom, other.bottom) - max(y, other.y)
    return width > 0 && height > 0 ? width * height : 0
  }

  /// This part without a margin.
  func inset(by margin: Double) -> Rectangle {
    Rectangle(
      x: x + margin, y: y + margin, width: max(0, width - 2 * margin),
      height: max(0, height - 2 * margin))
  }
}
