/// Carries out one template for one conversation.
///
/// Names live in frames: the first holds the variables and what is assigned outside of blocks, a loop and a macro's
/// call add one each. A macro sees the first frame and its own, not those of its caller.
struct TemplateInterpreter {
  let program: TemplateProgram
  /// The line of the statement that is carried out.
  private(set) var line = 1
  private var frames: [[String: TemplateValue]]
  /// The frame of the macro that runs; those between it and the first are not seen.
  private var visibleFrames = 1
  private var output = ""
  private var depth = 0
  private var stepsLeft = ChatTemplateLimits.stepCount
  var iterators = [[TemplateValue]]()
  var namespaces = [TemplateMapping]()

  init(_ program: TemplateProgram, variables: [String: TemplateValue]) {
    self.program = program
    frames = [variables]
  }

  mutating func run() throws(ChatTemplateFault) -> String {
    _ = try execute(program.statements)
    return output
  }

  // Budgets.

  /// Counts steps; the template ends when none are left.
  mutating func spend(_ steps: Int) throws(ChatTemplateFault) {
    stepsLeft -= min(max(steps, 1), stepsLeft + 1)
    guard stepsLeft >= 0 else { throw .tooManySteps(limit: ChatTemplateLimits.stepCount) }
  }

  /// Counts the steps of making or comparing text.
  mutating func spend(bytes: Int) throws(ChatTemplateFault) {
    try spend(1 + bytes / ChatTemplateLimits.stepByteCount)
  }

  /// To be undone with `ascend`.
  mutating func descend() throws(ChatTemplateFault) {
    let limit = ChatTemplateLimits.evaluationDepth
    guard depth < limit else { throw .tooDeep("the evaluation", limit: limit) }
    depth += 1
  }

  mutating func ascend() { depth -= 1 }

  // Names.

  func lookUp(_ name: String) throws(ChatTemplateFault) -> TemplateValue {
    var index = frames.count - 1
    while index >= visibleFrames {
      if let value = frames[index][name] { return value }
      index -= 1
    }
    if let value = frames[0][name] { return value }
    if let function = TemplateFunction(rawValue: name) { return .function(function) }
    guard !TemplateFunction.refused.contains(name) else { throw .unsupported("“\(name)”") }
    return .undefined("“\(name)”")
  }

  mutating func assign(_ value: TemplateValue, to name: String) {
    frames[frames.count - 1][name] = value
  }

  private mutating func assign(
    _ value: TemplateValue, to target: TemplateTarget
  ) throws(ChatTemplateFault) {
    switch target {
    case .name(let name): assign(value, to: name)
    case .member(let member, let name):
      let object = try lookUp(name)
      guard case .namespace(let index) = object else {
        throw .inapplicable("assignment to “\(member)”", to: object.typeName)
      }
      try setMember(member, ofNamespace: index, to: value)
    case .tuple(let targets):
      let elements = try elements(of: value, for: "assignment to several names")
      guard elements.count == targets.count else {
        throw .inapplicable(
          "assignment to \(targets.count) names", to: "\(elements.count) elements")
      }
      for (target, element) in zip(targets, elements) { try assign(element, to: target) }
    }
  }

  mutating func setMember(
    _ name: String, ofNamespace index: Int, to value: TemplateValue
  ) throws(ChatTemplateFault) {
    guard !name.hasPrefix("_") else { throw .unsupported("the namespace member “\(name)”") }
    try namespaces[index].set(name, to: value)
  }

  // Statements.

  /// - Returns: how the loop around is to go on, if a statement said so.
  private mutating func execute(
    _ statements: [TemplateStatement]
  ) throws(ChatTemplateFault) -> TemplateLoopExit? {
    try descend()
    for statement in statements {
      try spend(1)
      if let exit = try execute(statement) {
        ascend()
        return exit
      }
    }
    ascend()
    return nil
  }

