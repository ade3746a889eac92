import Foundation
public import Format
public import Quant

/// Finds the recipe whose file has a given size, or is the smallest that is good enough.
///
/// Files are made, not estimated: every try encodes and compresses the whole model, header, tokenizer and all.
public struct BudgetSearch {
  /// A pack that is complete but for its name.
  public struct Attempt {
    /// What was written.
    public let plan: ConversionPlan
    /// What wrote it.
    public let pipeline: ConversionPipeline
    /// Where it is: sealed, not yet published.
    public let writer: PackWriter
    /// Its place on the ladder.
    let position: Int
  }

  /// Files this much below the size are good, those between that and `widest` in default of better ones.
  private static let close = 0.002
  /// Files further below the size are refused.
  private static let widest = 0.005
  /// More tries do not come nearer.
  private static let mostTries = 14

  private let checkpoint: Checkpoint
  private let keepNonFinite: Bool
  private let calibration: CalibrationOptions?
  /// Whether the first try writes statistics. They would serve the others less well than statistics of their own.
  private let gathersStatistics: Bool
  private let codec: Codec
  private let pool: ThreadPool
  private let weights: Int
  private let ladder: any BudgetLadder
  private let progress: ProgressReport

  /// Prepares a search.
  ///
  /// - Parameters:
  ///   - plan: the conversion without a budget.
  ///   - tier: an encoding of the family to choose from, such as `q4` or `e4`.
  ///   - progress: told how much of a try is done.
  public init(
    _ plan: ConversionPlan, tier: String, keepNonFinite: Bool = false,
    calibratedOn calibration: CalibrationOptions? = nil, codec: Codec, threads: ThreadPool,
    progress: @escaping ProgressReport
  ) throws {
    checkpoint = plan.checkpoint
    self.keepNonFinite = keepNonFinite
    self.calibration = calibration
    gathersStatistics = calibration?.statistics.map { !FileSystem.exists($0) } ?? false
    self.codec = codec
    pool = threads
    weights = plan.parameters
    self.progress = progress
    let sensitivity =
      try calibration.map {
        try SensitivityProbe(plan, $0, threads: threads).sensitivity(progress: progress)
      } ?? .byClass
    switch Encodings.requested(tier) {
    case is EntropyEncoding:
      ladder = EntropyLadder(sensitivity: sensitivity, weights: plan.parameters)
    case is GroupEncoding, is SuperBlockEncoding:
      ladder = try FixedLadder(
        plan.checkpoint, keepNonFinite: keepNonFinite, sensitivity: sensitivity, codec: codec,
        pool: threads, progress: progress)
    default: throw ConvertError.noBudget(encoding: tier)
    }
  }

  /// The file nearest below a size.
  ///
  /// - Parameters:
  ///   - reserve: bytes to leave for what will be added when the pack is sealed anew.
  ///   - makeWriter: makes the unfinished packs, of which one is kept.
  /// - Throws: `budgetTooSmall`, `budgetTooLarge` or `budgetNotMet`.
  public func pack(
    bytes target: Int, reserve: Int = 0, makeWriter: () throws -> PackWriter
  ) throws -> Attempt {
    guard calibration != nil else {
      let found = try counted(bytes: target, reserve: reserve)
      return try attempt(
        found.position, "\(target) bytes", calibrated: false, writer: makeWriter())
    }
    let start = try? counted(bytes: target, reserve: reserve).position
    return try nearest(
      target, reserve: reserve, start: start ?? ladder.position(forBytes: target),
      calibrated: true, makeWriter: makeWriter)
  }

  /// What `pack` would write without calibration.
  public func plan(bytes target: Int, reserve: Int = 0) throws -> ConversionPlan {
    try counted(bytes: target, reserve: reserve).plan
  }

