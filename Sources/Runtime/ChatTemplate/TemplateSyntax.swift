/// A template that was read: statements, and the macros that they refer to by index.
struct TemplateProgram: Sendable {
  let statements: [TemplateStatement]
  let macros: [TemplateMacro]
}

/// A part of a template that is carried out.
indirect enum TemplateStatement: Sendable {
  case text(String)
  case output(TemplateExpression, line: Int)
  case choice([TemplateBranch], otherwise: [TemplateStatement])
  case loop(TemplateLoop)
  case assignment(TemplateTarget, TemplateExpression, line: Int)
  /// Assigns what the body writes, after filters.
  case capture(TemplateTarget, filters: [TemplateSuffix], [TemplateStatement], line: Int)
  /// Binds the name of a macro.
  case macro(Int)
  /// A body whose assignments end with it.
  case scope([TemplateStatement])
  case exit(TemplateLoopExit)
}

/// A condition of `if` or `elif`, and what it guards.
struct TemplateBranch: Sendable {
  let line: Int
  let condition: TemplateExpression
  let body: [TemplateStatement]
}

/// A `for` statement.
struct TemplateLoop: Sendable {
  let line: Int
  let target: TemplateTarget
  let iterable: TemplateExpression
  let filter: TemplateExpression?
  let body: [TemplateStatement]
  /// Carried out if there is no element.
  let otherwise: [TemplateStatement]
}

/// A `macro` statement.
struct TemplateMacro: Sendable {
  struct Parameter: Sendable {
    let name: String
    let fallback: TemplateExpression?
  }

  let name: String
  let parameters: [Parameter]
  let body: [TemplateStatement]
}

/// How a pass through a loop can end early.
enum TemplateLoopExit: Sendable {
  case leave
  case proceed
}

/// What can be assigned to.
indirect enum TemplateTarget: Sendable {
  case name(String)
  case member(String, of: String)
  case tuple([TemplateTarget])
}

/// An expression. Operators of one level stand in one flat list, so that a long sum is not a deep tree.
indirect enum TemplateExpression: Sendable {
  case literal(TemplateValue)
  case name(String)
  case list([TemplateExpression])
  case tuple([TemplateExpression])
  case mapping([TemplatePair])
  case suffixed(TemplateExpression, [TemplateSuffix])
  case arithmetic(TemplateExpression, [TemplateOperation<TemplateArithmetic>])
  case comparison(TemplateExpression, [TemplateOperation<TemplateComparison>])
  /// `and`: the first false operand, or the last.
  case conjunction([TemplateExpression])
  /// `or`: the first true operand, or the last.
  case disjunction([TemplateExpression])
  case not(TemplateExpression)
  case signed(isNegative: Bool, TemplateExpression)
  case conditional(TemplateExpression, if: TemplateExpression, otherwise: TemplateExpression?)
}

/// An entry of a mapping literal.
struct TemplatePair: Sendable {
  let key: TemplateExpression
  let value: TemplateExpression
}

/// An operator and what stands to the right of it.
struct TemplateOperation<Operator: Sendable>: Sendable {
  let symbol: Operator
  let operand: TemplateExpression
}

/// The operators that make a value of two.
enum TemplateArithmetic: String, Sendable {
  case add = "+"
  case subtract = "-"
  case concatenate = "~"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case modulo = "%"
}

/// The operators that compare.
enum TemplateComparison: String, Sendable {
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case isIn = "in"
  case isNotIn = "not in"
}

/// What can follow an operand.
enum TemplateSuffix: Sendable {
  case attribute(String)
  case item(TemplateExpression)
  case slice(start: TemplateExpression?, stop: TemplateExpression?, step: TemplateExpression?)
  case call(TemplateArgumentList)
  case filter(String, TemplateArgumentList)
  case test(String, TemplateArgumentList, isNegated: Bool)
}

/// The arguments of a call, not yet evaluated.
struct TemplateArgumentList: Sendable {
  struct Named: Sendable {
    let name: String
    let value: TemplateExpression
  }

  var positional = [TemplateExpression]()
  var named = [Named]()
}
