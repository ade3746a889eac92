import Foundation
import Format
import Runtime
import Testing

@Suite struct ChatTemplateTests {
  @Test func `the stored outcomes are complete`() {
    let families = ChatFixture.families
    #expect(families.templates.count >= 25)
    #expect(families.conversations.count >= 8)
    for family in families.templates {
      #expect(family.outcomes.map(\.count) == families.conversations.map { _ in 2 })
    }
    #expect(ChatFixture.expressions.cases.count > 600)
  }

  @Test(arguments: ChatFixture.families.templates)
  func `a template gives what transformers gives`(family: ChatFixture.Family) {
    let fixture = ChatFixture.families
    for (messages, outcomes) in zip(fixture.conversations, family.outcomes) {
      for (addGenerationPrompt, expected) in zip([false, true], outcomes) {
        let found = ChatFixture.outcome(
          of: family.template, messages, addGenerationPrompt: addGenerationPrompt,
          variables: fixture.variables)
        #expect(isSame(found, expected), "\(messages), \(addGenerationPrompt)")
      }
    }
  }

  @Test func `expressions and random templates give what transformers gives`() {
    let fixture = ChatFixture.expressions
    for stored in fixture.cases {
      let found = ChatFixture.outcome(
        of: stored.template, fixture.messages, variables: fixture.variables)
      #expect(isSame(found, stored.outcome), "\(stored.template)")
    }
  }

  /// Compares bytes: "é" in one and in two code points must not count as the same.
  private func isSame(_ left: ChatFixture.Outcome, _ right: ChatFixture.Outcome) -> Bool {
    guard case .text(let found) = left, case .text(let expected) = right else {
      return left == right
    }
    return ExactString(found) == ExactString(expected)
  }

  @Test func `line ends of other systems count as newlines`() throws {
    let template = try ChatTemplate(
      source: "{% if true %}\r\na\r\n{% endif %}\rb\r\n", file: "template")
    #expect(try template.render([], addGenerationPrompt: false) == "a\nb")
  }
}
