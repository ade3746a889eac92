"""Vision transformers with pre-norm blocks in NumPy float64: CLIP, DINOv2, timm, InternViT.

The weights have the names of the parts in vit_names.py. What is absent (a class token,
registers, layer scales, norms) is left out of the computation.
"""

from dataclasses import dataclass

import numpy as np

from mamba_reference import linear, norm, rms_norm, silu
from siglip_reference import ACTIVATIONS, attend, patches


def quick_gelu(x):
    return x / (1 + np.exp(-1.702 * x))


ACTIVATIONS = {**ACTIVATIONS, "quick_gelu": quick_gelu}


@dataclass(frozen=True)
class Options:
    """`antialias` says how a table of positions is resampled to another grid."""

    heads: int
    activation: str = "gelu"
    epsilon: float = 1e-6
    antialias: bool = False


def cubic(x, a):
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def resampling(old, new, antialias):
    """The matrix [new, old] of a cubic resampling along one axis."""
    scale = old / new
    matrix = np.zeros((new, old))
    for o in range(new):
        if antialias:
            spread = max(scale, 1)
            centre = (o + 0.5) * scale
            first = max(int(centre - 2 * spread + 0.5), 0)
            taps = np.arange(first, min(int(centre + 2 * spread + 0.5), old))
            row = cubic((taps - centre + 0.5) / spread, -0.5)
            matrix[o, taps] = row / row.sum()
        else:
            centre = (o + 0.5) * scale - 0.5
            for tap in int(np.floor(centre)) + np.arange(-1, 3):
                matrix[o, min(max(tap, 0), old - 1)] += cubic(centre - tap, -0.75)
    return matrix


def resampled(table, grid, antialias):
    """A table [n, D] of a square grid for another grid, row-major."""
    side = round(len(table) ** 0.5)
    if (side, side) == grid:
        return table
    down, across = (resampling(side, size, antialias) for size in grid)
    square = table.reshape(side, side, -1)
    return np.einsum("ri,cj,ijd->rcd", down, across, square).reshape(-1, table.shape[1])


def embedded(weights, options, pixels):
    """The stream before all blocks: class token, registers, patches."""
    kernel = weights["patch.weight"]
    size = kernel.shape[-1]
    x = patches(pixels, size) @ kernel.reshape(len(kernel), -1).T + weights.get("patch.bias", 0)
    grid = pixels.shape[1] // size, pixels.shape[2] // size
    prefix = [weights[n].reshape(-1, len(kernel)) for n in ("class", "registers") if n in weights]
    table = weights["positions"].reshape(-1, len(kernel))
    if round(len(table) ** 0.5) ** 2 != len(table):
        prefix[0], table = prefix[0] + table[:1], table[1:]
    x = np.concatenate([*prefix, x + resampled(table, grid, options.antialias)])
    return norm(weights, "before", x, options.epsilon) if "before.weight" in weights else x


def attention(weights, name, u, options):
    if name + "qkv.weight" in weights:
        q, k, v = np.split(linear(weights, name + "qkv", u), 3, 1)
    else:
        q, k, v = (linear(weights, name + part, u) for part in ("query", "key", "value"))
    if name + "query_norm.weight" in weights:
        q = rms_norm(q, weights[name + "query_norm.weight"], options.epsilon)
        k = rms_norm(k, weights[name + "key_norm.weight"], options.epsilon)
    return linear(weights, name + "output", attend(q, k, v, options.heads))


def perceptron(weights, name, u, options):
    if name + "gate_up.weight" in weights:
        gate, up = np.split(linear(weights, name + "gate_up", u), 2, 1)
        return linear(weights, name + "gated_down", silu(gate) * up)
    hidden = ACTIVATIONS[options.activation](linear(weights, name + "up", u))
    return linear(weights, name + "down", hidden)


def hidden_states(weights, options, pixels):
    """The stream after 0, 1, … all blocks, each [tokens, D], before the last norm."""
    streams = [embedded(weights, options, pixels)]
    while f"blocks.{len(streams) - 1}.norm1.weight" in weights:
        x, name = streams[-1], f"blocks.{len(streams) - 1}."
        u = norm(weights, name + "norm1", x, options.epsilon)
        x = x + weights.get(name + "scale1", 1) * attention(weights, name, u, options)
        u = norm(weights, name + "norm2", x, options.epsilon)
        x = x + weights.get(name + "scale2", 1) * perceptron(weights, name, u, options)
        streams.append(x)
    return streams


def prefix_count(weights):
    width = len(weights["patch.weight"])
    return sum(weights[n].size for n in ("class", "registers") if n in weights) // width
