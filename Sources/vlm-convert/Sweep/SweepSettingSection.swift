import Report
import Runtime

/// One setting on the page of a sweep: errors and bytes of its tensors.
struct SweepSettingSection {
  let setting: SweepDocument.Setting
  /// Unique in the page.
  let identifier: String
  let colors: [String: Int]
  let domain: ClosedRange<Double>

  func markup(isOpen: Bool) -> Markup {
    let heading = Markup.element(
      "summary",
      [
        .element("strong", text: setting.name),
        .init(
          text:
            " – \(Quantity.bytes(setting.byteCount)), \(Quantity.decimal(setting.bitsPerWeight, 3)) bits a weight"
            + (setting.evaluation.klMean.map { ", KL \(Quantity.decimal($0, 5))" } ?? "")
        ),
      ])
    let content = [heading] + errors + bytes
    return isOpen
      ? .element("details", ["class": "setting", "open": ""], content)
      : .element("details", ["class": "setting"], content)
  }

  private var errors: [Markup] {
    let weights = setting.heatMaps(
      "Weights, signal over error", domain: domain, isComplete: true, \.weightSNR)
    let outputs = setting.heatMaps(
      "Outputs, signal over error", domain: domain, isComplete: false, \.outputSNR)
    let exact = setting.exactKinds
    let note =
      exact.isEmpty
      ? []
      : [
        Markup.element(
          "p", ["class": "kept"], text: "Kept exactly: \(exact.joined(separator: ", ")).")
      ]
    return (weights + outputs).enumerated().map { number, map in
      .element(
        "figure",
        [
          .element("figcaption", text: "\(map.title), decibels by kind and layer."),
          map.drawing("\(identifier)-errors-\(number)"),
        ])
    } + note
  }

  private var bytes: [Markup] {
    let drawing = setting.sizes(colors)
    let rows = setting.tensors.map { tensor in
      [
        tensor.name, tensor.encoding, String(tensor.weights), String(tensor.storedBytes),
        Quantity.decimal(Double(tensor.storedBytes) * 8 / Double(max(1, tensor.weights)), 3),
        tensor.weightSNR.map { Quantity.decimal($0, 2) } ?? "exact",
        tensor.outputSNR.map { Quantity.decimal($0, 2) } ?? "",
      ]
    }
    let files =
      setting.assets.map { [$0.name, "", "", String($0.storedBytes), "", "", ""] }
      + [["index", "", "", String(setting.otherBytes), "", "", ""]]
    return [
      .element(
        "figure",
        [
          .element(
            "figcaption", text: "\(drawing.title): areas by kind and layer; a colour for each kind."
          ),
          drawing.drawing("\(identifier)-bytes"),
        ]),
      .disclosure(
        "Table of all tensors",
        [
          .table(
            [
              "tensor", "encoding", "weights", "stored bytes", "bits a weight", "weights, dB",
              "outputs, dB",
            ], rows + files)
        ]),
    ]
  }
}
