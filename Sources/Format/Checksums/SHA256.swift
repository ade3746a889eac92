import CCrypto

/// A SHA-256 checksum (FIPS 180-4).
public struct SHA256Digest: Sendable, Hashable, CustomStringConvertible {
  /// Bytes of a digest.
  public static let byteCount = 32
  /// The 32 bytes.
  public let bytes: [UInt8]

  /// Wraps 32 bytes; nothing if there are more or fewer.
  public init?(bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  fileprivate init(context: OpaquePointer) {
    bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
      let finished = unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
      precondition(finished == 1, "libcrypto finishes SHA-256")
      count = Self.byteCount
    }
  }

  /// 64 lower-case hexadecimal digits.
  public var hexText: String {
    let digits = Array("0123456789abcdef".utf8)
    let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }

  /// 64 lower-case hexadecimal digits.
  public var description: String { hexText }
}

/// Computes a SHA-256 checksum piece by piece.
@safe public struct SHA256Hasher: ~Copyable {
  private let context: OpaquePointer

  /// Starts with no bytes.
  public init() { unsafe context = Self.newContext() }

  deinit { unsafe EVP_MD_CTX_free(context) }

  /// Adds bytes.
  public mutating func update(_ bytes: [UInt8]) { unsafe update(bytes.span.bytes) }

  /// Adds bytes.
  public mutating func update(_ bytes: RawSpan) {
    let updated = unsafe bytes.withUnsafeBytes { buffer in
      unsafe EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
    }
    precondition(updated == 1, "libcrypto computes SHA-256")
  }

  /// The checksum of all bytes so far; more may follow.
  public func finalize() -> SHA256Digest {
    let copy = unsafe Self.newContext()
    defer { unsafe EVP_MD_CTX_free(copy) }
    precondition(unsafe EVP_MD_CTX_copy_ex(copy, context) == 1, "libcrypto copies SHA-256")
    return unsafe SHA256Digest(context: copy)
  }

  private static func newContext() -> OpaquePointer {
    guard let context = unsafe EVP_MD_CTX_new(),
      unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
    else { preconditionFailure("libcrypto offers SHA-256") }
    return unsafe context
  }
}

/// The SHA-256 checksum of bytes.
public func sha256(_ bytes: [UInt8]) -> SHA256Digest { unsafe sha256(bytes.span.bytes) }

/// The SHA-256 checksum of bytes.
public func sha256(_ bytes: RawSpan) -> SHA256Digest {
  var hasher = SHA256Hasher()
  hasher.update(bytes)
  return hasher.finalize()
}

/// The SHA-256 checksum of a whole file.
public func sha256(of file: MappedFile) throws(FormatError) -> SHA256Digest {
  var hasher = SHA256Hasher()
  try file.withPieces { bytes in hasher.update(bytes) }
  return hasher.finalize()
}
