"""Checks a directory of fixtures against two computations: check_fixtures.py DIRECTORY

For each fixture: expected outputs against NumPy float64, against PyTorch float32 and against
decoding token by token; and the effect on the outputs of a small change of each tensor.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

import checkpoint
import references

FLOAT64_BOUND = 2e-5  # expected outputs of transformers carry float32 error
FLOAT32_BOUND = 5e-5
DECODE_BOUND = 1e-9  # both in float64
INPUTS = "input_ids", "pixel_values", "pixel_values_dino", "pixel_values_siglip"
SENSITIVITY = 1e-3  # least effect of a change of one tenth, far above float32 error


def is_inert(name, config):
    """Tensors that by design change nothing."""
    if "k_proj.bias" in name or "key.bias" in name:
        return True  # softmax ignores what all keys share
    if "position_ids" in name or "mask_token" in name or name.startswith("attn_pool."):
        return True
    if "model" in config:
        tower = name.startswith("vision_backbone.")
        unused = "featurizer.norm.", ".attn_pool.", ".blocks.2."  # the last of three
        return "lm_head" in name or tower and any(part in name for part in unused)
    if config.get("model_type") == "clip" and not name.startswith("vision_model."):
        return True
    if config.get("model_type") == "vl_mamba" and ("head." in name or "post_layernorm" in name):
        return "lm_head" not in name
    last = config.get("vision_config", config).get("num_hidden_layers", 0) - 1
    unused = config.get("model_type") == "vl_mamba" and "vision_tower" in name
    if unused and f"encoder.layers.{last}." in name:
        return True  # the features are those before the last block
    return name == "lm_head.weight" and config.get("tie_word_embeddings", True)


def worst(actual, expected):
    return max(references.relative_error(actual[name], expected[name]) for name in actual)


def sensitivity(config, tensors, inputs, base):
    """The tensor whose change moves the outputs least, and how far it moves them."""
    effects = {}
    for name in tensors:
        if not is_inert(name, config):
            noise = torch.Generator().manual_seed(1)
            scale = 0.1 * tensors[name].float().pow(2).mean().sqrt()
            change = scale * torch.randn(tensors[name].shape, generator=noise)
            changed = {**tensors, name: tensors[name].float() + change}
            effects[name] = worst(references.numpy_outputs(config, changed, inputs), base)
    name = min(effects, key=effects.get)
    return name, effects[name]


def check(directory):
    config, tensors = checkpoint.read(directory)
    expected = load_file(directory / "expected.safetensors")
    inputs = {n: expected.pop(n) for n in INPUTS if n in expected}
    double = references.numpy_outputs(config, tensors, inputs)
    single = references.torch_outputs(config, tensors, inputs)
    decoded = references.numpy_outputs(config, tensors, inputs, decode=True)
    assert set(expected) == set(double) == set(single), (set(expected), set(double), set(single))
    errors = worst(double, expected), worst(single, expected), worst(decoded, double)
    least = sensitivity(config, tensors, inputs, double)
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    scale = max(float(tensor.abs().max()) for tensor in expected.values())
    passed = (
        errors[0] < FLOAT64_BOUND
        and errors[1] < FLOAT32_BOUND
        and errors[2] < DECODE_BOUND
        and least[1] > SENSITIVITY
    )
    print(
        f"{'ok  ' if passed else 'FAIL'} {directory.name:28} {size:7} bytes  "
        f"float64 {errors[0]:.1e}  float32 {errors[1]:.1e}  decode {errors[2]:.1e}  "
        f"largest {scale:.1f}  least effect {least[1]:.1e} of {least[0]}"
    )
    return passed


def main():
    directories = sorted(path for path in Path(sys.argv[1]).iterdir() if path.is_dir())
    results = [check(directory) for directory in directories]
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
