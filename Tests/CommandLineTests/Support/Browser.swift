import Foundation
import Runtime

/// A browser without a window, where one is installed; Scripts/bootstrap does that for tests.
enum Browser {
  static let path = ["chromium-headless-shell", "chromium", "chromium-browser"]
    .map { "/usr/bin/\($0)" }
    .first(where: FileManager.default.isExecutableFile)

  /// What a page has become after it was read, as markup.
  static func document(of page: String, in workplace: Workplace) throws -> String {
    try run("--dump-dom", page, in: workplace).output
  }

  /// What a page looks like.
  static func picture(
    of page: String, width: Int, height: Int, options: String..., in workplace: Workplace
  ) throws -> RGBImage {
    let arguments = ["--screenshot=page.png", "--window-size=\(width),\(height)"] + options
    _ = try run(arguments.joined(separator: " "), page, in: workplace)
    return try RGBImage(contentsOf: workplace.path("page.png"))
  }

  /// Programs of tests may run as root, which a browser's sandbox refuses.
  private static func run(
    _ options: String, _ page: String, in workplace: Workplace
  ) throws -> Program.Outcome {
    let browser = path ?? "false"
    return try Program.shell(
      "\(browser) --headless --no-sandbox --disable-gpu --user-data-dir=profile \(options) \\\n"
        + "\"file://$PWD/\(page)\"", in: workplace)
  }
}
