import Dispatch
import Synchronization

/// A block ready to be written.
struct EncodedBlock: Sendable {
  let bytes: [UInt8]
  let rawLength: Int
  let codec: Codec
  let digest: SHA256Digest
}

/// A block as it was given.
struct RawBlock: Sendable {
  /// The number of the plane within its tensor.
  let plane: Int
  let isFirst: Bool
  let content: BlockContent
  let bytes: [UInt8]
}

/// Compresses and hashes blocks, several at a time. The results do not depend on how many.
struct BlockEncoder: Sendable {
  let threads: Int

  /// A block and how its plane is to be compressed.
  typealias Task = (block: RawBlock, codec: Codec, transform: PlaneTransform)

  /// Encodes blocks, each in the way of its plane.
  func encode(_ blocks: [Task]) -> [EncodedBlock] {
    let workers = min(threads, blocks.count)
    guard workers > 1 else { return blocks.map(Self.encoded) }
    let results = Mutex([EncodedBlock?](repeating: nil, count: blocks.count))
    DispatchQueue.concurrentPerform(iterations: workers) { worker in
      for number in stride(from: worker, to: blocks.count, by: workers) {
        let encoded = Self.encoded(blocks[number])
        results.withLock { $0[number] = encoded }
      }
    }
    return results.withLock { $0.compactMap { $0 } }
  }

  private static func encoded(_ task: Task) -> EncodedBlock {
    let raw = task.block.bytes
    let compressed =
      task.codec == .stored
      ? nil : task.codec.encode(task.transform.apply(to: raw), content: task.block.content)
    let (codec, bytes) = compressed ?? (.stored, raw)
    return EncodedBlock(bytes: bytes, rawLength: raw.count, codec: codec, digest: sha256(bytes))
  }
}
