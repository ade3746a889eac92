import Format
import Runtime
import Testing

/// A template and the fault that it ends with.
struct RefusedTemplate: Sendable, CustomStringConvertible {
  let source: String
  let line: Int?
  let fault: ChatTemplateFault

  var description: String { String(source.prefix(60)) }

  init(_ source: String, line: Int? = 1, _ fault: ChatTemplateFault) {
    self.source = source
    self.line = line
    self.fault = fault
  }
}

@Suite struct ChatTemplateRefusalTests {
  private func outcome(of source: String) throws(ChatTemplateError) -> String {
    try ChatTemplate(source: source, file: "template").render(
      [ChatMessage(role: .user, content: "Hello")], addGenerationPrompt: true)
  }

  private static let unsupported = [
    ("{% include 'x' %}", "the statement “include”"),
    ("{% import 'x' as y %}", "the statement “import”"),
    ("{% raw %}{% endraw %}", "the statement “raw”"),
    ("{% with a = 1 %}{% endwith %}", "the statement “with”"),
    ("{% call f() %}{% endcall %}", "the statement “call”"),
    ("{% block a %}{% endblock %}", "the statement “block”"),
    ("{% filter upper %}{% endfilter %}", "the statement “filter”"),
    ("{% do 1 %}", "the statement “do”"),
    ("{% for x in [1] recursive %}{% endfor %}", "a recursive loop"),
    ("{% for x in [1] %}{% macro f() %}{% endmacro %}{% endfor %}", "a macro inside a block"),
    ("{% macro f() %}{{ caller() }}{% endmacro %}", "“caller” in a macro"),
    ("{% for x in [1] %}{% set loop = 1 %}{% endfor %}", "an assignment to “loop”"),
    ("{% set true = 1 %}", "an assignment to “true”"),
    ("{{ 2 ** 3 }}", "the operator “**”"),
    ("{{ '%s' % 1 }}", "the operator “%” on a text"),
    ("{{ 1_000 }}", "the number “1_…”"),
    ("{{ 012 }}", "the number “012”"),
    ("{{ é }}", nil),
    ("{{ '\\N{DASH}' }}", "the escape “\\N”"),
    ("{{ f(*messages) }}", "an argument that is unpacked"),
    ("{{ messages[0, 1] }}", "an item with several positions"),
    ("{{ 1 if 1 if 1 }}", "“if” after “if” in an expression"),
    ("{{ strftime_now('%Y') }}", "“strftime_now”"),
    ("{{ 1 if strftime_now is defined }}", "“strftime_now”"),
    ("{{ lipsum() }}", "“lipsum”"),
    ("{{ cycler(1) }}", "“cycler”"),
    ("{{ joiner() }}", "“joiner”"),
    ("{{ 'a'|urlencode }}", "the filter “urlencode”"),
    ("{{ [2, 1]|sort }}", "the filter “sort”"),
    ("{{ 'a'|safe|upper }}", "the filter “safe”"),
    ("{{ '1'|int(0, 2) }}", "the argument “base” of “int”"),
    ("{{ '1_0'|int }}", "the filter “int” of “1_0”"),
    ("{{ 'Σ'|lower }}", "lower case of “Σ”, which depends on its place,"),
    ("{{ {}|tojson(sort_keys=true) }}", "the argument “sort_keys” of “tojson”"),
    ("{{ 1 is sameas 1 }}", "the test “sameas”"),
    ("{{ 'a' is lower }}", "the test “lower”"),
    ("{{ [1].append(2) }}", "“append” of a list"),
    ("{{ {}.update({}) }}", "“update” of a mapping"),
    ("{{ 'a'.encode() }}", "“encode” of a text"),
    ("{{ 'a'.format() }}", "“format” of a text"),
    ("{{ 'a'['__class__'] }}", "the attribute “__class__”"),
    ("{{ ''.__class__ }}", "the attribute “__class__”"),
    ("{{ (1).real }}", "“real” of an integer"),
    ("{{ {1: 2} }}", "an integer as a key"),
    ("{% for x in [1] %}{{ loop.cycle(1) }}{% endfor %}", "“loop.cycle”"),
    ("{% set ns = namespace(_a=1) %}", "the namespace member “_a”"),
    ("{{ dict([1]) }}", "“dict” of a list"),
    ("{{ range(2) }}", "writing a range"),
    ("{{ {}.keys() }}", "writing a view"),
    ("{{ namespace() }}", "writing a namespace"),
    ("{{ 'a'.strip }}", "writing a function"),
    ("{{ [1]|map('string') }}", "writing an iterator"),
    ("{{ raise_exception.x }}", "“x” of a function"),
    ("{{ {}.keys() == {}.keys() }}", "a comparison of a view"),
    ("{{ [1] < [2] }}", "an order of a list"),
    ("{{ (1, 2) in {} }}", "“in” of a tuple and a mapping"),
    ("{{ range == range }}", "a comparison of a function with another"),
    ("{% for x in [1] %}{% for y in loop %}{% endfor %}{% endfor %}", "a loop over “loop”"),
  ]

