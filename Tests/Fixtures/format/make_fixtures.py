"""Writes the fixtures of this folder. Needs the packages numpy, safetensors and zstandard.

- independent.vlmp: a pack written from docs/format.md alone, without the Swift sources.
- huggingface.safetensors: written by the original implementation of safetensors.
"""

import hashlib
import json
import os
import struct
import zlib

import numpy
import safetensors.numpy
import zstandard

FOLDER = os.path.dirname(os.path.abspath(__file__))
PAGE = 4096


def rans(content):
    """The stream of codec 3."""
    return rans_runs([content])


def rans_runs(runs):
    """rANS of runs, with frequencies that are only roughly those of their content."""
    states, stream = [1 << 16] * 32, b""
    for number, content in reversed(list(enumerate(runs))):
        table, frequencies, starts = rans_table(content)
        words = []
        for place in reversed(range(len(content))):
            frequency, state = frequencies[content[place]], states[place % 32]
            if state >= frequency << 20:
                words.insert(0, state & 0xFFFF)
                state >>= 16
            states[place % 32] = (state // frequency * 4096 + state % frequency
                                  + starts[content[place]])
        states_bytes = struct.pack("<32I", *states) if number == 0 else b""
        stream = table + states_bytes + struct.pack(f"<{len(words)}H", *words) + stream
    return stream


