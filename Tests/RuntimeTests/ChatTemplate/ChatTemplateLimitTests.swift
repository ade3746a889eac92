import Format
import Runtime
import Testing

@Suite struct ChatTemplateLimitTests {
  private func fault(of source: String, content: String = "x") -> ChatTemplateFault? {
    let error = #expect(throws: ChatTemplateError.self) {
      try ChatTemplate(source: source, file: "template").render(
        [ChatMessage(role: .user, content: content)], addGenerationPrompt: false)
    }
    #expect(error?.kind == .limitExceeded)
    return error?.fault
  }

  private static let steps = ChatTemplateFault.tooManySteps(limit: 4_000_000)
  private static let text = ChatTemplateFault.tooLong("a text", limit: 16 << 20)
  private static let range = ChatTemplateFault.tooLong("a range", limit: 100_000)
  private static let evaluation = ChatTemplateFault.tooDeep("the evaluation", limit: 64)
  private static let value = ChatTemplateFault.tooDeep("a value", limit: 32)

  private static let hostile = [
    ("{{ range(1000000000000) }}", range),
    ("{{ range(-9223372036854775807, 9223372036854775807, 1) }}", range),
    (
      "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}"
        + "{% endfor %}{% endfor %}{% endfor %}", steps
    ),
    ("{% for a in range(99999) %}{% set b = 'x' * 99999 %}{% endfor %}", steps),
    (
      "{% set n = namespace(x='x') %}{% for a in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
      steps
    ),
    (
      "{% set n = namespace(x=[1]) %}{% for a in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
      steps
    ),
    (
      "{% set n = namespace(x=[1]) %}{% for a in range(99) %}{% set n.x = [n.x] %}{% endfor %}",
      value
    ),
    (
      "{% set n = namespace(x={}) %}{% for a in range(99) %}{% set n.x = {'a': n.x} %}{% endfor %}",
      value
    ),
    (
      "{% set n = namespace(x=[1]) %}{% for a in range(25) %}{% set n.x = [n.x, n.x] %}{% endfor %}"
        + "{{ n.x|tojson }}", steps
    ),
    (
      "{% set n = namespace(x=[1]) %}{% for a in range(25) %}{% set n.x = [n.x, n.x] %}{% endfor %}"
        + "{{ n.x == n.x }}", steps
    ),
    ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", evaluation),
    ("{% macro f(n) %}{% if n %}{{ f([n, n]) }}{% endif %}{% endmacro %}{{ f(1) }}", evaluation),
    ("{{ 'x' * 9223372036854775807 }}", text), ("{{ 'xx' * 9223372036854775807 }}", text),
    ("{{ [1] * 9223372036854775807 }}", steps),
    ("{{ ('x' * 99999)|replace('x', 'y' * 9999) }}", text),
    ("{{ ('x' * 99999)|replace('', 'y' * 9999) }}", text),
    ("{{ ('\n' * 9999)|indent(9999, true, true) }}", text),
    ("{{ 'x'|indent(9223372036854775807) }}", text), ("{{ range(99999)|join('x' * 999) }}", text),
    ("{{ ('x' * 9999999 ~ 'y') in ('x' * 16000000) }}", steps),
    ("{{ [1]|tojson(indent=1000) }}", .tooLong("an indentation", limit: 16)),
  ]

  @Test(arguments: hostile)
  func `a hostile template ends with an error`(source: String, expected: ChatTemplateFault) {
    #expect(fault(of: source) == expected)
  }

  @Test func `a part that is looked for far and wide costs steps`() {
    let source = "{{ ('x' * 40000 ~ 'y') in messages[0].content }}"
    #expect(fault(of: source, content: String(repeating: "x", count: 100_000)) == Self.steps)
  }

  @Test func `output is limited`() {
    let source = "{% for a in range(20) %}{{ messages[0].content }}{% endfor %}"
    let content = String(repeating: "x", count: 1 << 20)
    #expect(fault(of: source, content: content) == .tooLong("the output", limit: 16 << 20))
  }

  @Test func `a long template is refused and one at the limit accepted`() throws {
    let limit = 1 << 20
    let text = String(repeating: "x", count: limit)
    let template = try ChatTemplate(source: text, file: "template")
    #expect(try template.render([], addGenerationPrompt: false) == text)
    #expect(fault(of: text + "x") == .tooLong("the template", limit: limit))
  }

  private static let nested = [
    ("(", "1", ")"), ("[", "1", "]"), ("{'a': ", "1", "}"), ("- ", "1", ""), ("f(", "1", ")"),
    ("1 if 1 else ", "1", ""), ("x[", "1", "]"), ("'a'|d(", "1", ")"),
  ]

  @Test(arguments: nested)
  func `deep expressions are refused`(opening: String, inner: String, closing: String) {
    for depth in [33, 100_000 / opening.utf8.count] {
      let source =
        "{{ " + String(repeating: opening, count: depth) + inner
        + String(repeating: closing, count: depth) + " }}"
      #expect(fault(of: source) == .tooDeep("the template", limit: 32))
    }
  }

  @Test(arguments: [("{% if 1 %}", "{% endif %}"), ("{% for x in [1] %}", "{% endfor %}")])
  func `deep statements are refused`(opening: String, closing: String) {
    for depth in [33, 20_000] {
      let source =
        String(repeating: opening, count: depth) + String(repeating: closing, count: depth)
      #expect(fault(of: source) == .tooDeep("the template", limit: 32))
    }
  }

  private static let long = [
    (" + 1", "100001"), (" ~ 1", String(repeating: "1", count: 100_001)), (" and 1", "1"),
    (" or 0", "1"), (" == 1", "True"), ("|string", "1"), ("|d()", "1"), (" * 1", "1"),
  ]

  @Test(arguments: long)
  func `a long chain of operators is no deep one`(link: String, expected: String) throws {
    let count = link == " == 1" ? 3 : 100_000
    let source = "{{ 1" + String(repeating: link, count: count) + " }}"
    let text = try ChatTemplate(source: source, file: "template")
      .render([], addGenerationPrompt: false)
    #expect(text == expected)
  }

  @Test func `many negations are no deep expression`() throws {
    let source = "{{ " + String(repeating: "not ", count: 100_001) + "1 }}"
    let text = try ChatTemplate(source: source, file: "template")
      .render([], addGenerationPrompt: false)
    #expect(text == "False")
  }

  @Test func `ordinary nesting stays within the limits`() throws {
    let depth = 30
    let source =
      "{{ " + String(repeating: "(", count: depth) + "1" + String(repeating: ")", count: depth)
      + " }}"
    let text = try ChatTemplate(source: source, file: "template")
      .render([], addGenerationPrompt: false)
    #expect(text == "1")
  }
}
