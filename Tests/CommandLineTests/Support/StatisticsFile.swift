import Format
import Foundation

/// A file of calibration statistics, to be read without the program and to be broken on purpose.
struct StatisticsFile {
  var header: [ExactString: JSON]
  var data: [UInt8]

  init(_ bytes: [UInt8]) throws {
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    header = try JSON(parsing: Array(bytes[8..<8 + length])).objectValue ?? [:]
    data = Array(bytes[(8 + length)...])
  }

  var encoded: [UInt8] {
    let text = Array(JSON.object(header).canonicalText.utf8)
    return UInt64(text.count).littleEndianBytes + text + data
  }

  /// What the file says about itself.
  var description: [ExactString: JSON] {
    get throws {
      let text = header["__metadata__"]?["statistics"]?.stringValue ?? ""
      return try JSON(parsing: Array(text.utf8)).objectValue ?? [:]
    }
  }

  mutating func describe(_ text: String) {
    header["__metadata__"] = .dictionary(["statistics": .string(text)])
  }

  /// Replaces a member of the description, or removes it.
  mutating func describe(_ key: String, _ value: JSON?) throws {
    var members = try description
    members[ExactString(key)] = value
    describe(JSON.object(members).canonicalText)
  }

  func values(_ name: String) -> [Double] {
    guard let range = range(name) else { return [] }
    return stride(from: range.lowerBound, to: range.upperBound, by: 8).map { start in
      let bits = data[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return Double(bitPattern: bits)
    }
  }

  mutating func set(_ name: String, _ element: Int, _ value: Double) {
    guard let start = range(name)?.lowerBound else { return }
    data.replaceSubrange(
      start + element * 8..<start + element * 8 + 8, with: value.bitPattern.littleEndianBytes)
  }

  mutating func rename(_ name: String, _ other: String) {
    header[ExactString(other)] = header.removeValue(forKey: ExactString(name))
  }

  private func range(_ name: String) -> Range<Int>? {
    guard let offsets = header[ExactString(name)]?["data_offsets"]?.arrayValue,
      let first = offsets.first?.intValue, let end = offsets.last?.intValue
    else { return nil }
    return first..<end
  }
}
