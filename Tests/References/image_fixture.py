"""Makes Tests/Fixtures/images: small image files, and what Pillow and Transformers make of them.

Needs Pillow 13, NumPy and Transformers 5 (its image processors that work through Pillow). Run it from anywhere;
it writes image files and three JSON files:

decoding.json   file, width, height and the RGB bytes (base64) of every image file
resizing.json   sizes, kernels and the RGB bytes (base64), or their FNV-1a hash where they are many
pipelines.json  preprocessor configurations and the values they lead to (base64 of little-endian 32-bit floats)
"""

import base64
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

FOLDER = Path(__file__).resolve().parent.parent / "Fixtures" / "images"
FILTERS = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def pattern(width, height, seed):
    """Pixels that the tests can make too: a wave that wraps, with noise from a multiplication."""
    index = np.arange(width * height * 3, dtype=np.uint64)
    noise = ((index + np.uint64(seed)) * np.uint64(2654435761)) >> np.uint64(13)
    x = (index // np.uint64(3)) % np.uint64(width)
    y = index // np.uint64(3 * width)
    value = np.uint64(5) * x + np.uint64(3) * y + noise % np.uint64(64) + np.uint64(80) * (index % np.uint64(3))
    return (value % np.uint64(256)).astype(np.uint8).reshape(height, width, 3)


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return f"{value:016x}"


def text(data):
    return base64.b64encode(bytes(data)).decode()


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def packed_rows(samples, depth):
    """Rows of bytes from samples [height, width, channels]."""
    height, width, channels = samples.shape
    flat = samples.reshape(height, width * channels)
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in flat]
    if depth == 8:
        return [row.astype(np.uint8).tobytes() for row in flat]
    bits = (flat[:, :, None] >> np.arange(depth - 1, -1, -1)) & 1
    return [np.packbits(row.reshape(-1).astype(np.uint8)).tobytes() for row in bits]


