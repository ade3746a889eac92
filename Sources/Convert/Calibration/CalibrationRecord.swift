import Foundation
import Quant

/// How a tensor was calibrated, as the pack states it.
struct CalibrationRecord: Codable, Sendable, Equatable {
  /// How codes were chosen.
  enum Method: String, Codable, Sendable {
    /// Column by column with feedback of errors.
    case feedback
    /// With columns weighted by how much they count.
    case importance
    /// As without calibration.
    case plain
  }

  var method: Method
  /// Tokens whose inputs were seen.
  var tokens: Int
  /// The share of the diagonal of the moments that was added to it.
  var damping: Double?
  /// Inputs that take no part in the feedback.
  var deadInputs: Int?
  /// How much of what brings outputs nearest to those of the original model was added to the weights first.
  var correction: Float?
  /// Why there was no feedback although there should have been.
  var fallback: String?
  /// Decibels.
  var weightSNR: Double?
  /// Decibels, over the calibration tokens.
  var outputSNR: Double?
}

extension SquaredError {
  /// Error over signal; 0 without a signal.
  var relative: Double { signal > 0 ? error / signal : 0 }

  /// Signal over error in decibels, to a hundredth; nothing if there is no error or no signal.
  var decibels: Double? {
    guard signal > 0, error > 0 else { return nil }
    let exact = 10 * log10(signal / error)
    return exact.isFinite ? (exact * 100).rounded() / 100 : nil
  }
}
