/// A damaged place of a pack.
public struct PackFault: Sendable, Equatable, CustomStringConvertible {
  /// What is wrong there.
  public enum Problem: String, Sendable {
    /// The stored bytes do not have their checksum.
    case wrongChecksum = "does not have its SHA-256 checksum"
    /// The stored bytes have their checksum but do not decompress to the block's raw length.
    case undecodable = "does not decompress to its length"
    /// Bytes between two planes are not zero.
    case dirtyPadding = "is preceded by padding that is not zero"
  }

  /// What is wrong.
  public let problem: Problem
  /// The number of the block in the block table.
  public let block: Int
  /// The plane and the tensor or asset that the block belongs to.
  public let owner: String
  /// The bytes of the file concerned.
  public let bytes: Range<Int>

  /// One sentence in lower case.
  public var description: String {
    "block \(block) (\(owner), bytes \(bytes.lowerBound) to \(bytes.upperBound)) "
      + problem.rawValue
  }
}

extension PackReader {
  /// Reads the whole file and reports every damaged block.
  ///
  /// Together with the checks of opening this finds any change of any byte: the preamble and the
  /// index were compared when the file was opened, blocks are compared here, and what lies between
  /// blocks must be zero.
  ///
  /// - Parameter progress: is told the blocks done and all blocks.
  /// - Throws: `outsideFile` never for a pack that was accepted.
  public func verify(progress: (Int, Int) -> Void) throws(FormatError) -> [PackFault] {
    var faults = [PackFault]()
    var end = PackLimits.preambleSize
    for owned in planes {
      for number in owned.plane.blocks {
        let block = blocks[number]
        func report(_ problem: PackFault.Problem, _ bytes: Range<Int>) {
          faults.append(
            PackFault(problem: problem, block: number, owner: owned.owner, bytes: bytes))
        }
        let padding = end..<block.offset
        if try file.bytes(padding).contains(where: { $0 != 0 }) { report(.dirtyPadding, padding) }
        do {
          try withContent(of: number, transform: .none, item: owned.owner) { _ in }
        } catch .hashMismatch {
          report(.wrongChecksum, block.range)
        } catch .undecodable {
          report(.undecodable, block.range)
        }
        end = block.range.upperBound
        progress(number + 1, blocks.count)
      }
    }
    return faults
  }
}
