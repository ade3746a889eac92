import Report

extension SweepDocument {
  /// Numbers of colours: the kinds that take most bytes in any setting come first.
  var kindColors: [String: Int] {
    var bytes = [String: Int]()
    for tensor in settings.flatMap(\.tensors) {
      bytes[tensor.place.kind, default: 0] += tensor.storedBytes
    }
    let order = bytes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    return Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
  }

  /// The decibels at both ends of the colours: round, the same for all settings, and no more than the eye can use.
  var decibels: ClosedRange<Double> {
    let values = settings.flatMap(\.tensors).flatMap { [$0.weightSNR, $0.outputSNR] }
      .compactMap(\.self)
    let low = ((values.min() ?? 10) / 5).rounded(.down) * 5
    let high = ((values.max() ?? 50) / 5).rounded(.up) * 5
    return low...min(max(high, low + 5), low + 45)
  }
}

extension SweepDocument.Setting {
  /// Names of the model's parts, in the order of the file.
  var parts: [String] { tensors.map(\.place.part).unique }

  /// A map for each part of the model; of parts in which nothing was rounded there is none.
  ///
  /// - Parameter figure: decibels of a tensor; nothing where there is nothing to measure.
  /// - Parameter isComplete: whether a tensor without a figure was kept exactly.
  func heatMaps(
    _ title: String, domain: ClosedRange<Double>, isComplete: Bool,
    _ figure: (SweepDocument.Tensor) -> Double?
  ) -> [HeatMap] {
    parts.compactMap { part in
      let members = tensors.filter { $0.place.part == part }
      let layers = Array(Set(members.map(\.place.layer))).sorted { ($0 ?? -1) < ($1 ?? -1) }
      let byPlace = Dictionary(
        members.map { ($0.place, $0) }, uniquingKeysWith: { first, _ in first })
      let rows = members.map(\.place.kind).unique.map { kind in
        HeatMap.Row(
          name: kind,
          cells: layers.map { layer in
            let place = TensorPlace(part: part, layer: layer, kind: kind)
            guard let tensor = byPlace[place] else { return .absent }
            return figure(tensor).map(HeatMap.Cell.value) ?? (isComplete ? .exact : .absent)
          })
      }
      .filter { row in row.cells.contains { $0 != .exact && $0 != .absent } }
      guard !rows.isEmpty else { return nil }
      let used = layers.indices.filter { column in
        rows.contains { $0.cells[column] != .absent }
      }
      return HeatMap(
        title: "\(title), \(part), setting \(name)", columnsName: "layer",
        columns: used.map { layers[$0].map(String.init) ?? "–" },
        rows: rows.map { row in HeatMap.Row(name: row.name, cells: used.map { row.cells[$0] }) },
        unit: "dB", domain: domain)
    }
  }

  /// Kinds of tensors all of which have the values of the original.
  var exactKinds: [String] {
    let rounded = Set(tensors.filter { $0.weightSNR != nil }.map(\.place.kind))
    return tensors.map(\.place.kind).unique.filter { !rounded.contains($0) }
  }

  /// The bytes of the file by part, kind and layer.
  func sizes(_ colors: [String: Int]) -> TreeMapDrawing {
    typealias Node = TreeMapDrawing.Node
    let tensorNodes = parts.map { part in
      let members = tensors.filter { $0.place.part == part }
      let kinds = Dictionary(grouping: members, by: \.place.kind)
      return Node(
        name: part,
        parts: kinds.sorted { $0.key < $1.key }.map { kind, members in
          let color = colors[kind]
          guard members.count > 1 else {
            return Node(
              name: kind, size: members.reduce(0) { $0 + Double($1.storedBytes) }, color: color)
          }
          return Node(
            name: kind,
            parts: members.map { tensor in
              Node(
                name: tensor.place.layer.map(String.init) ?? "–",
                size: Double(tensor.storedBytes))
            }, color: color)
        })
    }
    let others = Node(
      name: "files and index",
      parts: assets.map { Node(name: $0.name, size: Double($0.storedBytes)) }
        + [Node(name: "index", size: Double(otherBytes))])
    let groups = tensorNodes.count == 1 ? tensorNodes[0].parts : tensorNodes
    return TreeMapDrawing(
      title: "Bytes of the file, setting \(name)", unit: "bytes",
      root: Node(name: name, parts: groups + [others]))
  }
}

extension TensorPlace {
  init(part: String, layer: Int?, kind: String) {
    self.part = part
    self.layer = layer
    self.kind = kind
  }
}

extension Sequence where Element: Hashable {
  /// The elements without those that came before.
  fileprivate var unique: [Element] {
    var seen = Set<Element>()
    return filter { seen.insert($0).inserted }
  }
}
