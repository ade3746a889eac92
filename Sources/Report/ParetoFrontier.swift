/// Which of some choices are worth their cost.
public enum ParetoFrontier {
  /// The choices that no other one beats, by rising cost.
  ///
  /// One choice beats another if neither its cost nor its loss is larger and one of them is smaller. Of choices that are
  /// equal in both all stay.
  ///
  /// - Parameter points: cost and loss of every choice; those that are not finite never belong to the frontier.
  /// - Returns: indices of `points`.
  public static func indices(of points: [(cost: Double, loss: Double)]) -> [Int] {
    let order = points.indices
      .filter { points[$0].cost.isFinite && points[$0].loss.isFinite }
      .sorted {
        (points[$0].cost, points[$0].loss, $0) < (points[$1].cost, points[$1].loss, $1)
      }
    var frontier = [Int]()
    for index in order {
      guard let last = frontier.last.map({ points[$0] }) else {
        frontier.append(index)
        continue
      }
      let isEqual = points[index].cost == last.cost && points[index].loss == last.loss
      if isEqual || points[index].loss < last.loss { frontier.append(index) }
    }
    return frontier
  }
}
