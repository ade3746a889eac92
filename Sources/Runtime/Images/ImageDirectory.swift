import Foundation

/// The images of a directory.
public enum ImageDirectory {
  private static let extensions = ["png", "jpg", "jpeg"]

  /// Paths of the PNG and JPEG files right in a directory, by name.
  public static func paths(_ directory: String) throws(ImageError) -> [String] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: directory)
    } catch {
      throw .unreadable(file: directory)
    }
    return
      names
      .filter { name in extensions.contains { name.lowercased().hasSuffix("." + $0) } }
      .sorted().map { directory + "/" + $0 }
  }
}