def filtered(rows, pixel_bytes):
    """Rows with the five filters of PNG in turn."""
    result, previous = b"", bytes(len(rows[0]))
    for number, row in enumerate(rows):
        kind = number % 5
        line = bytearray([kind])
        for i, byte in enumerate(row):
            left = row[i - pixel_bytes] if i >= pixel_bytes else 0
            corner = previous[i - pixel_bytes] if i >= pixel_bytes else 0
            up = previous[i]
            nearest = min((left, up, corner), key=lambda p: abs(left + up - corner - p))
            line.append((byte - [0, left, up, (left + up) // 2, nearest][kind]) % 256)
        result += line
        previous = row
    return result


def png(samples, depth, color, interlaced=False, before=b""):
    height, width, channels = samples.shape
    assert channels == CHANNELS[color]
    pixel_bytes = max(channels * depth // 8, 1)
    passes = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlaced else [samples]
    body = b"".join(filtered(packed_rows(p, depth), pixel_bytes) for p in passes if p.size)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    compressed = zlib.compress(body, 9)
    half = len(compressed) // 2
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before
        + chunk(b"IDAT", compressed[:half]) + chunk(b"IDAT", compressed[half:]) + chunk(b"IEND", b"")
    )


def png_files():
    random = np.random.default_rng(7)

    def samples(width, height, channels, depth):
        return random.integers(0, 1 << depth, (height, width, channels))

    palette = chunk(b"PLTE", random.integers(0, 256, 48, dtype=np.uint8).tobytes())
    linear = chunk(b"gAMA", struct.pack(">I", 100000))
    yield "rgb", png(samples(13, 9, 3, 8), 8, 2)
    yield "rgb-interlaced", png(samples(13, 9, 3, 8), 8, 2, True)
    yield "rgb-one-pixel", png(samples(1, 1, 3, 8), 8, 2)
    yield "rgb-column-interlaced", png(samples(1, 11, 3, 8), 8, 2, True)
    yield "rgb-transparent-color", png(samples(5, 7, 3, 8), 8, 2, before=chunk(b"tRNS", bytes(6)))
    yield "rgb-linear-gamma", png(samples(13, 9, 3, 8), 8, 2, before=linear)
    yield "rgb-16-bit", png(samples(13, 9, 3, 16), 16, 2)
    yield "rgb-16-bit-interlaced", png(samples(5, 6, 3, 16), 16, 2, True)
    yield "rgba", png(samples(13, 9, 4, 8), 8, 6)
    invisible = samples(7, 5, 4, 8)
    invisible[:, :, 3] = 0
    yield "rgba-invisible", png(invisible, 8, 6, before=chunk(b"bKGD", bytes([0, 200] * 3)))
    yield "rgba-16-bit", png(samples(13, 9, 4, 16), 16, 6)
    yield "rgba-16-bit-linear-gamma", png(samples(5, 5, 4, 16), 16, 6, before=linear)
    for depth in [1, 2, 4, 8]:
        yield f"grey-{depth}-bit", png(samples(13, 9, 1, depth), depth, 0)
    yield "grey-1-bit-interlaced", png(samples(13, 9, 1, 1), 1, 0, True)
    levels = samples(13, 9, 1, 16)
    levels[:4] //= 200
    yield "grey-16-bit", png(levels, 16, 0)
    yield "grey-linear-gamma", png(samples(7, 5, 1, 8), 8, 0, before=linear)
    yield "grey-alpha", png(samples(13, 9, 2, 8), 8, 4)
    yield "grey-alpha-16-bit", png(samples(7, 5, 2, 16), 16, 4)
    yield "palette-4-bit", png(samples(13, 9, 1, 4), 4, 3, before=palette)
    yield "palette-8-bit", png(samples(13, 9, 1, 8) % 16, 8, 3, before=palette)
    yield "palette-transparent", png(
        samples(13, 9, 1, 4), 4, 3, True, before=palette + chunk(b"tRNS", bytes(range(0, 160, 10))))


def save_jpegs():
    picture = Image.fromarray(pattern(37, 29, 3)).resize((37, 29), box=(5, 5, 14, 12), resample=Image.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(FOLDER / "full-chroma.jpg", quality=90, subsampling=0)
    picture.save(FOLDER / "half-chroma.jpg", quality=90, subsampling=1)
    picture.save(FOLDER / "quarter-chroma.jpg", quality=90, subsampling=2)
    picture.save(FOLDER / "progressive.jpg", quality=85, progressive=True)
    picture.save(FOLDER / "rotated-by-exif.jpg", quality=85, exif=exif)
    picture.save(FOLDER / "stored-as-rgb.jpg", quality=90, keep_rgb=True)
    picture.convert("L").save(FOLDER / "grey.jpg", quality=90)
    picture.convert("CMYK").save(FOLDER / "cmyk.jpg", quality=90)
    picture.crop((0, 0, 1, 1)).save(FOLDER / "one-pixel.jpg", quality=90)


def decoding():
    for name, content in png_files():
        (FOLDER / f"{name}.png").write_bytes(content)
    save_jpegs()
    for path in sorted([*FOLDER.glob("*.png"), *FOLDER.glob("*.jpg")]):
        image = Image.open(path).convert("RGB")
        yield {"file": path.name, "width": image.width, "height": image.height, "pixels": text(image.tobytes())}


def resizing():
    small = [(23, 17), (46, 34), (7, 5), (1, 1), (23, 5), (40, 17), (64, 3), (1, 17), (11, 40)]
    cases = [((23, 17), size) for size in small] + [((1, 1), (5, 4)), ((9, 1), (3, 3)), ((1, 9), (2, 20))]
    large = [((641, 427), (384, 384)), ((641, 427), (336, 224)), ((3001, 5), (7, 50)), ((200, 300), (777, 1001))]
    for source, target in cases + large:
        image = Image.fromarray(pattern(*source, 1))
        for code, name in enumerate(FILTERS):
            pixels = image.resize(target, resample=code).tobytes()
            case = {"source": source, "target": target, "filter": name}
            yield case | ({"hash": fnv1a(pixels)} if (source, target) in large else {"pixels": text(pixels)})
    random = np.random.default_rng(11)
    for number in range(60):
        # Half of them around the sizes at which Pillow changes the order of its passes.
        width, height, new_width = (int(n) for n in random.integers(1, 60, 3))
        turn = max(height - 2 * max(width - new_width, 0), 1)
        new_height = max(turn + int(random.integers(-1, 2)), 1) if number % 2 else int(random.integers(1, 60))
        image = Image.fromarray(pattern(width, height, 1))
        pixels = image.resize((new_width, new_height), resample=number % 3 + 1).tobytes()
        yield {"source": (width, height), "target": (new_width, new_height), "filter": FILTERS[number % 3 + 1],
               "hash": fnv1a(pixels)}


def pipelines():
    def case(name, processor, source, configuration, is_hashed=False):
        image = Image.fromarray(pattern(*source, 2))
        values = processor(**configuration)(image, return_tensors="np")["pixel_values"][0]
        family = processor.__name__.removesuffix("Pil")
        content = values.astype("<f4").tobytes()
        return {
            "name": name, "source": source, "configuration": {"image_processor_type": family} | configuration,
            "height": values.shape[1], "width": values.shape[2],
        } | ({"hash": fnv1a(content)} if is_hashed else {"values": text(content)})

    half = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
    clip = {
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    imagenet = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    both = {"size": {"height": 20, "width": 18}, "resample": 3, "rescale_factor": 1 / 255} | half
    edge = {"size": {"shortest_edge": 20}, "crop_size": {"height": 20, "width": 20}, "resample": 3} | clip
    yield case("SigLIP, both edges", SiglipImageProcessorPil, (37, 29), both)
    yield case("SigLIP, portrait", SiglipImageProcessorPil, (29, 60), both)
    yield case("CLIP, landscape", CLIPImageProcessorPil, (37, 29), edge)
    yield case("CLIP, portrait", CLIPImageProcessorPil, (29, 50), edge)
    yield case("CLIP, whole numbers", CLIPImageProcessorPil, (37, 29), edge | {"size": 20, "crop_size": 15})
    yield case("CLIP, crop larger than the image", CLIPImageProcessorPil, (24, 20), edge | {"crop_size": 27})
    yield case("CLIP, crop wider but not higher", CLIPImageProcessorPil, (20, 37),
               edge | {"crop_size": {"height": 9, "width": 23}})
    yield case("DINOv2", BitImageProcessorPil, (40, 31),
               {"size": {"shortest_edge": 22}, "crop_size": {"height": 18, "width": 18}, "resample": 3} | imagenet)
    yield case("LLaVA, padded landscape", LlavaImageProcessorPil, (37, 22), edge | {"do_pad": True})
    yield case("LLaVA, padded portrait", LlavaImageProcessorPil, (21, 36), edge | {"do_pad": True})
    yield case("rescaling alone", SiglipImageProcessorPil, (9, 7),
               {"do_resize": False, "do_normalize": False, "rescale_factor": 0.01})
    yield case("normalising alone", SiglipImageProcessorPil, (9, 7),
               {"do_resize": False, "do_rescale": False} | half)
    yield case("SigLIP at full size", SiglipImageProcessorPil, (641, 427),
               both | {"size": {"height": 384, "width": 384}}, True)
    yield case("CLIP at full size", CLIPImageProcessorPil, (641, 427),
               edge | {"size": {"shortest_edge": 336}, "crop_size": 336}, True)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, cases in [("decoding", decoding()), ("resizing", resizing()), ("pipelines", pipelines())]:
        lines = ",\n".join(json.dumps(case, sort_keys=True) for case in cases)
        (FOLDER / f"{name}.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
