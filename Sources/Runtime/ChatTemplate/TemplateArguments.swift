/// The evaluated arguments of a call.
struct TemplateArguments {
  var positional = [TemplateValue]()
  var named = [(name: String, value: TemplateValue)]()

  /// The values of parameters by position and name; nothing for those that are absent.
  ///
  /// - Parameters:
  ///   - callee: what is called, for errors.
  ///   - required: how many of the parameters must have a value, counted from the first.
  func bind(
    to callee: String, _ parameters: [String], required: Int = 0
  ) throws(ChatTemplateFault) -> [TemplateValue?] {
    guard positional.count <= parameters.count else {
      throw .inapplicable(callee, to: "\(positional.count) arguments")
    }
    var values: [TemplateValue?] = positional.map { $0 }
    values += Array(repeating: nil, count: parameters.count - positional.count)
    for (name, value) in named {
      guard let index = parameters.firstIndex(of: name), values[index] == nil else {
        throw .inapplicable(callee, to: "an argument “\(name)”")
      }
      values[index] = value
    }
    guard values.prefix(required).allSatisfy({ $0 != nil }) else {
      throw .inapplicable(callee, to: "fewer than \(required) arguments")
    }
    return values
  }
}
