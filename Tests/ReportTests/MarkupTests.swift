import Report
import Testing

/// Text from strangers in a page.
@Suite struct MarkupTests {
  @Test func `text ends no element and begins none`() {
    let hostile = "</td><script>alert('1')</script> & \"x\""
    #expect(
      Markup(text: hostile).source
        == "&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot;")
    let element = Markup.element("p", ["title": "\" onclick=\"x"], text: hostile).source
    #expect(element.hasPrefix("<p title=\"&quot; onclick=&quot;x\">&lt;/td"))
  }

  @Test func `controls and turns of direction are replaced`() {
    #expect(
      Markup(text: "a\u{0}b\u{1B}c\u{202E}d\u{2066}e\u{85}f\n\t").source
        == "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}e\u{FFFD}f\n\t")
    #expect(Markup(text: "größer → 你好 👍").source == "größer → 你好 👍")
  }

  @Test func `drawings escape the names they are given`() {
    let hostile = "<img src=x onerror=alert(1)>"
    let chart = FrontierChart(
      title: hostile, costName: hostile, valueName: hostile,
      entries: [.init(name: hostile, cost: 1, value: 2, error: 0.5)])
    let map = HeatMap(
      title: hostile, columnsName: hostile, columns: [hostile],
      rows: [.init(name: hostile, cells: [.value(3)])], unit: hostile, domain: 0...10)
    let sizes = TreeMapDrawing(
      title: hostile, unit: hostile,
      root: .init(
        name: hostile,
        parts: [
          .init(name: hostile, parts: [.init(name: hostile, size: 3)]),
          .init(name: hostile, size: 9),
        ]))
    for drawing in [chart.drawing("a"), map.drawing("b"), sizes.drawing("c")] {
      #expect(!drawing.source.contains("<img"))
      #expect(drawing.source.contains("&lt;img"))
    }
  }

  @Test func `a page forbids everything from outside`() {
    let page = Markup.page(title: "<t>", style: "p { margin: 0 }", body: []).source
    #expect(page.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"))
    #expect(
      page.contains("content=\"default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;\""))
    #expect(page.contains("<title>&lt;t&gt;</title>"))
  }
}
