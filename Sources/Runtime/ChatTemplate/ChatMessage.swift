/// Who speaks: one of the usual roles, or any other that a template knows.
public struct ChatRole: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral {
  /// The name that templates compare.
  public let rawValue: String

  /// Names a role.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Names a role.
  public init(stringLiteral value: String) { rawValue = value }

  /// Instructions that hold for the whole conversation.
  public static let system: ChatRole = "system"
  /// The person who asks.
  public static let user: ChatRole = "user"
  /// The model.
  public static let assistant: ChatRole = "assistant"
}

/// One turn of a conversation.
public struct ChatMessage: Sendable, Equatable {
  /// Who speaks.
  public let role: ChatRole
  /// What is said.
  public let content: String

  /// One turn of a conversation.
  public init(role: ChatRole, content: String) {
    self.role = role
    self.content = content
  }
}