  @Test(arguments: unsupported)
  func `what is not supported is refused by name`(source: String, what: String?) {
    let error = #expect(throws: ChatTemplateError.self) { try outcome(of: source) }
    let what = what ?? "a name with “é”"
    let isSymbol = source == "{{ é }}"
    let expected: ChatTemplateFault =
      isSymbol ? .syntax(expected: "an expression", found: "“é”") : .unsupported(what)
    #expect(error == ChatTemplateError(file: "template", line: 1, fault: expected))
  }

  private static let refused = [
    RefusedTemplate("\n{{ x", line: 2, .syntax(expected: "“}}”", found: "the end of the template")),
    RefusedTemplate("{% if x", .syntax(expected: "“%}”", found: "the end of the template")),
    RefusedTemplate(
      "a\n{# x", line: 2, .syntax(expected: "“#}”", found: "the end of the template")),
    RefusedTemplate(
      "{{ 'x }}", .syntax(expected: "the end of the string", found: "the end of the template")),
    RefusedTemplate(
      "{{ 'x\\", .syntax(expected: "the end of the string", found: "the end of the template")),
    RefusedTemplate(
      "{{ '\\ud83d' }}",
      .syntax(expected: "4 hexadecimal digits of a code point", found: "another escape")),
    RefusedTemplate("{{ ab\u{e9} }}", .unsupported("a name with “é”")),
    RefusedTemplate("{{ 1 ? 2 }}", .syntax(expected: "an expression", found: "“?”")),
    RefusedTemplate(
      "{{ (1] }}", .syntax(expected: "the bracket that was opened last", found: "“]”")),
    RefusedTemplate("{{ 1 2 }}", .syntax(expected: "“}}”", found: "a number")),
    RefusedTemplate("{{ }}", .syntax(expected: "an expression", found: "“}}”")),
    RefusedTemplate("{% 1 %}", .syntax(expected: "the name of a statement", found: "a number")),
    RefusedTemplate(
      "{% if 1 %}\n\na", line: 3,
      .syntax(expected: "“elif” or “else” or “endif”", found: "the end of the template")),
    RefusedTemplate("{% for x of y %}", .syntax(expected: "“in”", found: "“of”")),
    RefusedTemplate("{% for 1 in y %}", .syntax(expected: "a name", found: "a number")),
    RefusedTemplate("{% break %}", .syntax(expected: "a loop around it", found: "“break”")),
    RefusedTemplate("{% macro f(a=1, b) %}{% endmacro %}", .syntax(expected: "“=”", found: "“)”")),
    RefusedTemplate(
      "{% macro f(a, a) %}{% endmacro %}",
      .syntax(expected: "different parameters", found: "“a” twice")),
    RefusedTemplate(
      "{{ f(a=1, a=2) }}", .syntax(expected: "different names of arguments", found: "“a” twice")),
    RefusedTemplate("{{ f(a=1, 2) }}", .syntax(expected: "a name and “=”", found: "a number")),
    RefusedTemplate(
      "\n{{ 1 is none is none }}", line: 2, .syntax(expected: "one test", found: "“is”")),
    RefusedTemplate("a\n{{\nmissing.a }}", line: 2, .undefined("“missing”")),
    RefusedTemplate("{{ messages[7].role }}", .undefined("an item of a list")),
    RefusedTemplate("{{ messages[0].name.first }}", .undefined("“name” of a mapping")),
    RefusedTemplate("{{ missing() }}", .undefined("“missing”")),
    RefusedTemplate("{{ (1 if false) + 1 }}", .undefined("an expression whose “if” is false")),
    RefusedTemplate("{{ 'a' + 1 }}", .inapplicable("the operator “+”", to: "a text")),
    RefusedTemplate("{{ 'a' < 1 }}", .inapplicable("an order", to: "a text")),
    RefusedTemplate("{{ 1() }}", .inapplicable("a call", to: "an integer")),
    RefusedTemplate("{{ -'a' }}", .inapplicable("a sign", to: "a text")),
    RefusedTemplate(
      "{{ 'a'.strip(chars='a') }}", .inapplicable("“strip”", to: "an argument “chars”")),
    RefusedTemplate(
      "{{ 'a'|trim(char='a') }}", .inapplicable("the filter “trim”", to: "an argument “char”")),
    RefusedTemplate("{{ 'a'|upper(1) }}", .inapplicable("the filter “upper”", to: "1 arguments")),
    RefusedTemplate(
      "{{ 'a'|replace('a') }}", .inapplicable("the filter “replace”", to: "fewer than 2 arguments")),
    RefusedTemplate(
      "{% for a, b in [[1]] %}{% endfor %}",
      .inapplicable("assignment to 2 names", to: "1 elements")),
    RefusedTemplate(
      "{% set a.b = 1 %}", .inapplicable("assignment to “b”", to: "“a”, which is undefined")),
    RefusedTemplate("{{ 1 // 0 }}", .impossibleArithmetic("1 // 0")),
    RefusedTemplate("{{ 1.5 % 0 }}", .impossibleArithmetic("1.5 % 0")),
    RefusedTemplate(
      "{{ 9223372036854775807 + 1 }}", .impossibleArithmetic("9223372036854775807 + 1")),
    RefusedTemplate(
      "{{ (-9223372036854775807 - 1) // -1 }}", .impossibleArithmetic("-9223372036854775808 // -1")),
    RefusedTemplate("{{ 9223372036854775808 }}", .unsupported("the number “9223372036854775808”")),
    RefusedTemplate("{{ 1e300|int }}", .impossibleArithmetic("the filter “int” of 1e+300")),
    RefusedTemplate("{{ 'a'[::0] }}", .impossibleArithmetic("a slice with step 0")),
    RefusedTemplate("{{ range(0, 1, 0) }}", .impossibleArithmetic("a range with step 0")),
    RefusedTemplate(
      "a\n\n{{ raise_exception('no ' ~ messages[0].role) }}", line: 3, .raised("no user")),
  ]

