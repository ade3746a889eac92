import Convert
import Format
import Quant
import Runtime

/// What a benchmark measured, for people and as a document.
struct BenchmarkReport {
  let model: String
  let benchmark: ModelBenchmark
  let execution: ExecutionOptions
  let memory: ResidentOptions
  let results: [BenchmarkResult]

  func print(json: Bool) {
    guard !json else { return Console.print(document.prettyText) }
    Console.print(
      "\(model): prompt of \(benchmark.prompt) tokens, \(benchmark.decode) decoded, medians of \(benchmark.repetitions)"
        .printable)
    Console.print(
      "kernels \(MachineLimits.kernels), OpenBLAS \(MatrixProduct.coreName) on \(Self.title(threads: MatrixProduct.threads))"
    )
    var table = Table(
      [("", .left)] + results.map { (Self.title(threads: $0.threads), .right) })
    for row in rows { table.add([row.name] + row.values) }
    table.print()
  }

  private static func title(threads: Int) -> String {
    threads == 1 ? "1 thread" : "\(threads) threads"
  }

  /// Rows of which some result has a value.
  private var rows: [(name: String, values: [String])] {
    func row(
      _ name: String, _ value: (BenchmarkResult) -> String?
    ) -> (name: String, values: [String])? {
      let values = results.map(value)
      return values.contains { $0 != nil } ? (name, values.map { $0 ?? "" }) : nil
    }
    return [
      row("load, s") { Quantity.decimal($0.loadSeconds, 3) },
      row("first token, s") { $0.language.map { Quantity.decimal($0.firstTokenSeconds, 3) } },
      row("prompt, tokens/s") { $0.language.map { Quantity.decimal($0.promptSpeeds.median, 1) } },
      row("  of products of bytes") { $0.promptShare.map(Quantity.percent) },
      row("decode, tokens/s") { $0.language.map { Quantity.decimal($0.decodeSpeeds.median, 1) } },
      row("  of bandwidth") { $0.bandwidthShare.map(Quantity.percent) },
      row("image, s") { $0.image.map { Quantity.decimal($0.seconds.median, 4) } },
      row("  of products of bytes") { $0.imageShare.map(Quantity.percent) },
      row("weights in memory") { Quantity.bytes($0.weightBytes) },
      row("resident memory") { Quantity.bytes($0.memory.current) },
      row("  at its peak") { Quantity.bytes($0.memory.peak) },
      row("bandwidth, GB/s") { $0.limits.bandwidth.map { Quantity.decimal($0 / 1e9, 1) } },
      row("products of bytes, Gop/s") { Quantity.decimal($0.limits.byteOperations / 1e9, 1) },
    ].compactMap(\.self)
  }

  private var document: JSON {
    let members: [ExactString: JSON] = [
      "model": .string(model),
      "kernels": .string(MachineLimits.kernels),
      "openblas": .string(MatrixProduct.coreName),
      "openblas_threads": .integer(Int64(MatrixProduct.threads)),
      "prompt": .integer(Int64(benchmark.prompt)),
      "decode": .integer(Int64(benchmark.decode)),
      "repetitions": .integer(Int64(benchmark.repetitions)),
      "resident": .string(memory.resident.rawValue),
      "results": .array(results.map(Self.document)),
    ]
    return .object(members.merging(execution.document) { own, _ in own })
  }

  private static func document(_ result: BenchmarkResult) -> JSON {
    let (language, image) = (result.language, result.image)
    return .dictionary([
      "threads": .integer(Int64(result.threads)),
      "load_seconds": .number(result.loadSeconds),
      "first_token_seconds": number(language?.firstTokenSeconds),
      "prompt_tokens_per_second": number(language?.promptSpeeds.median),
      "decode_tokens_per_second": number(language?.decodeSpeeds.median),
      "image_encode_seconds": number(image?.seconds.median),
      "values": .dictionary([
        "prompt_tokens_per_second": numbers(language?.promptSpeeds),
        "decode_tokens_per_second": numbers(language?.decodeSpeeds),
        "image_encode_seconds": numbers(image?.seconds),
      ]),
      "resident_bytes": .integer(Int64(result.memory.current)),
      "peak_resident_bytes": .integer(Int64(result.memory.peak)),
      "weight_bytes": .integer(Int64(result.weightBytes)),
      "bandwidth_bytes_per_second": number(result.limits.bandwidth),
      "int8_operations_per_second": .number(result.limits.byteOperations),
      "bandwidth_share": number(result.bandwidthShare),
      "int8_share": number(result.promptShare),
      "image_int8_share": number(result.imageShare),
    ])
  }

  private static func number(_ value: Double?) -> JSON { value.map(JSON.number) ?? .null }

  private static func numbers(_ values: [Double]?) -> JSON {
    .array((values ?? []).map(JSON.number))
  }
}
