/// An encoded tensor, ready to be written.
struct EncodedTensor: Sendable {
  /// The bytes of every plane.
  var planes: [[UInt8]]
  /// How it was calibrated, if it was.
  var record: CalibrationRecord?
}
