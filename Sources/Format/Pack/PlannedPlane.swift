/// A plane that is to be written.
public struct PlannedPlane: Sendable {
  let name: String
  let transform: PlaneTransform
  /// The size of the whole plane.
  let byteCount: Int
  /// Bytes of a row, if the plane is a matrix of codes whose size differs between its rows or its columns.
  let unevenRowBytes: Int?

  /// Describes a plane.
  ///
  /// - Parameters:
  ///   - bytes: the size of the whole plane.
  ///   - unevenRowBytes: bytes of a row, at least 1, if the plane is a matrix of one-byte codes whose size differs
  ///     between its rows or its columns: they are then compressed in classes.
  public init(
    _ name: String, _ transform: PlaneTransform = .none, bytes: Int, unevenRowBytes: Int? = nil
  ) {
    self.name = name
    self.transform = transform
    byteCount = bytes
    self.unevenRowBytes = unevenRowBytes
  }
}
