import Testing

@testable import Runtime

@Suite struct GridPathsTests {
  @Test func `a bidirectional path reads rows forth and back`() {
    let paths = GridPaths(.bidirectional, rows: 2, columns: 3)
    #expect(paths.orders == [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]])
  }

  @Test func `a cross path reads rows and columns, then both back`() {
    let paths = GridPaths(.cross, rows: 2, columns: 3)
    #expect(
      paths.orders == [
        [0, 1, 2, 3, 4, 5], [0, 3, 1, 4, 2, 5], [5, 4, 3, 2, 1, 0], [5, 2, 4, 1, 3, 0],
      ])
  }

  @Test(arguments: [(1, 1), (1, 4), (4, 1), (3, 2), (5, 7)])
  func `every direction visits every patch, and can be undone`(rows: Int, columns: Int) {
    for kind in [GridScanDescription.Paths.bidirectional, .cross] {
      let orders = GridPaths(kind, rows: rows, columns: columns).orders
      #expect(orders.count == kind.directions)
      for order in orders {
        #expect(order.sorted() == Array(0..<rows * columns))
        let inverse = GridPaths.inverse(of: order)
        #expect(inverse.map { order[$0] } == Array(0..<rows * columns))
      }
    }
  }
}
