"""Writes Sources/Runtime/Tokenizer/Normalizers/CompatibilityDecompositions.swift from the tokenizers library.

The library's normal forms define what models were trained on, so the table is read out of its NFKD and NFD.
Usage: python compatibility_decompositions.py (needs tokenizers).
"""

from pathlib import Path

from tokenizers import normalizers

TARGET = Path(__file__).parents[2] / "Sources/Runtime/Tokenizer/Normalizers/CompatibilityDecompositions.swift"
HEADER = '''/// Compatibility decompositions of Unicode 9.0, complete ones, as far as they differ from the canonical ones.
///
/// Written by Tests/References/compatibility_decompositions.py. `A8>20+308` says that U+00A8 becomes U+0020 and U+0308.
enum CompatibilityDecompositions {
  static let table = """
'''
FOOTER = '''    """
}
'''


def entries() -> list[str]:
    compatible, canonical = normalizers.NFKD().normalize_str, normalizers.NFD().normalize_str
    result = []
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000 or compatible(chr(code)) == canonical(chr(code)):
            continue
        result.append(f"{code:X}>{'+'.join(f'{ord(p):X}' for p in compatible(chr(code)))}")
    return result


def main() -> None:
    lines, line = [], "   "
    for entry in entries():
        if len(line) + 1 + len(entry) > 100 and line.strip():
            lines.append(line)
            line = "   "
        line += " " + entry
    lines.append(line)
    TARGET.write_text(HEADER + "\n".join(lines) + "\n" + FOOTER)


main()