  private mutating func execute(
    _ statement: TemplateStatement
  ) throws(ChatTemplateFault) -> TemplateLoopExit? {
    switch statement {
    case .text(let text): try write(text)
    case .output(let expression, let line):
      self.line = line
      try write(try text(of: try value(of: expression)))
    case .choice(let branches, let otherwise):
      return try execute(branches, otherwise: otherwise)
    case .loop(let loop): try execute(loop)
    case .assignment(let target, let expression, let line):
      self.line = line
      try assign(try value(of: expression), to: target)
    case .capture(let target, let filters, let body, let line):
      try capture(body, filters: filters, into: target, line: line)
    case .macro(let index): assign(.macro(index), to: program.macros[index].name)
    case .scope(let body): try executeScoped(body)
    case .exit(let exit): return exit
    }
    return nil
  }

  private mutating func write(_ text: String) throws(ChatTemplateFault) {
    try spend(bytes: text.utf8.count)
    let limit = ChatTemplateLimits.textByteCount
    guard text.utf8.count <= limit - output.utf8.count else {
      throw .tooLong("the output", limit: limit)
    }
    output += text
  }

  private mutating func execute(
    _ branches: [TemplateBranch], otherwise: [TemplateStatement]
  ) throws(ChatTemplateFault) -> TemplateLoopExit? {
    for branch in branches {
      line = branch.line
      if try value(of: branch.condition).isTrue { return try execute(branch.body) }
    }
    return try execute(otherwise)
  }

  private mutating func executeScoped(
    _ body: [TemplateStatement]
  ) throws(ChatTemplateFault) {
    frames.append([:])
    _ = try execute(body)
    frames.removeLast()
  }

  private mutating func execute(_ loop: TemplateLoop) throws(ChatTemplateFault) {
    line = loop.line
    let elements = try selected(
      try elements(of: try value(of: loop.iterable), for: "a loop"), for: loop)
    guard !elements.isEmpty else { return try executeScoped(loop.otherwise) }
    let depth = elements.reduce(0) { max($0, $1.depth) } + 1
    for (index, element) in elements.enumerated() {
      line = loop.line
      try spend(1)
      frames.append([
        "loop": .loop(TemplateLoopPosition(elements: elements, index: index, depth: depth))
      ])
      try assign(element, to: loop.target)
      let exit = try execute(loop.body)
      frames.removeLast()
      if exit == .leave { return }
    }
  }

  private mutating func selected(
    _ elements: [TemplateValue], for loop: TemplateLoop
  ) throws(ChatTemplateFault) -> [TemplateValue] {
    guard let filter = loop.filter else { return elements }
    var selected = [TemplateValue]()
    for element in elements {
      frames.append([:])
      try assign(element, to: loop.target)
      if try value(of: filter).isTrue { selected.append(element) }
      frames.removeLast()
    }
    return selected
  }

  /// What a body writes instead of writing it.
  private mutating func captured(
    _ body: [TemplateStatement]
  ) throws(ChatTemplateFault) -> String {
    let outer = output
    output = ""
    _ = try execute(body)
    let text = output
    output = outer
    return text
  }

  private mutating func capture(
    _ body: [TemplateStatement], filters: [TemplateSuffix], into target: TemplateTarget, line: Int
  ) throws(ChatTemplateFault) {
    frames.append([:])
    var value = TemplateValue.string(try captured(body))
    frames.removeLast()
    self.line = line
    for filter in filters { value = try apply(filter, to: value) }
    try assign(value, to: target)
  }

  // Macros.

  mutating func call(
    macro index: Int, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    let macro = program.macros[index]
    let names = macro.parameters.map(\.name)
    let values = try arguments.bind(to: "the macro “\(macro.name)”", names)
    let (outerVisible, outerLine) = (visibleFrames, line)
    visibleFrames = frames.count
    frames.append([:])
    for (parameter, value) in zip(macro.parameters, values) {
      if let value {
        assign(value, to: parameter.name)
      } else if let fallback = parameter.fallback {
        assign(try self.value(of: fallback), to: parameter.name)
      } else {
        assign(.undefined("parameter “\(parameter.name)”"), to: parameter.name)
      }
    }
    let text = try captured(macro.body)
    frames.removeLast()
    (visibleFrames, line) = (outerVisible, outerLine)
    return .string(text)
  }
}
