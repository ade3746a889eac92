/// The moments of what outputs lack and the inputs they come from, `D = Σ_t a_t · l_t · x_tᵀ`, with a weight `a_t` for each
/// token.
///
/// Sums run in single precision over 2,048 tokens and in double precision beyond.
public struct CrossMoments: Sendable {
  /// Rows of `D` that one task computes.
  private static let rowsPerTask = 128

  /// Numbers that are lacking at each token.
  public let rows: Int
  /// Inputs at each token.
  public let columns: Int
  /// `[rows, columns]`.
  public internal(set) var values: [Double]

  /// Starts without tokens.
  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    values = [Double](repeating: 0, count: rows * columns)
  }

  /// Takes up what was gathered before; nothing unless there are `rows · columns` values.
  public init?(rows: Int, columns: Int, values: [Double]) {
    guard rows >= 0, columns >= 0, values.count == rows * columns else { return nil }
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// Adds what is lacking, `[tokens, rows]`, at some inputs, `[tokens, columns]`.
  ///
  /// - Parameter weights: one for each token.
  public mutating func add(
    _ lack: Matrix, at inputs: Matrix, weights: [Float], threads pool: ThreadPool
  ) {
    precondition(lack.columns == rows && inputs.columns == columns, "moments of other columns")
    precondition(lack.rows == inputs.rows && weights.count == lack.rows, "one of each a token")
    for first in stride(from: 0, to: inputs.rows, by: Hessian.panelTokens) {
      let tokens = first..<min(first + Hessian.panelTokens, inputs.rows)
      var panel = lack.rows(tokens)
      panel.scaleRows(by: Array(weights[tokens]))
      add(panel, inputs.rows(tokens), pool)
    }
  }

  private mutating func add(_ lack: Matrix, _ inputs: Matrix, _ pool: ThreadPool) {
    let tasks = (rows + Self.rowsPerTask - 1) / Self.rowsPerTask
    let stripes = pool.map(tasks) { [rows] task in
      let first = task * Self.rowsPerTask
      return lack.products(
        of: first..<min(first + Self.rowsPerTask, rows), with: inputs, 0..<inputs.columns)
    }
    var index = 0
    for stripe in stripes {
      for value in stripe.values {
        values[index] += Double(value)
        index += 1
      }
    }
  }
}
