public import Format
public import Quant

/// Streams a checkpoint into a pack: read a block of rows, encode it on all threads, compress, write.
///
/// The bytes written depend on the checkpoint and the recipe only.
public struct ConversionPipeline: Sendable {
  /// The version of this program, which is stored in packs.
  public static let toolVersion = "1.0.0"

  private let plan: ConversionPlan
  private let pool: ThreadPool

  /// Prepares a conversion on that many threads.
  public init(_ plan: ConversionPlan, threads: ThreadPool) {
    self.plan = plan
    pool = threads
  }

  /// Writes all tensors and assets into a pack that is not sealed yet.
  ///
  /// - Parameters:
  ///   - calibration: what to calibrate on, if the plan is one for that.
  ///   - progress: told how many of the plan's weights are done.
  /// - Returns: the bytes that each tensor takes in the file.
  @discardableResult
  public func write(
    to writer: PackWriter, calibratedOn calibration: CalibrationOptions? = nil,
    progress: (_ done: Int, _ total: Int) -> Void
  ) throws -> [String: Int] {
    let calibration = try calibration.map { try Calibration(plan, $0, threads: pool) }
    let storedBytes = try write(to: writer, progress: progress) { try calibration?.tensor($0) }
    try calibration?.finish()
    return storedBytes
  }

  /// Writes all tensors and assets into a pack that is not sealed yet, with scales that are learned once all matrices
  /// of the language model are encoded.
  ///
  /// - Parameters:
  ///   - calibration: what to calibrate on; its texts are what scales are learned on.
  ///   - progress: told how many of the plan's weights are encoded.
  ///   - learningProgress: told how many steps are done.
  public func write(
    to writer: PackWriter, calibratedOn calibration: CalibrationOptions,
    learning options: LearningOptions, progress: (_ done: Int, _ total: Int) -> Void,
    learningProgress: (_ done: Int, _ total: Int) -> Void
  ) throws -> LearningRecord {
    let learning = try ScaleLearning(plan, on: calibration, threads: pool)
    let matrices = try Calibration(plan, calibration, threads: pool)
    var tensors = [String: EncodedTensor]()
    var done = 0
    for entry in plan.entries where ScaleLearning.covers(entry) {
      tensors[entry.name] = try matrices.tensor(entry) ?? encode(entry)
      done += entry.elementCount
      progress(done, plan.parameters)
    }
    try matrices.finish()
    let record = try learning(&tensors, options, progress: learningProgress)
    _ = try write(to: writer, progress: { _, _ in }) { tensors.removeValue(forKey: $0.name) }
    return record
  }

  /// - Parameter encoded: a tensor that is encoded already, or nothing.
  /// - Returns: the bytes that each tensor takes in the file.
  private func write(
    to writer: PackWriter, progress: (_ done: Int, _ total: Int) -> Void,
    encoded: (ConversionPlan.Entry) throws -> EncodedTensor?
  ) throws -> [String: Int] {
    var storedBytes = [String: Int]()
    var done = 0
    for entry in plan.entries {
      let tensor = try encoded(entry)
      try writer.beginTensor(
        name: entry.name, source: entry.source, role: entry.role.rawValue, shape: entry.shape,
        rows: entry.rows, columns: entry.columns, encoding: entry.encoding.name,
        reason: entry.reason,
        calibration: try tensor?.record.map { try JSON(encoding: $0) },
        planes: entry.encoding.planes.map { layout in
          PlannedPlane(
            layout.name, layout.transform,
            bytes: layout.storedBytes(rows: entry.rows, columns: entry.columns),
            unevenRowBytes: layout.isUneven ? entry.columns : nil)
        })
      if let tensor {
        try writer.append(tensor.planes)
        done += entry.elementCount
        progress(done, plan.parameters)
      } else {
        for rows in RowBlocks(rows: entry.rows, columns: entry.columns) {
          try writer.append(try encode(entry, rows: rows))
          done += rows.count * entry.columns
          progress(done, plan.parameters)
        }
      }
      storedBytes[entry.name] = try writer.endTensor()
    }
    for name in Checkpoint.assetNames {
      guard let bytes = try plan.checkpoint.text(name) else { continue }
      try writer.addAsset(name: name, mediaType: Self.mediaType(of: name), bytes: bytes)
    }
    return storedBytes
  }

  /// Writes the index. May be called again once an evaluation is known.
  public func seal(
    _ writer: PackWriter, learning: LearningRecord? = nil, evaluation: JSON = .null
  ) throws {
    try writer.seal(
      model: try JSON(encoding: plan.description), recipe: try JSON(encoding: plan.recipe),
      provenance: try provenance(learning), evaluation: evaluation)
  }

  private func encode(_ entry: ConversionPlan.Entry) throws -> EncodedTensor {
    var planes = [[UInt8]](repeating: [], count: entry.encoding.planes.count)
    for rows in RowBlocks(rows: entry.rows, columns: entry.columns) {
      for (index, bytes) in try encode(entry, rows: rows).enumerated() { planes[index] += bytes }
    }
    return EncodedTensor(planes: planes)
  }

  private func encode(_ entry: ConversionPlan.Entry, rows: Range<Int>) throws -> [[UInt8]] {
    // Rows are encoded independently, so how they are shared out does not matter to the bytes.
    let share = max(1, (rows.count + pool.threads * 4 - 1) / (pool.threads * 4))
    let count = (rows.count + share - 1) / share
    let parts = try pool.map(count) { index in
      let first = rows.lowerBound + index * share
      let part = first..<min(first + share, rows.upperBound)
      let (values, file) = try plan.values(entry, rows: part)
      do {
        return try entry.encoding.encode(values, rows: part.count, columns: entry.columns)
      } catch let error as QuantError {
        throw plan.unencodable(entry, file: file, error.moved(byRows: part.lowerBound))
      }
    }
    return entry.encoding.planes.enumerated().map { plane, layout in
      guard layout.isShared else { return parts.flatMap { $0[plane] } }
      return rows.lowerBound == 0 ? parts.first?[plane] ?? [] : []
    }
  }

  private func provenance(_ learning: LearningRecord?) throws -> JSON {
    let sources = try plan.checkpoint.files.map { file in
      let mapped = try MappedFile(path: file.path)
      return JSON.dictionary([
        "name": .string(FileSystem.name(of: file.path)),
        "bytes": .integer(Int64(mapped.count)),
        "sha256": .string(try sha256(of: mapped).hexText),
      ])
    }
    var members: [String: JSON] = [
      "tool": .string("vlm-convert"), "version": .string(Self.toolVersion),
      "sources": .array(sources), "notes": .array(plan.notes.map(JSON.string)),
    ]
    if let learning { members["learning"] = try JSON(encoding: learning) }
    return .dictionary(members)
  }

  private static func mediaType(of name: String) -> String {
    switch name.split(separator: ".").last {
    case "json": "application/json"
    case "md": "text/markdown"
    default: "text/plain"
    }
  }
}

extension PlaneLayout {
  /// How the pack rearranges a plane before it compresses it.
  fileprivate var transform: PlaneTransform {
    switch elementBytes {
    case 2: .shuffle2
    case 4: .shuffle4
    default: .none
    }
  }
}
