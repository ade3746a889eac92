/// A plane together with what it belongs to.
struct OwnedPlane: Sendable {
  let owner: String
  let plane: PackPlane

  /// Tensors and assets in the order of their blocks.
  static func inFileOrder(_ header: PackHeader) -> [OwnedPlane] {
    let tensors = header.tensors.flatMap { tensor in
      tensor.planes.map {
        OwnedPlane(owner: "plane \($0.name) of tensor \(tensor.name)", plane: $0)
      }
    }
    let assets = header.assets.map { OwnedPlane(owner: "asset \($0.name)", plane: $0.plane) }
    return (tensors + assets).sorted {
      ($0.plane.firstBlock, $0.plane.blockCount) < ($1.plane.firstBlock, $1.plane.blockCount)
    }
  }
}

/// Checks that header and block table agree with each other and with the file.
///
/// The writer's own index goes through the same check, so that nothing is written that would not be
/// read.
struct PackValidation {
  let index: PackIndex
  let file: String

  /// The planes in file order.
  ///
  /// - Parameter indexOffset: where the blocks must end.
  func run(indexOffset: Int) throws(FormatError) -> [OwnedPlane] {
    try checkNames()
    for tensor in index.header.tensors { try checkShape(of: tensor) }
    let planes = OwnedPlane.inFileOrder(index.header)
    try checkOwnership(planes)
    let end = try checkLayout(planes)
    guard end == indexOffset else {
      throw refusal("the end of the blocks", "\(end)", "\(indexOffset), where the index starts")
    }
    return planes
  }

  private func refusal(_ item: String, _ found: String, _ expected: String) -> FormatError {
    .malformed(file: file, item: item, found: found, expected: expected)
  }

  private func checkNames() throws(FormatError) {
    try checkUnique(index.header.tensors.map(\.name), "the name of a tensor")
    try checkUnique(index.header.assets.map(\.name), "the name of an asset")
    for tensor in index.header.tensors {
      try checkUnique(tensor.planes.map(\.name), "the name of a plane of tensor \(tensor.name)")
    }
    for asset in index.header.assets where asset.name.isNoFileName {
      throw refusal("the name of an asset", asset.name, "a file name without a folder")
    }
  }

  private func checkUnique(_ names: [String], _ item: String) throws(FormatError) {
    var seen = Set<ExactString>()
    for name in names where !seen.insert(ExactString(name)).inserted {
      throw refusal(item, "\(name), twice", "each name once")
    }
  }

  private func checkShape(of tensor: PackTensor) throws(FormatError) {
    guard let count = tensor.shape.elementCount else {
      throw refusal(
        "the shape of tensor \(tensor.name)", "\(tensor.shape)", "a product that fits 63 bits")
    }
    guard [tensor.rows, tensor.columns].elementCount == count else {
      throw refusal(
        "the matrix of tensor \(tensor.name)", "\(tensor.rows) × \(tensor.columns)",
        "\(count) elements, as its shape \(tensor.shape) has")
    }
    guard !tensor.planes.isEmpty else {
      throw refusal("tensor \(tensor.name)", "without planes", "at least one")
    }
  }

  /// Every block belongs to exactly one plane.
  private func checkOwnership(_ planes: [OwnedPlane]) throws(FormatError) {
    var next = 0
    for owned in planes {
      let plane = owned.plane
      guard plane.bytes <= PackLimits.planeSize else {
        throw .tooLarge(
          file: file, item: "the size of \(owned.owner)", found: UInt64(plane.bytes),
          limit: UInt64(PackLimits.planeSize))
      }
      guard plane.bytes.isMultiple(of: plane.transform.width) else {
        throw refusal(
          "the size of \(owned.owner)", "\(plane.bytes)", "a multiple of \(plane.transform.width)")
      }
      let count = (plane.bytes + PackLimits.blockSize - 1) / PackLimits.blockSize
      guard plane.firstBlock == next, plane.blockCount == count,
        count <= index.blocks.count - next
      else {
        throw refusal(
          owned.owner, "in \(plane.blockCount) blocks from \(plane.firstBlock)",
          "\(count) blocks from \(next) of \(index.blocks.count)")
      }
      next += count
    }
    guard next == index.blocks.count else {
      throw refusal("the number of blocks", "\(index.blocks.count)", "\(next), as the planes have")
    }
  }

  /// Every block starts where the rule says. Returns where the last one ends.
  private func checkLayout(_ planes: [OwnedPlane]) throws(FormatError) -> Int {
    var end = PackLimits.preambleSize
    for owned in planes {
      let blocks = index.blocks[owned.plane.blocks]
      for (number, block) in zip(blocks.indices, blocks) {
        let isFirst = number == blocks.startIndex
        let start =
          isFirst
          ? PackLayout.start(ofPlane: owned.plane.bytes, codec: block.codec, after: end) : end
        guard block.offset == start else {
          throw refusal("the offset of block \(number)", "\(block.offset)", "\(start)")
        }
        guard blocks.first?.codec != .stored || block.codec == .stored else {
          throw refusal(
            "the codec of block \(number)", "\(block.codec)",
            "stored, like the first block of \(owned.owner)")
        }
        let isLast = number == blocks.endIndex - 1
        let raw =
          isLast
          ? owned.plane.bytes - (blocks.count - 1) * PackLimits.blockSize : PackLimits.blockSize
        guard block.rawLength == raw else {
          throw refusal("the raw length of block \(number)", "\(block.rawLength)", "\(raw)")
        }
        // Cannot overflow: the counts and lengths of blocks are limited to 21 bits each.
        end = start + block.storedLength
      }
    }
    return end
  }
}

/// Where blocks lie.
enum PackLayout {
  /// Where a plane starts. One that is stored, as its first block tells, can be mapped: it starts
  /// on a page, unless it is smaller than one.
  static func start(ofPlane bytes: Int, codec: Codec, after end: Int) -> Int {
    guard codec == .stored, bytes >= PackLimits.pageSize else { return end }
    return (end + PackLimits.pageSize - 1) / PackLimits.pageSize * PackLimits.pageSize
  }
}

extension String {
  fileprivate var isNoFileName: Bool {
    self == "." || self == ".." || utf8.contains(UInt8(ascii: "/"))
  }
}
