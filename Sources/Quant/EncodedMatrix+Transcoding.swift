extension EncodedMatrix {
  /// Rows that are expanded at a time on a thread: a multiple of a stripe, few enough for a cache.
  private static let transcodedRows = 4 * PlaneTiling.stripe

  /// The same values, rounded once more, in another encoding.
  ///
  /// - Throws: an error if the other encoding cannot represent the values.
  /// - Precondition: no plane of the other encoding is shared by all rows.
  public func transcoded(
    to other: any Encoding, threads: ThreadPool
  ) throws(QuantError) -> EncodedMatrix {
    precondition(!other.planes.contains(where: \.isShared), "rows must be encodable on their own")
    let assembly = MatrixAssembly(encoding: other, rows: rows, columns: columns)
    let step = Self.transcodedRows
    _ = try threads.map((rows + step - 1) / step) { part throws(QuantError) in
      let range = part * step..<min((part + 1) * step, rows)
      let planes: [[UInt8]]
      do throws(QuantError) {
        planes = try other.encode(
          expanded(rows: range).values, rows: range.count, columns: columns)
      } catch {
        throw error.moved(byRows: range.lowerBound)
      }
      for (index, (plane, layout)) in zip(planes, other.planes).enumerated() {
        unsafe plane.withUnsafeBytes {
          unsafe assembly.write(
            $0, plane: index, at: range.lowerBound * layout.bytesPerRow(columns))
        }
      }
    }
    return try assembly.finished()
  }
}
