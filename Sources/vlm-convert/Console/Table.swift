/// Columns of text, padded to the same width.
struct Table {
  /// How a column is padded.
  enum Alignment { case left, right }

  private let titles: [String]
  private let alignments: [Alignment]
  private var rows = [[String]]()

  init(_ columns: [(title: String, alignment: Alignment)]) {
    titles = columns.map(\.title)
    alignments = columns.map(\.alignment)
  }

  mutating func add(_ row: [String]) { rows.append(row.map(\.printable)) }

  /// The lines of the table, titles first.
  var lines: [String] {
    let widths = titles.indices.map { column in
      ([titles] + rows).map { $0[column].count }.max() ?? 0
    }
    return ([titles] + rows).map { row in
      row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return alignments[column] == .left ? row[column] + padding : padding + row[column]
      }
      .joined(separator: "  ")
      .trimmingTrailingSpaces
    }
  }

  /// Prints the table to standard output.
  func print() {
    for (index, line) in lines.enumerated() {
      Console.print(index == 0 ? Console.bold(line) : line)
    }
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String {
    var text = self
    while text.hasSuffix(" ") { text.removeLast() }
    return text
  }
}
