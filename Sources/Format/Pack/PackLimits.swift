/// The fixed numbers of the pack format and what this program accepts of it. See docs/format.md.
public enum PackLimits {
  /// Raw bytes of a block; only the last one of a plane is shorter.
  public static let blockSize = 1 << 20
  /// A stored plane of at least this size starts on a multiple of it.
  public static let pageSize = 4096
  /// Bytes of the preamble.
  public static let preambleSize = 64
  /// Bytes of the uncompressed index.
  public static let indexSize = 256 << 20
  /// Bytes of the JSON header.
  public static let headerSize = 64 << 20
  /// Blocks of a file.
  public static let blockCount = 1 << 21
  /// Tensors of a file.
  public static let tensorCount = 1 << 17
  /// Assets of a file.
  public static let assetCount = 1024
  /// Planes of a tensor.
  public static let planeCount = 8
  /// Raw bytes of a plane.
  public static let planeSize = 1 << 34
  /// Dimensions of a tensor.
  public static let rank = 8
  /// UTF-8 bytes of a name, a role or an encoding.
  public static let nameSize = 512
}