  @Test(arguments: refused)
  func `a fault is named with its line`(template: RefusedTemplate) {
    let error = #expect(throws: ChatTemplateError.self) { try outcome(of: template.source) }
    #expect(
      error == ChatTemplateError(file: "template", line: template.line, fault: template.fault))
  }

  @Test(arguments: ["messages", "tools", "documents", "add_generation_prompt"])
  func `a variable with a reserved name is refused`(name: String) throws {
    let template = try ChatTemplate(source: "", file: "template")
    let error = #expect(throws: ChatTemplateError.self) {
      try template.render([], addGenerationPrompt: false, variables: [name: ""])
    }
    #expect(error == ChatTemplateError(file: "template", fault: .reservedVariable(name)))
    #expect(error?.kind == .usage)
  }

  @Test func `a template that refuses a conversation is the caller's concern`() {
    let error = #expect(throws: ChatTemplateError.self) {
      try outcome(of: "{{ raise_exception('Only one system message.') }}")
    }
    #expect(error?.kind == .usage)
    #expect(
      error?.description
        == "template, line 1: the template refuses the conversation: Only one system message.")
  }

  @Test func `a name of jinja2 that is refused may be given as a variable`() throws {
    let template = try ChatTemplate(
      source: "{{ date_string if date_string is defined else strftime_now('%Y') }}",
      file: "template")
    let text = try template.render(
      [], addGenerationPrompt: false, variables: ["date_string": "26 Jul 2024"])
    #expect(text == "26 Jul 2024")
  }
}
