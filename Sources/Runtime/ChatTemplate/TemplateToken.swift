/// A piece of a template's text.
enum TemplateToken: Equatable, Sendable {
  /// Text outside of tags, whitespace control carried out.
  case text(String)
  /// `{{`
  case outputStart
  /// `}}`
  case outputEnd
  /// `{%`
  case statementStart
  /// `%}`
  case statementEnd
  /// A name or a keyword; the grammar tells them apart by place.
  case name(String)
  case string(String)
  case integer(Int)
  case number(Double)
  /// An operator or a bracket.
  case symbol(String)
  /// The end of the template.
  case end

  /// How an error calls it.
  var name: String {
    switch self {
    case .text: "text"
    case .outputStart: "“{{”"
    case .outputEnd: "“}}”"
    case .statementStart: "“{%”"
    case .statementEnd: "“%}”"
    case .name(let name): "“\(name)”"
    case .string: "a string"
    case .integer, .number: "a number"
    case .symbol(let symbol): "“\(symbol)”"
    case .end: "the end of the template"
    }
  }
}

/// A token and the line where it begins, counted from one.
struct PlacedTemplateToken: Sendable {
  let token: TemplateToken
  let line: Int
}
