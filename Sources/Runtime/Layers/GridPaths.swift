/// The orders in which a scan reads the patches of a grid.
struct GridPaths: Sendable {
  /// For each direction, the patch that stands at each place of the sequence.
  let orders: [[Int]]

  /// Paths of VMamba (arXiv:2401.10166) and VL-Mamba: rows, then columns for the cross scan, then each of these back.
  init(_ paths: GridScanDescription.Paths, rows: Int, columns: Int) {
    let byRows = Array(0..<rows * columns)
    let byColumns = byRows.map { $0 % rows * columns + $0 / rows }
    let forward = paths == .bidirectional ? [byRows] : [byRows, byColumns]
    orders = forward + forward.map { $0.reversed() }
  }

  /// Where each patch stands in a sequence.
  static func inverse(of order: [Int]) -> [Int] {
    var inverse = [Int](repeating: 0, count: order.count)
    for (place, patch) in order.enumerated() { inverse[patch] = place }
    return inverse
  }
}
