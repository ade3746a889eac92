/// A parsed regular expression.
indirect enum ExpressionNode: Sendable {
  /// One character of a set.
  case one(ScalarSet)
  case sequence([ExpressionNode])
  /// The first that lets the rest match.
  case alternatives([ExpressionNode])
  case repeated(ExpressionNode, Repetition)
  /// What follows must match, or must not.
  case lookahead(ExpressionNode, isNegated: Bool)
  /// The first way to match is the only one that is tried.
  case atomic(ExpressionNode)
  case anchor(ExpressionAnchor)

  /// How often a part is repeated; no maximum means any number.
  struct Repetition: Sendable {
    enum Preference: Sendable { case greedy, lazy, possessive }

    let minimum: Int
    let maximum: Int?
    let preference: Preference
  }

  /// Whether it can match without taking a character.
  var canBeEmpty: Bool {
    switch self {
    case .one: false
    case .sequence(let parts): parts.allSatisfy(\.canBeEmpty)
    case .alternatives(let parts): parts.contains(where: \.canBeEmpty)
    case .repeated(let part, let repetition): repetition.minimum == 0 || part.canBeEmpty
    case .atomic(let part): part.canBeEmpty
    case .lookahead, .anchor: true
    }
  }
}

/// A condition on a place of the text.
enum ExpressionAnchor: Sendable {
  /// `^`
  case lineStart
  /// `$`
  case lineEnd
  /// `\A`
  case textStart
  /// `\z`
  case textEnd
}

/// A part of a regular expression that is not carried out.
struct ExpressionFault: Error, Equatable {
  let part: String
}
