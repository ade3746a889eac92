"""Writes Sources/Runtime/Tokenizer/Normalizers/CanonicalDecompositions.swift from the tables of the tokenizers library.

The library's normal forms define what models were trained on, so the table is read out of its NFC and NFD.
Usage: python canonical_decompositions.py (needs tokenizers).
"""

from pathlib import Path

from tokenizers import normalizers

TARGET = Path(__file__).parents[2] / "Sources/Runtime/Tokenizer/Normalizers/CanonicalDecompositions.swift"
HEADER = '''/// Canonical decompositions of Unicode 9.0, without those of Hangul syllables.
///
/// Written by Tests/References/canonical_decompositions.py. `C0=41+300` says that U+00C0 decomposes into U+0041 and
/// U+0300, and that these compose to it; `340>300` that U+0340 only decomposes (singletons and the composition
/// exclusions of Unicode Standard Annex 15).
enum CanonicalDecompositions {
  static let table = """
'''
FOOTER = '''    """
}
'''


def entries() -> list[str]:
    compose, decompose = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
    result = []
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000 or 0xAC00 <= code < 0xD7A4:
            continue
        parts = decompose(chr(code))
        if parts == chr(code):
            continue
        composes = compose(parts) == chr(code)
        if composes:
            parts = compose(parts[:-1]) + parts[-1]
            assert len(parts) == 2, hex(code)
        result.append(f"{code:X}{'=' if composes else '>'}{'+'.join(f'{ord(p):X}' for p in parts)}")
    return result


def main() -> None:
    lines, line = [], "   "
    for entry in entries():
        if len(line) + 1 + len(entry) > 100:
            lines.append(line)
            line = "   "
        line += " " + entry
    lines.append(line)
    TARGET.write_text(HEADER + "\n".join(lines) + "\n" + FOOTER)


main()
