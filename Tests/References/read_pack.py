"""Reads a pack, independently of the Swift sources: written from docs/format.md alone.

    read_pack.py FILE                    check everything, print a summary
    read_pack.py FILE --header           print the header as JSON
    read_pack.py FILE --tensor NAME      print the values, one row of the matrix a line
    read_pack.py FILE --asset NAME       print the content of an asset

Needs the standard library and the package zstandard.
"""

import argparse
import hashlib
import json
import math
import re
import struct
import sys
import zlib

import zstandard

MAGIC = bytes.fromhex("89564c4d500d0a1a")
BLOCK = 1 << 20
PAGE = 4096
CODECS = ("stored", "zlib", "zstd", "rans", "rans-classes")
WIDTHS = {"none": 1, "shuffle2": 2, "shuffle4": 4}


class Malformed(Exception):
    pass


def require(claim, message):
    if not claim:
        raise Malformed(message)


def unfold_zstd(frame, limit):
    try:
        size = zstandard.frame_content_size(frame)
        require(0 <= size <= limit, f"a zstd frame states {size} bytes")
        reader = zstandard.ZstdDecompressor().decompressobj()
        content = reader.decompress(frame)
    except zstandard.ZstdError as error:
        raise Malformed(f"zstd: {error}") from error
    require(reader.eof and not reader.unused_data, "not exactly one zstd frame")
    require(len(content) == size, "a zstd frame has another size than it states")
    return content


def unfold_zlib(stream, limit):
    try:
        reader = zlib.decompressobj()
        content = reader.decompress(stream, limit + 1)
    except zlib.error as error:
        raise Malformed(f"zlib: {error}") from error
    require(reader.eof and not reader.unused_data, "not exactly one zlib stream")
    return content


def unfold_rans(stream, length):
    try:
        return decode_rans(stream, [length])
    except (IndexError, struct.error) as error:
        raise Malformed("a rans stream ends too early") from error


def unfold_classes(stream, length):
    require(len(stream) > 10, "a stream in classes has no header")
    axis, bits, width, first = struct.unpack_from("<BBII", stream)
    require(axis < 2 and 1 <= bits <= 4 and 1 <= width <= BLOCK and first < width, "classes")
    lines = width if axis else (first + length + width - 1) // width
    start = 10 + (lines * bits + 7) // 8
    packed = int.from_bytes(stream[10:start], "little")
    require(len(stream) > start and packed >> (lines * bits) == 0, "numbers of classes")
    numbers = [packed >> (line * bits) & ((1 << bits) - 1) for line in range(lines)]
    places = [[] for _ in range(1 << bits)]
    for i in range(length):
        row, column = divmod(first + i, width)
        places[numbers[column if axis else row]].append(i)
    require(all(places), "a class without bytes")
    try:
        arranged = decode_rans(stream[start:], [len(part) for part in places])
    except (IndexError, struct.error) as error:
        raise Malformed("a rans stream ends too early") from error
    content = bytearray(length)
    for place, byte in zip((place for part in places for place in part), arranged):
        content[place] = byte
    return bytes(content)


def read_frequencies(stream, position):
    symbol, slots = 0, []
    while len(slots) < 4096:
        require(symbol < 256, "a rans table has too many symbols")
        frequency, position = stream[position], position + 1
        if frequency == 0:
            symbol += 1 + stream[position]
            position += 1
            continue
        if frequency >= 128:
            frequency = 128 + (frequency - 128) * 256 + stream[position]
            position += 1
        slots += [(symbol, frequency, place) for place in range(frequency)]
        symbol += 1
    require(len(slots) == 4096, "a rans table's sum")
    return slots, position


