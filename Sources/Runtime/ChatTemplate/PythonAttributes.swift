/// Names of attributes of Python's types.
///
/// A name of `methods` is carried out. Another name of `others` exists in Python too and is refused: taking it for
/// undefined would change what a template writes.
struct PythonAttributes {
  let methods: Set<String>
  let others: Set<String>

  static let text = PythonAttributes(
    methods: [
      "capitalize", "count", "endswith", "find", "join", "lower", "lstrip", "removeprefix",
      "removesuffix", "replace", "rstrip", "split", "splitlines", "startswith", "strip", "upper",
    ],
    others: [
      "casefold", "center", "encode", "expandtabs", "format", "format_map", "index", "isalnum",
      "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric",
      "isprintable", "isspace", "istitle", "isupper", "ljust", "maketrans", "partition", "rfind",
      "rindex", "rjust", "rpartition", "rsplit", "swapcase", "title", "translate", "zfill",
    ])

  static let mapping = PythonAttributes(
    methods: ["get", "items", "keys", "values"],
    others: ["clear", "copy", "fromkeys", "pop", "popitem", "setdefault", "update"])

  static let sequence = PythonAttributes(
    methods: [],
    others: [
      "append", "clear", "copy", "count", "extend", "index", "insert", "isdisjoint", "mapping",
      "pop", "remove", "reverse", "sort", "start", "step", "stop",
    ])

  static let number = PythonAttributes(
    methods: [],
    others: [
      "as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes",
      "fromhex", "hex", "imag", "is_integer", "numerator", "real", "to_bytes",
    ])

  static let none = PythonAttributes(methods: [], others: [])

  /// Those of a value's type.
  static func of(_ value: TemplateValue) -> PythonAttributes {
    switch value {
    case .string: text
    case .mapping: mapping
    case .sequence: sequence
    case .boolean, .integer, .number: number
    default: none
    }
  }
}
