import Testing

@testable import Runtime

@Suite struct RespondentTests {
  @Test(arguments: [
    ([], []), ([[1, 2, 3]], []), ([[1, 2, 3], [1, 2, 4]], [1, 2]), ([[1, 2], [1, 2]], [1]),
    ([[1, 2, 3], [1, 2]], [1]), ([[1], [1]], []), ([[1, 2], []], []), ([[], []], []),
    ([[1, 2], [2, 2]], []), ([[5, 6, 7, 8], [5, 6, 7, 9], [5, 6, 1, 8]], [5, 6]),
  ])
  func `prompts share the tokens they all begin with, but no whole prompt`(
    prompts: [[Int]], shared: [Int]
  ) {
    #expect(Respondent.sharedBeginning(of: prompts) == shared)
  }
}