def decode_rans(stream, lengths):
    position, content, states = 0, bytearray(), None
    for length in lengths:
        slots, position = read_frequencies(stream, position)
        if states is None:
            states = list(struct.unpack_from("<32I", stream, position))
            require(min(states) >= 1 << 16, "a rans state is too small")
            position += 128
        for number in range(length):
            state = states[number % 32]
            byte, frequency, place = slots[state % 4096]
            content.append(byte)
            state = frequency * (state // 4096) + place
            if state < 1 << 16:
                (word,) = struct.unpack_from("<H", stream, position)
                position += 2
                state = state << 16 | word
            states[number % 32] = state
    require(position == len(stream), "bytes after a rans stream")
    require(set(states) == {1 << 16}, "rans states do not return to their start")
    return bytes(content)


UNFOLD = {1: unfold_zlib, 2: unfold_zstd, 3: unfold_rans, 4: unfold_classes}


def unique_keys(pairs):
    require(len(dict(pairs)) == len(pairs), "a key appears twice")
    return dict(pairs)


class Pack:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        require(len(self.bytes) >= 64 and self.bytes[:8] == MAGIC, "not a pack")
        major, minor, flags, offset, length = struct.unpack_from("<HHIQQ", self.bytes, 8)
        require((major, minor) == (1, 0), f"version {major}.{minor}")
        require(flags == 0, "flags are set")
        require(offset >= 64 and offset + length == len(self.bytes), "the index lies elsewhere")
        stored = self.bytes[offset:]
        digest = hashlib.sha256(stored)
        require(digest.digest() == self.bytes[32:64], "the index does not have its checksum")
        self.model_id = digest.hexdigest()
        self.read_index(unfold_zstd(stored, 256 << 20))
        self.check_layout(offset)

    def read_index(self, index):
        (length,) = struct.unpack_from("<Q", index)
        table = index[8 + length:]
        require(8 + length <= len(index) and len(table) % 56 == 0, "the block table is cut")
        text = index[8:8 + length].decode("utf-8")
        self.header = json.loads(text, object_pairs_hook=unique_keys)
        canonical = json.dumps(self.header, sort_keys=True, separators=(",", ":"),
                               ensure_ascii=False)
        self.is_canonical = canonical == text
        require(self.header["format"] == "vlmp" and self.header["version"] == "1.0", "the version")
        self.blocks = []
        for row in range(len(table) // 56):
            offset, stored, raw, codec, zeros, digest = struct.unpack_from(
                "<QIIB7s32s", table, 56 * row)
            require(codec < len(CODECS) and zeros == bytes(7), f"block {row}: codec or reserved bytes")
            require(1 <= raw <= BLOCK, f"block {row}: raw length {raw}")
            require(stored == raw if codec == 0 else 0 < stored < raw, f"block {row}: {stored}")
            self.blocks.append((offset, stored, raw, codec, digest))

    def planes(self):
        found = [(plane, f"{tensor['name']}/{plane['name']}")
                 for tensor in self.header["tensors"] for plane in tensor["planes"]]
        found += [(asset["plane"], asset["name"]) for asset in self.header["assets"]]
        return sorted(found, key=lambda entry: (entry[0]["firstBlock"], entry[0]["blockCount"]))

    def check_layout(self, index_offset):
        number, end = 0, 64
        for plane, name in self.planes():
            size = plane["bytes"]
            require(size % WIDTHS[plane["transform"]] == 0, f"{name}: size {size}")
            require(plane["firstBlock"] == number, f"{name}: first block")
            require(plane["blockCount"] == -(-size // BLOCK), f"{name}: number of blocks")
            blocks = self.blocks[number:number + plane["blockCount"]]
            require(len(blocks) == plane["blockCount"], f"{name}: blocks are missing")
            for position, (offset, stored, raw, codec, _) in enumerate(blocks):
                start = end
                if position == 0 and codec == 0 and size >= PAGE:
                    start = -(-end // PAGE) * PAGE
                require(offset == start, f"block {number}: at {offset}, not {start}")
                require(not any(self.bytes[end:start]), f"block {number}: padding is not zero")
                require(raw == min(BLOCK, size - position * BLOCK), f"block {number}: raw length")
                require(blocks[0][3] != 0 or codec == 0, f"block {number}: must be stored")
                end = start + stored
                number += 1
        require(number == len(self.blocks), "blocks without a plane")
        require(end == index_offset, "the blocks do not end where the index starts")
        for tensor in self.header["tensors"]:
            count = 1
            for size in tensor["shape"]:
                count *= size
            require(tensor["rows"] * tensor["columns"] == count, f"{tensor['name']}: matrix")

    def block(self, number, transform):
        offset, stored, raw, codec, digest = self.blocks[number]
        content = self.bytes[offset:offset + stored]
        require(hashlib.sha256(content).digest() == digest, f"block {number}: checksum")
        if codec == 0:
            return content
        content = UNFOLD[codec](content, raw)
        require(len(content) == raw, f"block {number}: raw length")
        width = WIDTHS[transform]
        values = raw // width
        ordered = bytearray(raw)
        for part in range(width):
            ordered[part::width] = content[part * values:(part + 1) * values]
        return bytes(ordered)

    def content(self, plane):
        blocks = range(plane["firstBlock"], plane["firstBlock"] + plane["blockCount"])
        return b"".join(self.block(number, plane["transform"]) for number in blocks)


def halves(content):
    return struct.unpack(f"<{len(content) // 2}e", content)


def signed(content):
    return struct.unpack(f"{len(content)}b", content)


def signs(count):
    """The highest bits of the first outputs of SplitMix64 with the seed 0."""
    mask = (1 << 64) - 1
    for number in range(1, count + 1):
        bits = number * 0x9E3779B97F4A7C15 & mask
        bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & mask
        bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & mask
        yield -1 if (bits ^ bits >> 31) >> 63 else 1


def turned_back(values, rows, columns):
    block = min(128, columns & -columns)
    sign = list(signs(128))
    walsh = [[(-1) ** (i & j).bit_count() / math.sqrt(block) for j in range(block)]
             for i in range(block)]
    result = []
    for start in range(0, rows * columns, block):
        part = values[start:start + block]
        result += [sign[(start % columns + j) % 128] * sum(v * w[j] for v, w in zip(part, walsh))
                   for j in range(block)]
    return result


def decode(pack, tensor):
    """The rows of the matrix, each a list of numbers."""
    rows, columns, encoding = tensor["rows"], tensor["columns"], tensor["encoding"]
    planes = {plane["name"]: pack.content(plane) for plane in tensor["planes"]}

    def plane(name, size):
        require(name in planes, f"{tensor['name']}: no plane {name}")
        require(len(planes[name]) == size, f"{tensor['name']}: size of {name}")
        return planes[name]

    if encoding == "f32":
        values = struct.unpack(f"<{rows * columns}f", plane("values", 4 * rows * columns))
    elif encoding == "f16":
        values = halves(plane("values", 2 * rows * columns))
    elif encoding == "bf16":
        content = plane("values", 2 * rows * columns)
        wide = b"".join(b"\0\0" + content[i:i + 2] for i in range(0, len(content), 2))
        values = struct.unpack(f"<{rows * columns}f", wide)
    elif match := re.fullmatch(r"q[86](?:g([1-9][0-9]*))?", encoding):
        group = int(match[1] or 64)
        groups = -(-columns // group)
        codes = signed(plane("codes", rows * columns))
        scales = halves(plane("scales", 2 * rows * groups))
        values = [scales[r * groups + c // group] * codes[r * columns + c]
                  for r in range(rows) for c in range(columns)]
    elif encoding in ("q4", "q4h"):
        width, subs, supers = -(-columns // 2), -(-columns // 16), -(-columns // 256)
        codes = plane("codes", rows * width)
        sub_scales = signed(plane("subScales", rows * subs))
        super_scales = halves(plane("superScales", 2 * rows * supers))
        values = []
        for r in range(rows):
            for c in range(columns):
                nibble = codes[r * width + c // 2] >> (4 * (c % 2)) & 15
                scale = super_scales[r * supers + c // 256] * sub_scales[r * subs + c // 16]
                values.append(scale * (nibble - 8))
        if encoding == "q4h":
            values = turned_back(values, rows, columns)
    elif match := re.fullmatch(r"fixed([4-9]|1[0-4])", encoding):
        codes = struct.unpack(f"<{rows * columns}I", plane("codes", 4 * rows * columns))
        values = [(-(code + 1 >> 1) if code & 1 else code >> 1) / (1 << int(match[1])) for code in codes]
    elif encoding == "e":
        codes = signed(plane("codes", rows * columns))
        scales = halves(plane("rowScales", 2 * rows))
        steps = halves(plane("columnSteps", 2 * columns if rows else 0))
        values = [scales[r] * codes[r * columns + c] * steps[c]
                  for r in range(rows) for c in range(columns)]
    else:
        raise Malformed(f"{tensor['name']}: unknown encoding {encoding}")
    return [values[r * columns:(r + 1) * columns] for r in range(rows)]


def summarize(pack):
    stored = sum(block[1] for block in pack.blocks)
    raw = sum(block[2] for block in pack.blocks)
    print(f"model {pack.model_id}")
    print(f"{len(pack.bytes)} bytes, {len(pack.blocks)} blocks, {raw} bytes in {stored}")
    print(f"header {'is' if pack.is_canonical else 'is NOT'} canonical")
    for tensor in pack.header["tensors"]:
        planes = ", ".join(f"{p['name']} {p['bytes']}" for p in tensor["planes"])
        print(f"tensor {tensor['name']} {tensor['shape']} {tensor['encoding']}: {planes}")
    for asset in pack.header["assets"]:
        print(f"asset {asset['name']} ({asset['mediaType']}): {asset['plane']['bytes']}")
    for plane, _ in pack.planes():
        pack.content(plane)
    print("all checksums agree")


def named(entries, name):
    found = [entry for entry in entries if entry["name"] == name]
    require(found, f"nothing is called {name}")
    return found[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--header", action="store_true")
    choice.add_argument("--tensor", metavar="NAME")
    choice.add_argument("--asset", metavar="NAME")
    options = parser.parse_args()
    try:
        pack = Pack(options.file)
        if options.header:
            print(json.dumps(pack.header, indent=2, ensure_ascii=False))
        elif options.tensor is not None:
            for row in decode(pack, named(pack.header["tensors"], options.tensor)):
                print(*row)
        elif options.asset is not None:
            asset = named(pack.header["assets"], options.asset)
            sys.stdout.buffer.write(pack.content(asset["plane"]))
        else:
            summarize(pack)
    except (Malformed, OSError, KeyError, TypeError, ValueError, struct.error) as error:
        sys.exit(f"{options.file}: {error or type(error).__name__}")


if __name__ == "__main__":
    main()
