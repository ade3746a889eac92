"""Cobra (arXiv 2403.14520) and ML-Mamba (arXiv 2407.19832) between image and LM, NumPy float64.

Two timm towers see the same image, each normalised in its own way; the features of a patch are
those of DINOv2, then those of SigLIP.
"""

import math

import numpy as np

import mamba2_reference
import vit_names
import vit_reference
from checkpoint import part
from connector_reference import convolve
from mamba_reference import layer_norm, linear, silu
from siglip_reference import gelu

TOWERS = "dino", "siglip"
POOLED_GRID = 14, 14


def block_count(weights):
    return len([name for name in weights if name.endswith(".norm1.weight")])


def fused_features(weights, config, images):
    """What the blocks before the last make of the patches: [n, D_dino + D_siglip]."""
    features = []
    for name in TOWERS:
        tower = part(weights, f"vision_backbone.{name}_featurizer.")
        parts = vit_names.translated(tower, vit_names.TIMM, block_count(tower))
        heads = config["vision_config"][f"{name}_featurizer"]["num_heads"]
        options = vit_reference.Options(heads, antialias=True)
        pixels = images[f"pixel_values_{name}"].astype(np.float64)
        stream = vit_reference.hidden_states(parts, options, pixels)[-2]
        features.append(stream[vit_reference.prefix_count(parts) :])
    return np.concatenate(features, 1)


def perceptron(weights, name, x):
    """Linear layers 0, 2, … with a GELU between each."""
    layers = sorted(int(n[len(name) :].split(".")[0]) for n in weights if n.startswith(name))
    for layer in dict.fromkeys(layers):
        x = linear(weights, f"{name}{layer}", gelu(x) if layer else x)
    return x


def pooled(x, grid, new):
    """Means over cells floor(i·n/m) … ceil((i+1)·n/m) − 1 along both axes."""
    square = x.reshape(*grid, -1)
    rows, columns = (
        [(i * old // size, math.ceil((i + 1) * old / size)) for i in range(size)]
        for old, size in zip(grid, new)
    )
    means = [square[a:b, c:d].mean((0, 1)) for a, b in rows for c, d in columns]
    return np.stack(means)


def project(weights, config, x):
    kind = config["model"]["arch_specifier"]
    if kind.endswith("fused-ldpnet"):
        head = {n: t for n, t in weights.items() if ".peg." not in n}
        side = math.isqrt(len(x))
        grid = tuple(config.get("projector_grid", POOLED_GRID))
        x = pooled(perceptron(head, "projector.", x), (side, side), grid)
        peg = "projector.4.peg.0."
        return x + convolve(x, weights[peg + "weight"], weights[peg + "bias"], grid)
    if kind.endswith("gelu-mlp"):
        return perceptron(weights, "projector.", x)
    return linear(weights, "projector", x)


def mix_both_ways(weights, name, x):
    """A Mamba-2 mixer in both directions, with two scans between two shared projections."""
    projected = linear(weights, name + "in_proj", x)
    options = mamba2_reference.Options(groups=1)
    forward = mamba2_reference.inner_outputs(weights, name, projected, options)
    back = mamba2_reference.inner_outputs(weights, name, projected[::-1], options, "_b")
    return linear(weights, name + "out_proj", (forward + back[::-1]) / 2)


def scanned(weights, features):
    """ML-Mamba before its projector."""
    x = gelu(linear(weights, "mlp.0", features))
    norm = lambda name, x: layer_norm(x, weights[name + ".weight"], weights[name + ".bias"], 1e-5)
    layer = 0
    while f"bidirectional_mamba.layers.{layer}.norm.weight" in weights:
        name = f"bidirectional_mamba.layers.{layer}."
        x = x + mix_both_ways(weights, name + "mixer.", x)
        u = norm(name + "norm", x)
        u = silu(linear(weights, name + "mlp.w1", u)) * linear(weights, name + "mlp.w2", u)
        x = x + linear(weights, name + "mlp.w3", u)
        layer += 1
    return norm("bidirectional_mamba.norm_f", x)


def image_outputs(weights, config, images):
    features = fused_features(weights, config, images)
    x = scanned(weights, features) if "mlp.0.weight" in weights else features
    image = project(part(weights, "projector."), config, x)
    return {"vision_features": features, "connector_output": image}
