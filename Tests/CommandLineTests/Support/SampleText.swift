/// Texts to evaluate on.
enum SampleText {
  static let english = """
    The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore; the shells
    she sells are sea shells, I am sure.

    """
}
