public import Quant

/// How far the features of images are from those of a reference model.
public struct FeatureEvaluation: Sendable {
  /// Cosine of the angle between the features of both models, all tokens of an image as one vector.
  public private(set) var cosine = SampleMean()
  /// The smallest of these cosines.
  public private(set) var smallestCosine = 1.0
  /// ‖features − reference‖ / ‖reference‖.
  public private(set) var relativeError = SampleMean()

  /// Encodes images with both models.
  ///
  /// - Parameters:
  ///   - paths: PNG or JPEG files.
  ///   - limit: encodes only that many of them.
  public init(
    images paths: [String], model: Model, against reference: Model, limit: Int? = nil,
    threads: ThreadPool, progress: ProgressReport
  ) throws {
    let paths = paths.prefix(limit ?? Int.max)
    guard !paths.isEmpty else {
      throw ModelError.nothingToEvaluate("there are no PNG or JPEG files")
    }
    let comparisons = try threads.map(paths.count, progress: progress) { index in
      let image = try RGBImage(contentsOf: paths[index])
      return try FeatureComparison(
        model.encode(image).vision.features, against: reference.encode(image).vision.features)
    }
    for comparison in comparisons {
      cosine.add(comparison.cosine)
      smallestCosine = min(smallestCosine, comparison.cosine)
      relativeError.add(comparison.relativeError)
    }
  }
}

/// Two sets of features of one image.
struct FeatureComparison: Sendable {
  /// 1 when both are zero, 0 when one of them is.
  let cosine: Double
  let relativeError: Double

  init(_ features: Matrix, against reference: Matrix) throws(ModelError) {
    guard (features.rows, features.columns) == (reference.rows, reference.columns) else {
      throw .contradiction(
        "the models give features [\(features.rows), \(features.columns)] and [\(reference.rows), \(reference.columns)] for the same image"
      )
    }
    var (product, square, referenceSquare, difference) = (0.0, 0.0, 0.0, 0.0)
    for (a, b) in zip(features.values, reference.values) {
      let (a, b) = (Double(a), Double(b))
      product += a * b
      square += a * a
      referenceSquare += b * b
      difference += (a - b) * (a - b)
    }
    let norms = (square * referenceSquare).squareRoot()
    cosine = norms > 0 ? product / norms : square == referenceSquare ? 1 : 0
    relativeError = difference == 0 ? 0 : (difference / referenceSquare).squareRoot()
  }
}
