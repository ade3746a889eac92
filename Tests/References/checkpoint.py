"""Checkpoint directories: reading, writing, and one spelling for all accepted names."""

import json
import re
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

ALIASES = (
    (r"^llm_backbone\.(llm\.|)", ""),
    (r"^(model\.|language_model\.)backbone\.", "backbone."),
    (r"^backbone\.embedding\.", "backbone.embeddings."),
    (r"^((model\.|backbone\.|)mm_projector|multi_modal_projector)\.", "connector."),
    (r"^(model\.|backbone\.|)vision_tower\.(vision_tower\.|)(vision_model\.|)", "tower."),
    (r"^vision_model\.", "tower."),
    (r"^(embeddings|encoder|pre_layrnorm|post_layernorm|layernorm|head)\.", r"tower.\1."),
    (r"^(patch_embed|blocks|norm|norm_pre|attn_pool)\.", r"tower.\1."),
    (r"^(cls_token|reg_token|pos_embed)$", r"tower.\1"),
)


DEFAULT_NAMES = "config.json", "model.safetensors"
CONFIGS = "config.json", "params.json"
EXPECTED = "expected.safetensors"
VISION, VISION_PREFIX = "vision", "vision_backbone."


def write(directory, config, tensors, expected, reference, names=DEFAULT_NAMES):
    """A fixture: config.json, model.safetensors (or other `names`) and expected.safetensors."""
    directory.mkdir(parents=True, exist_ok=True)
    config_name, weights_name = names
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    (directory / config_name).write_text(text)
    save_file(contiguous(tensors), directory / weights_name, {"format": "pt"})
    save_file(
        contiguous(expected), directory / EXPECTED, {"reference": reference}
    )


def write_apart(directory, config, tensors, expected, reference, names=DEFAULT_NAMES):
    """As `write`, with the vision towers and their config in the directory `vision`."""
    config = dict(config)
    towers = directory / VISION
    towers.mkdir(parents=True, exist_ok=True)
    text = json.dumps(config.pop("vision_config"), indent=2, sort_keys=True) + "\n"
    (towers / names[0]).write_text(text)
    save_file(contiguous(part(tensors, VISION_PREFIX)), towers / names[1], {"format": "pt"})
    rest = {n: tensor for n, tensor in tensors.items() if not n.startswith(VISION_PREFIX)}
    write(directory, config, rest, expected, reference, names)


def contiguous(tensors):
    return {name: tensor.contiguous().clone() for name, tensor in tensors.items()}


def read(directory):
    """The config and the tensors of a directory and of its directory of vision towers."""
    directory = Path(directory)
    config_path = next(directory / name for name in CONFIGS if (directory / name).exists())
    config = json.loads(config_path.read_text())
    tensors = {}
    for path in sorted(directory.glob("*.safetensors")):
        if path.name != EXPECTED:
            tensors.update(load_file(path))
    if (directory / VISION).exists():
        config["vision_config"], towers = read(directory / VISION)
        tensors.update({VISION_PREFIX + name: tensor for name, tensor in towers.items()})
    return config, tensors


def canonical(tensors):
    """float32 tensors named `backbone.…`, `lm_head.…`, `tower.…`, `connector.…`."""
    renamed = {}
    for name, tensor in tensors.items():
        for pattern, replacement in ALIASES:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor.to(torch.float32)
    unfold_directions(renamed)
    number_layers(renamed)
    return renamed


def number_layers(tensors):
    """`linear_1` and `linear_2` of a connector without a scan are the layers 0 and 2 of an MLP."""
    if not any(name.startswith("connector.vss.") for name in tensors):
        for old, new in (("linear_1", "0"), ("linear_2", "2")):
            for name in [n for n in tensors if n.startswith(f"connector.{old}.")]:
                tensors[name.replace(old, new)] = tensors.pop(name)


def unfold_directions(tensors):
    """VMamba v2 folds the directions of two tensors into their rows: same bytes, other names."""
    scan = "connector.vss."
    if scan + "dt_projs.weight" not in tensors:
        return
    directions, inner = tensors[scan + "dt_projs_bias"].shape
    for name, shape in (
        (scan + "x_proj", (directions, -1, inner)),
        (scan + "dt_projs", (directions, inner, -1)),
    ):
        tensors[name + "_weight"] = tensors.pop(name + ".weight").reshape(shape)


def part(tensors, prefix):
    """The tensors below a prefix, without it."""
    return {n[len(prefix) :]: t for n, t in tensors.items() if n.startswith(prefix)}


def language(tensors):
    return {n: t for n, t in tensors.items() if n.startswith(("backbone.", "lm_head."))}


def doubles(tensors):
    """NumPy float64 copies."""
    return {name: tensor.double().numpy() for name, tensor in tensors.items()}
