// swift-tools-version: 6.2
import PackageDescription

let swift: [SwiftSetting] = [
  .treatAllWarnings(as: .error), .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]
let c: [CSetting] = [.treatAllWarnings(as: .error)]

/// A library of the operating system: its module map and header lie in `Sources/SystemLibraries`.
func system(_ name: String, pkgConfig: String, package: String) -> Target {
  .systemLibrary(
    name: name, path: "Sources/SystemLibraries/\(name)", pkgConfig: pkgConfig,
    providers: [.apt([package])])
}

let package = Package(
  name: "vlm-convert",
  products: [
    .executable(name: "vlm-convert", targets: ["vlm-convert"]),
    .library(name: "Runtime", targets: ["Quant", "Runtime"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
  ],
  targets: [
    system("CCrypto", pkgConfig: "libcrypto", package: "libssl-dev"),
    system("COpenBLAS", pkgConfig: "openblas", package: "libopenblas-dev"),
    system("CPNG", pkgConfig: "libpng", package: "libpng-dev"),
    system("CTurboJPEG", pkgConfig: "libturbojpeg", package: "libturbojpeg0-dev"),
    system("CZlib", pkgConfig: "zlib", package: "zlib1g-dev"),
    system("CZstd", pkgConfig: "libzstd", package: "libzstd-dev"),

    .target(name: "CKernels", cSettings: c),
    .target(
      name: "Format", dependencies: ["CKernels", "CCrypto", "CZlib", "CZstd"],
      swiftSettings: swift),
    .target(name: "Quant", dependencies: ["CKernels", "COpenBLAS"], swiftSettings: swift),
    .target(
      name: "Runtime", dependencies: ["Format", "Quant", "CKernels", "CPNG", "CTurboJPEG"],
      swiftSettings: swift),
    .target(
      name: "Learning", dependencies: ["Format", "Quant", "Runtime", "CKernels"],
      swiftSettings: swift),
    .target(
      name: "Convert",
      dependencies: [
        "Format", "Learning", "Quant", "Runtime", .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: swift),
    .target(name: "Report", swiftSettings: swift),
    .executableTarget(
      name: "vlm-convert",
      dependencies: [
        "Convert", "Report", "Runtime",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: swift),

    .target(name: "TestSupport", dependencies: ["Format", "Quant"], path: "Tests/TestSupport"),
    .testTarget(name: "KernelTests", dependencies: ["CKernels"]),
    .testTarget(name: "FormatTests", dependencies: ["Format"]),
    .testTarget(name: "ReportTests", dependencies: ["Report"]),
    .testTarget(name: "QuantTests", dependencies: ["Quant", "TestSupport"]),
    .testTarget(
      name: "RuntimeTests", dependencies: ["Convert", "Format", "Quant", "Runtime", "TestSupport"]),
    .testTarget(
      name: "LearningTests",
      dependencies: ["Learning", "Quant", "Runtime", "TestSupport"]),
    .testTarget(
      name: "ConvertTests", dependencies: ["Convert", "Format", "Quant", "Runtime", "TestSupport"]),
    .testTarget(
      name: "CommandLineTests", dependencies: ["vlm-convert", "Format", "Runtime"],
      exclude: ["Snapshots"]),
  ]
)
