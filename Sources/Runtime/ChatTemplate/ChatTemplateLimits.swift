/// What a template may use; a hostile one ends with an error instead of filling memory or running for hours.
enum ChatTemplateLimits {
  /// Bytes of a template's text.
  static let sourceByteCount = 1 << 20
  /// Blocks and brackets inside each other in a template's text.
  static let nesting = 32
  /// Expressions and blocks being evaluated inside each other, calls of macros included.
  ///
  /// With this, and with `nesting`, 512 KiB of stack are enough, which is what some threads have.
  static let evaluationDepth = 64
  /// Lists and mappings inside each other in a value.
  static let valueDepth = 32
  /// Elements of one `range`, the limit of the sandbox in jinja2.
  static let rangeCount = 100_000
  /// Bytes of a text value, or of the output.
  static let textByteCount = 16 << 20
  /// Evaluated nodes, elements, and pieces of `stepByteCount` bytes of text that are made or compared.
  static let stepCount = 4_000_000
  /// Bytes of text that cost one step.
  static let stepByteCount = 16
}
