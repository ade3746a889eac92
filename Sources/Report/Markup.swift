/// HTML and SVG, in which text is escaped unless it is markup already.
///
/// Whatever comes from files enters as text or as the value of an attribute; neither can end an element or begin one.
public struct Markup: Sendable, Equatable {
  /// The characters of the page.
  public let source: String

  private init(source: String) { self.source = source }

  /// Text; characters with a meaning in markup are escaped, those that may deceive a reader replaced.
  public init(text: String) { source = Self.escaped(text) }

  /// Several pieces, one after the other.
  public init(_ pieces: [Markup]) { source = pieces.map(\.source).joined() }

  /// Elements that have no content and no end.
  private static let empty: Set<String> = ["br", "meta"]

  /// An element. Names of elements and attributes are the program's own.
  public static func element(
    _ name: String, _ attributes: KeyValuePairs<String, String>, _ content: [Markup]
  ) -> Markup {
    let attributes = attributes.map { " \($0)=\"\(escaped($1))\"" }.joined()
    guard !empty.contains(name) else { return Markup(source: "<\(name)\(attributes)>") }
    return Markup(source: "<\(name)\(attributes)>\(Markup(content).source)</\(name)>")
  }

  /// An element without attributes.
  public static func element(_ name: String, _ content: [Markup]) -> Markup {
    element(name, [:], content)
  }

  /// An element with a text in it, or nothing.
  public static func element(
    _ name: String, _ attributes: KeyValuePairs<String, String> = [:], text: String = ""
  ) -> Markup {
    element(name, attributes, text.isEmpty ? [] : [Markup(text: text)])
  }

  /// A whole page.
  ///
  /// - Parameter style: a style sheet of the program's own. Nothing else is loaded or run, which the page itself
  ///   demands of the browser.
  public static func page(title: String, style: String, body: [Markup]) -> Markup {
    let head: [Markup] = [
      element("meta", ["charset": "utf-8"]),
      element(
        "meta",
        [
          "http-equiv": "Content-Security-Policy",
          "content": "default-src 'none'; style-src 'unsafe-inline'",
        ]),
      element(
        "meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
      element("meta", ["name": "color-scheme", "content": "light dark"]),
      element("title", text: title),
      // A style sheet is no markup: escapes would be characters of it.
      Markup(source: "<style>\(style)</style>"),
    ]
    return Markup(
      source: "<!DOCTYPE html>\n"
        + element(
          "html", ["lang": "en"], [element("head", head), element("body", body)]
        ).source + "\n")
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      default: result.unicodeScalars.append(isDeceptive(scalar) ? "\u{FFFD}" : scalar)
      }
    }
    return result
  }

  /// Control characters, and those that turn the direction of writing.
  private static func isDeceptive(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F...0x9F, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: true
    default: scalar.value & 0xFFFE == 0xFFFE
    }
  }
}

extension Markup {
  /// A length or place in a drawing, to a hundredth.
  static func number(_ value: Double) -> String {
    guard let hundredths = Int(exactly: (value * 100).rounded()) else { return "0" }
    let (whole, rest) = hundredths.magnitude.quotientAndRemainder(dividingBy: 100)
    let sign = hundredths < 0 ? "-" : ""
    guard rest > 0 else { return "\(sign)\(whole)" }
    let digits = rest % 10 == 0 ? "\(rest / 10)" : rest < 10 ? "0\(rest)" : "\(rest)"
    return "\(sign)\(whole).\(digits)"
  }

  /// A drawing with a title and a description for people who do not see it.
  ///
  /// - Parameter identifier: unique in the page.
  static func drawing(
    _ identifier: String, width: Double, height: Double, title: String, description: String,
    _ content: [Markup]
  ) -> Markup {
    element(
      "svg",
      [
        "role": "img", "viewBox": "0 0 \(number(width)) \(number(height))",
        "style": "max-width:\(number(width))px",
        "aria-labelledby": "\(identifier)-title \(identifier)-description",
      ],
      [
        element("title", ["id": "\(identifier)-title"], text: title),
        element("desc", ["id": "\(identifier)-description"], text: description),
      ] + content)
  }

  static func line(_ from: Point, _ to: Point, class name: String) -> Markup {
    element(
      "line",
      [
        "class": name, "x1": number(from.x), "y1": number(from.y), "x2": number(to.x),
        "y2": number(to.y),
      ])
  }

  static func label(
    _ text: String, at point: Point, class name: String = "label", anchor: String = "start"
  ) -> Markup {
    element(
      "text",
      [
        "class": name, "x": number(point.x), "y": number(point.y), "text-anchor": anchor,
      ], text: text)
  }

  static func rectangle(
    _ frame: Rectangle, fill: String? = nil, class name: String = "cell", title: String? = nil
  ) -> Markup {
    let content = title.map { [element("title", text: $0)] } ?? []
    let (x, y) = (number(frame.x), number(frame.y))
    let (width, height) = (number(frame.width), number(frame.height))
    guard let fill else {
      return element(
        "rect", ["class": name, "x": x, "y": y, "width": width, "height": height], content)
    }
    return element(
      "rect",
      ["class": name, "fill": fill, "x": x, "y": y, "width": width, "height": height], content)
  }
}
