import Foundation
import TestSupport
import Testing

@testable import Convert

/// The README's table of supported models is made from the registry of architectures.
@Suite struct SupportedModelsTests {
  /// How a profile is checked: its fixtures, what made their outputs, and the worst relative error measured with
  /// either engine. Other tests assert that the errors stay below 2e-5.
  struct Check {
    let fixtures: [String]
    let reference: String
    let error: String
  }

  static let checks: [String: Check] = [
    "cobra": Check(
      fixtures: [
        "cobra-linear", "cobra-gelu-mlp", "cobra-fused-gelu-mlp", "cobra-fused-ldpnet",
        "cobra-with-vision",
      ], reference: "timm, NumPy and PyTorch", error: "3e-6"),
    "mlmamba": Check(
      fixtures: ["mlmamba"], reference: "timm, NumPy and PyTorch", error: "1e-6"),
    "vlmamba": Check(
      fixtures: [
        "vlmamba-linear", "vlmamba-mlp2x-gelu", "vlmamba-vss-mlp-bsm", "vlmamba-vss-l2-csm",
        "vlmamba-vss-mlp-mamba-csm", "vlmamba-clip", "vlmamba-mamba2", "vlmamba-falcon",
        "llava-mamba",
      ], reference: "transformers, NumPy and PyTorch", error: "8e-6"),
    "clip-vit": Check(
      fixtures: ["clip-vit", "clip-full"], reference: "transformers", error: "3e-7"),
    "siglip-vit": Check(
      fixtures: ["siglip", "siglip-classifier", "siglip-unprefixed"], reference: "transformers",
      error: "5e-7"),
    "dinov2": Check(
      fixtures: ["dinov2", "dinov2-swiglu"], reference: "transformers", error: "5e-7"),
    "dinov2-reg": Check(fixtures: ["dinov2-reg"], reference: "transformers", error: "5e-7"),
    "internvit": Check(
      fixtures: ["internvit", "internvit-rms-qk"], reference: "transformers and NumPy",
      error: "3e-7"),
    "internvit-hf": Check(fixtures: ["internvit-hf"], reference: "transformers", error: "3e-7"),
    "timm-vit": Check(
      fixtures: ["timm-vit-dinov2", "timm-vit-siglip"], reference: "timm", error: "7e-7"),
    "falcon-mamba": Check(fixtures: ["falcon-mamba"], reference: "transformers", error: "4e-7"),
    "mamba2-mistral": Check(
      fixtures: ["mamba2-mistral"], reference: "transformers and NumPy", error: "4e-7"),
    "mamba2-hf": Check(
      fixtures: ["mamba2-hf", "mamba2-hf-bare"], reference: "transformers", error: "8e-7"),
    "mamba2-ssm": Check(
      fixtures: ["mamba2-ssm", "mamba2-ssm-hdim", "mamba2-ssm-gate"],
      reference: "transformers and NumPy", error: "6e-7"),
    "mamba1-hf": Check(
      fixtures: ["mamba1-hf", "mamba1-hf-tied-bf16"], reference: "transformers", error: "2e-6"),
    "mamba1-ssm": Check(
      fixtures: ["mamba1-ssm", "mamba1-ssm-layernorm"], reference: "NumPy", error: "2e-6"),
  ]

  @Test func `every profile has fixtures`() {
    for architecture in Architectures.all {
      let fixtures = Self.checks[architecture.profile]?.fixtures ?? []
      #expect(!fixtures.isEmpty, "\(architecture.profile)")
      for fixture in fixtures {
        #expect(
          FileManager.default.fileExists(
            atPath: Fixtures.model(fixture) + "/expected.safetensors"), "\(fixture)")
      }
    }
    #expect(Set(Self.checks.keys) == Set(Architectures.all.map(\.profile)))
  }

  @Test func `the table of the README is that of the registry`() throws {
    let readme = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("README.md")
    let text = try String(contentsOf: readme, encoding: .utf8)
    #expect(text.contains(Self.table), "expected in README.md:\n\(Self.table)")
  }

  private static var table: String {
    let rows = Architectures.all.map { architecture in
      let check = checks[architecture.profile]
      return
        "| `\(architecture.profile)` | \(architecture.summary) | yes | yes | yes | \(check?.reference ?? "") | \(check?.error ?? "") |"
    }
    return """
      | profile | model | convert | run | q8, q4 | checked against | relative error |
      |---|---|---|---|---|---|---|

      """ + rows.joined(separator: "\n") + "\n"
  }
}
