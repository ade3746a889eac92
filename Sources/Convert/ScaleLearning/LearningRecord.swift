/// What learning scales came to, as the pack states it.
public struct LearningRecord: Codable, Sendable, Equatable {
  /// Steps of gradient descent.
  public let steps: Int
  /// Tokens that were learned on, those seen twice counted twice.
  public let tokens: Int
  /// Tokens at the end of the texts that were only measured on.
  public let heldOutTokens: Int
  /// Numbers that were learned.
  public let parameters: Int
  /// The mean divergence from the original over the held-out tokens, in nats, of the pack without learning.
  public let divergenceBefore: Double
  /// The same with what was learned.
  public let divergenceAfter: Double
  /// Whether the pack has what was learned; only if the divergence fell.
  public let isKept: Bool
}