def rans_table(content):
    symbols = sorted(set(content))
    frequencies = {s: max(1, 4000 * content.count(s) // len(content)) for s in symbols}
    frequencies[symbols[-1]] += 4096 - sum(frequencies.values())
    table, starts, start, gap = b"", {}, 0, 0
    for symbol in range(symbols[-1] + 1):
        frequency = frequencies.get(symbol, 0)
        gap += frequency == 0
        if frequency:
            table += bytes([0, gap - 1]) if gap else b""
            gap, starts[symbol], start = 0, start, start + frequency
            wide = frequency - 128
            table += bytes([128 + wide // 256, wide % 256] if wide >= 0 else [frequency])
    return table, frequencies, starts


def classes(axis, bits, width, first, numbers):
    """Encodes content as codec 4, with these numbers of classes of rows (axis 0) or columns (axis 1)."""
    def encode(content):
        places = [divmod(first + i, width) for i in range(len(content))]
        runs = [bytes(byte for byte, place in zip(content, places) if numbers[place[axis]] == number)
                for number in range(1 << bits)]
        packed = sum(number << (bits * line) for line, number in enumerate(numbers))
        return (struct.pack("<BBII", axis, bits, width, first)
                + packed.to_bytes((bits * len(numbers) + 7) // 8, "little") + rans_runs(runs))
    return encode


class Writer:
    def __init__(self):
        self.body = bytearray(64)
        self.table = b""
        self.count = 0

    def plane(self, name, content, codec, transform="none", encode=None):
        """Adds a plane of one block."""
        width = {"none": 1, "shuffle2": 2, "shuffle4": 4}[transform]
        stored = content
        if codec:
            ordered = b"".join(content[part::width] for part in range(width))
            encoders = {1: zlib.compress, 2: lambda b: zstandard.compress(b, 19), 3: rans, 4: encode}
            stored = encoders[codec](ordered)
            assert len(stored) < len(content), name
        elif len(content) >= PAGE:
            self.body += bytes(-len(self.body) % PAGE)
        self.table += struct.pack("<QIIB7x32s", len(self.body), len(stored), len(content), codec,
                                  hashlib.sha256(stored).digest())
        self.body += stored
        self.count += 1
        return {"name": name, "transform": transform, "bytes": len(content),
                "firstBlock": self.count - 1, "blockCount": 1}

    def finish(self, header):
        text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        text = text.encode()
        index = zstandard.compress(struct.pack("<Q", len(text)) + text + self.table, 19)
        preamble = struct.pack("<8sHHIQQ32s", b"\x89VLMP\r\n\x1a", 1, 0, 0, len(self.body),
                               len(index), hashlib.sha256(index).digest())
        return preamble + bytes(self.body[64:]) + index


def tensor(name, shape, rows, columns, encoding, planes):
    return {"name": name, "source": name + ".source", "role": "projection", "shape": shape,
            "rows": rows, "columns": columns, "encoding": encoding, "reason": "fixture",
            "planes": planes}


def uneven(writer, rows, columns, line, encode):
    """Planes of codes whose range grows with the number of a line."""
    codes = bytes(i * i * 3 % (2 + line(i) // 4) for i in range(rows * columns))
    return [writer.plane("codes", codes, 4, encode=encode),
            writer.plane("rowScales", struct.pack(f"<{rows}e", *[0.5] * rows), 0),
            writer.plane("columnSteps", struct.pack(f"<{columns}e", *[1] * columns), 0)]


def pack():
    writer = Writer()
    stored = b"".join(struct.pack("<f", i * 0.5) for i in range(1025))
    scales = b"".join(struct.pack("<e", 2.0 ** -(i % 4)) for i in range(40 * 2))
    codes = bytes((i * 7) % 5 for i in range(40 * 70))
    tensors = [
        tensor("quantized", [40, 70], 40, 70, "q8", [
            writer.plane("codes", codes, 2), writer.plane("scales", scales, 1, "shuffle2")]),
        tensor("mapped", [1025], 1, 1025, "f32", [writer.plane("values", stored, 0)]),
        tensor("nibbles", [2, 3, 6], 2, 18, "q4", [
            writer.plane("codes", bytes(range(18)), 0),
            writer.plane("subScales", struct.pack("4b", 1, -2, 3, -31), 0),
            writer.plane("superScales", struct.pack("<2e", 0.5, 0.25), 0)]),
        tensor("singles", [300], 1, 300, "f32", [
            writer.plane("values", struct.pack("<300f", *range(300)), 2, "shuffle4")]),
        tensor("coded", [3, 500], 3, 500, "e", [
            writer.plane("codes", bytes((i * i % 7 - 2) % 256 for i in range(1500)), 3),
            writer.plane("rowScales", struct.pack("<3e", 1, 2, 0.5), 0),
            writer.plane("columnSteps", struct.pack("<500e", *[1] * 500), 2, "shuffle2")]),
        tensor("columns", [50, 40], 50, 40, "e", uneven(writer, 50, 40, lambda i: i % 40, classes(
            1, 2, 40, 0, [(number * 7 + 3) % 4 for number in range(40)]))),
        tensor("rows", [40, 50], 40, 50, "e", uneven(writer, 40, 50, lambda i: i // 50, classes(
            0, 3, 50, 0, [number % 8 for number in range(40)]))),
    ]
    note = "eins, zwei, größer".encode()
    assets = [{"name": "note.txt", "mediaType": "text/plain",
               "plane": writer.plane("content", note, 0)}]
    return writer.finish({
        "format": "vlmp", "version": "1.0", "tensors": tensors, "assets": assets,
        "model": {"kind": "fixture"}, "recipe": {}, "provenance": {}, "evaluation": None,
        "activations": {"größte": 1.5}})


def huggingface():
    return safetensors.numpy.save({
        "half": numpy.array([[1, -2], [0.5, 65504]], numpy.float16),
        "single": numpy.array([[1.5, -0.0, 3e38]], numpy.float32),
        "double": numpy.array([0.25], numpy.float64),
        "long": numpy.array([-1, 1 << 62], numpy.int64),
        "byte": numpy.array([0, 127, 255], numpy.uint8),
        "truth": numpy.array([True, False]),
        "scalar": numpy.array(-7, numpy.int32),
        "empty": numpy.zeros((0, 4), numpy.float32),
        "größe": numpy.array([-300], numpy.int16),
    }, {"format": "np"})


for name, content in (("independent.vlmp", pack()), ("huggingface.safetensors", huggingface())):
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(content)