  /// The smallest file found whose figure does not exceed a bound.
  ///
  /// - Parameters:
  ///   - bound: the largest figure, above 0.
  ///   - name: the bound as it was asked for.
  ///   - makeWriter: makes the unfinished packs, of which one is kept.
  ///   - figure: measures an unfinished pack; figures fall as files grow, to about a fourth with every bit.
  /// - Throws: `qualityNotReached`.
  public func pack(
    figureUpTo bound: Double, name: String, makeWriter: () throws -> PackWriter,
    figure: (PackWriter) throws -> Double
  ) throws -> Attempt {
    let bitsPerStep = ladder.bytesPerStep * 8 / Double(max(1, weights))
    let usual = ladder.position(forBytes: weights * 43 / 80)
    // Positions from the finest on, so that logarithms of figures grow with them.
    var search = BracketSearch(
      -ladder.range.upperBound ... -ladder.range.lowerBound, goal: log(bound),
      aim: log(bound * 0.985), start: -usual, slope: 2 * log(2) * bitsPerStep)
    let best = try run(&search, tries: Self.mostTries / 2, enough: log(bound * 0.97)) { place in
      let attempt = try attempt(
        -place, name, calibrated: calibration != nil, writer: makeWriter())
      return (attempt, log(max(try figure(attempt.writer), .leastNormalMagnitude)))
    }
    guard let best else {
      throw ConvertError.qualityNotReached(name, best: exp(search.excess?.value ?? .nan))
    }
    return best
  }

  private func counted(bytes target: Int, reserve: Int) throws -> Attempt {
    try nearest(
      target, reserve: reserve, start: ladder.position(forBytes: target), calibrated: false
    ) { try PackWriter(counting: codec, threads: pool.threads) }
  }

  private func nearest(
    _ target: Int, reserve: Int, start: Int, calibrated: Bool, makeWriter: () throws -> PackWriter
  ) throws -> Attempt {
    let goal = Double(target - reserve)
    var search = BracketSearch(
      ladder.range, goal: goal, aim: goal * (1 - Self.close / 4), start: start,
      slope: ladder.bytesPerStep)
    let best = try run(&search, tries: Self.mostTries, enough: goal * (1 - Self.close)) {
      let attempt = try attempt(
        $0, "\(target) bytes", calibrated: calibrated, writer: makeWriter())
      return (attempt, Double(attempt.writer.byteCount))
    }
    guard let best else {
      throw ConvertError.budgetTooSmall(
        target: target, smallest: Int(search.excess?.value ?? 0) + reserve)
    }
    let found = best.writer.byteCount
    guard Double(found) >= goal * (1 - Self.widest) else {
      best.writer.discard()
      throw best.position == ladder.range.upperBound
        ? ConvertError.budgetTooLarge(target: target, largest: found + reserve)
        : ConvertError.budgetNotMet(target: target, nearest: found + reserve)
    }
    return best
  }

  /// Follows a search until a value reaches `enough` or nothing is left to try; keeps the best attempt only.
  private func run(
    _ search: inout BracketSearch, tries: Int, enough: Double,
    _ make: (Int) throws -> (Attempt, value: Double)
  ) throws -> Attempt? {
    var best: Attempt?
    for _ in 0..<tries {
      guard let position = search.next else { break }
      let (attempt, value) = try make(position)
      search.add(position, value: value)
      guard search.best?.position == position else {
        attempt.writer.discard()
        continue
      }
      best?.writer.discard()
      best = attempt
      if value >= enough { break }
    }
    return best
  }

  private func attempt(
    _ position: Int, _ goal: String, calibrated: Bool, writer: PackWriter
  ) throws -> Attempt {
    do {
      var recipe = ladder.recipe(at: position)
      recipe.name = "\(ladder.family) for \(goal)"
      let plan = try ConversionPlan(
        checkpoint, recipe: recipe, keepNonFinite: keepNonFinite, calibrating: calibrated)
      let pipeline = ConversionPipeline(plan, threads: pool)
      var calibration = calibrated ? calibration : nil
      if gathersStatistics, calibration?.statistics.map(FileSystem.exists) == true {
        calibration?.statistics = nil
      }
      try pipeline.write(to: writer, calibratedOn: calibration, progress: progress)
      try pipeline.seal(writer)
      return Attempt(plan: plan, pipeline: pipeline, writer: writer, position: position)
    } catch {
      writer.discard()
      throw error
    }
  }
}
