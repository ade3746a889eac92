import Quant

/// Recipes in order of size, from the coarsest to the finest of a family of encodings.
protocol BudgetLadder {
  /// The letter that names of the family begin with.
  var family: String { get }
  /// The positions on the ladder.
  var range: ClosedRange<Int> { get }
  /// A position near which to find files of that size.
  func position(forBytes bytes: Int) -> Int
  /// How much a step adds to the bytes of a file, about.
  var bytesPerStep: Double { get }
  /// The recipe at a position; files grow with positions.
  func recipe(at position: Int) -> Recipe
}

extension Recipe.Rule {
  /// The same rule with an encoding that a budget chose.
  func budgeted(_ encoding: String) -> Recipe.Rule {
    var rule = self
    rule.encoding = encoding
    rule.reason = "bit budget" + (rule.reason.map { ": " + $0 } ?? "")
    return rule
  }
}
