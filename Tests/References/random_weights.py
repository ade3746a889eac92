"""Seeded random weights whose activations are of order one and whose states decay.

Every function adds tensors to a dictionary `weights` under the names of the published layouts.
"""

from dataclasses import dataclass

import numpy as np


class Random:
    """A source of float32 arrays that depends on nothing but its seed."""

    def __init__(self, seed):
        self.generator = np.random.default_rng(seed)

    def normal(self, *shape, scale=1.0, offset=0.0):
        return (self.generator.standard_normal(shape) * scale + offset).astype(np.float32)

    def uniform(self, low, high, *shape):
        return self.generator.uniform(low, high, shape).astype(np.float32)

    def integers(self, high, count):
        return self.generator.integers(0, high, count).astype(np.int32)


@dataclass(frozen=True)
class MambaSizes:
    hidden: int
    inner: int
    state: int
    rank: int
    kernel: int
    layers: int = 2
    rows: int = 32
    projection_bias: bool = False
    convolution_bias: bool = True


@dataclass(frozen=True)
class Mamba2Sizes:
    hidden: int
    heads: int
    width: int
    state: int
    groups: int
    kernel: int
    layers: int = 2
    rows: int = 32
    projection_bias: bool = False
    convolution_bias: bool = True
    norm: bool = True
    skip_width: int = 1

    @property
    def inner(self):
        return self.heads * self.width


@dataclass(frozen=True)
class TowerSizes:
    hidden: int
    heads: int
    intermediate: int
    layers: int
    patch: int
    height: int
    width: int

    @property
    def grid(self):
        return self.height // self.patch, self.width // self.patch


@dataclass(frozen=True)
class ViTSizes:
    """`positions` counts rows of the table, with that of the class token if it has one."""

    hidden: int
    heads: int
    intermediate: int
    layers: int
    patch: int
    positions: int
    class_shape: tuple = (1, 1)
    position_shape: tuple = (1,)
    registers: int = 0
    patch_bias: bool = True
    attention_bias: bool = True
    norm_bias: bool = True
    query_norm: bool = False
    gated: bool = False
    scales: bool = True
    outer_norms: tuple = ("after",)


def add_linear(weights, random, name, outputs, inputs, bias=True, gain=1.0):
    weights[name + ".weight"] = random.normal(outputs, inputs, scale=gain * inputs**-0.5)
    if bias:
        weights[name + ".bias"] = random.normal(outputs, scale=0.3)


def add_norm(weights, random, name, width, bias=True):
    weights[name + ".weight"] = random.normal(width, scale=0.2, offset=1)
    if bias:
        weights[name + ".bias"] = random.normal(width, scale=0.3)


def add_mixer(weights, random, name, sizes, gain=1.2):
    """One Mamba-1 mixer; `gain` is that of the projection to dt, B and C."""
    inner, state, rank = sizes.inner, sizes.state, sizes.rank
    bias = sizes.projection_bias
    add_linear(weights, random, name + "in_proj", 2 * inner, sizes.hidden, bias, gain=1.5)
    kernel = sizes.kernel
    weights[name + "conv1d.weight"] = random.normal(inner, 1, kernel, scale=1.5 * kernel**-0.5)
    if sizes.convolution_bias:
        weights[name + "conv1d.bias"] = random.normal(inner, scale=0.3)
    add_linear(weights, random, name + "x_proj", rank + 2 * state, inner, False, gain)
    add_linear(weights, random, name + "dt_proj", inner, rank, False)
    weights[name + "dt_proj.bias"] = random.uniform(-2, 0, inner)
    weights[name + "A_log"] = decay_logarithms(random, inner, state)
    weights[name + "D"] = random.normal(inner, scale=0.3, offset=1)
    add_linear(weights, random, name + "out_proj", sizes.hidden, inner, bias, gain=1.5)


def decay_logarithms(random, rows, state):
    """log(1 … N) in every row, as Mamba initialises it, and noise."""
    noise = random.normal(rows, state, scale=0.2)
    return np.log(np.arange(1, state + 1, dtype=np.float32)) + noise


def add_scan(weights, random, name, sizes, suffix=""):
    """What a Mamba-2 mixer has for each direction."""
    channels = sizes.inner + 2 * sizes.groups * sizes.state
    kernel, heads = sizes.kernel, sizes.heads
    convolution = f"{name}conv1d{suffix}"
    weights[convolution + ".weight"] = random.normal(
        channels, 1, kernel, scale=1.5 * kernel**-0.5
    )
    if sizes.convolution_bias:
        weights[convolution + ".bias"] = random.normal(channels, scale=0.3)
    weights[f"{name}dt_bias{suffix}"] = random.uniform(-3, 0, heads)
    weights[f"{name}A_log{suffix}"] = random.normal(heads, scale=0.6)
    skips = heads * sizes.skip_width
    weights[f"{name}D{suffix}"] = random.normal(skips, scale=0.3, offset=1)


def add_mixer2(weights, random, name, sizes, backwards=False):
    """One Mamba-2 mixer; `backwards` adds the parameters of a second direction."""
    inner, bias = sizes.inner, sizes.projection_bias
    rows = 2 * inner + 2 * sizes.groups * sizes.state + sizes.heads
    add_linear(weights, random, name + "in_proj", rows, sizes.hidden, bias, gain=1.5)
    add_scan(weights, random, name, sizes)
    if backwards:
        add_scan(weights, random, name, sizes, "_b")
    if sizes.norm:
        add_norm(weights, random, name + "norm", inner, False)
    add_linear(weights, random, name + "out_proj", sizes.hidden, inner, bias)


def add_mamba(weights, random, sizes, tied=True, layer_norm=False, embedding="embeddings"):
    """A Mamba language model; `rows` is the number of vocabulary rows."""
    add = add_mixer2 if isinstance(sizes, Mamba2Sizes) else add_mixer
    rows, hidden = sizes.rows, sizes.hidden
    weights[f"backbone.{embedding}.weight"] = random.normal(rows, hidden, scale=0.8)
    for i in range(sizes.layers):
        add_norm(weights, random, f"backbone.layers.{i}.norm", hidden, layer_norm)
        add(weights, random, f"backbone.layers.{i}.mixer.", sizes)
    add_norm(weights, random, "backbone.norm_f", hidden, layer_norm)
    if not tied:
        add_linear(weights, random, "lm_head", rows, hidden, False, gain=2)


def add_siglip(weights, random, name, sizes, head):
    """A SigLIP tower with one position row for each cell of its grid."""
    hidden, patch, intermediate = sizes.hidden, sizes.patch, sizes.intermediate
    rows, columns = sizes.grid
    embeddings = name + "embeddings."
    weights[embeddings + "patch_embedding.weight"] = random.normal(
        hidden, 3, patch, patch, scale=1.5 * (3 * patch * patch) ** -0.5
    )
    weights[embeddings + "patch_embedding.bias"] = random.normal(hidden, scale=0.3)
    weights[embeddings + "position_embedding.weight"] = random.normal(
        rows * columns, hidden, scale=0.6
    )
    for i in range(sizes.layers):
        layer = f"{name}encoder.layers.{i}."
        for norm in ("layer_norm1", "layer_norm2"):
            add_norm(weights, random, layer + norm, hidden)
        for projection, gain in (("q", 2), ("k", 2), ("v", 1), ("out", 0.7)):
            add_linear(
                weights, random, f"{layer}self_attn.{projection}_proj", hidden, hidden, gain=gain
            )
        add_linear(weights, random, layer + "mlp.fc1", intermediate, hidden, gain=1.5)
        add_linear(weights, random, layer + "mlp.fc2", hidden, intermediate, gain=0.7)
    add_norm(weights, random, name + "post_layernorm", hidden)
    if head:
        add_pooling_head(weights, random, name + "head.", hidden, intermediate)


def add_vit(weights, random, prefix, names, sizes):
    """A ViT under the `names` of a family; `sizes` say which of its parts there are."""
    hidden, patch = sizes.hidden, sizes.patch

    def name(part, i=None):
        return prefix + names[part].format(i)

    kernel = name("patch")
    weights[kernel + ".weight"] = random.normal(
        hidden, 3, patch, patch, scale=1.5 * (3 * patch * patch) ** -0.5
    )
    if sizes.patch_bias:
        weights[kernel + ".bias"] = random.normal(hidden, scale=0.3)
    if sizes.class_shape:
        weights[name("class")] = random.normal(*sizes.class_shape, hidden)
    if sizes.registers:
        weights[name("registers")] = random.normal(1, sizes.registers, hidden)
    weights[name("positions")] = random.normal(
        *sizes.position_shape, sizes.positions, hidden, scale=0.6
    )
    for norm in sizes.outer_norms:
        add_norm(weights, random, name(norm), hidden)
    for i in range(sizes.layers):
        add_vit_block(weights, random, lambda part: name("blocks.{}." + part, i), names, sizes)


def add_vit_block(weights, random, name, names, sizes):
    hidden, bias = sizes.hidden, sizes.attention_bias
    add_norm(weights, random, name("norm1"), hidden, sizes.norm_bias)
    if "blocks.{}.qkv" in names:
        add_linear(weights, random, name("qkv"), 3 * hidden, hidden, bias, gain=1.7)
    else:
        for part, gain in (("query", 2), ("key", 2), ("value", 1)):
            add_linear(weights, random, name(part), hidden, hidden, bias, gain)
    if sizes.query_norm:
        add_norm(weights, random, name("query_norm"), hidden, False)
        add_norm(weights, random, name("key_norm"), hidden, False)
    add_linear(weights, random, name("output"), hidden, hidden, gain=0.7)
    add_norm(weights, random, name("norm2"), hidden, sizes.norm_bias)
    if sizes.gated:
        rows = 2 * sizes.intermediate
        add_linear(weights, random, name("gate_up"), rows, hidden, gain=1.5)
        add_linear(weights, random, name("gated_down"), hidden, sizes.intermediate)
    else:
        add_linear(weights, random, name("up"), sizes.intermediate, hidden, gain=1.5)
        add_linear(weights, random, name("down"), hidden, sizes.intermediate, gain=0.7)
    if sizes.scales:
        for part in ("scale1", "scale2"):
            weights[name(part)] = random.normal(hidden, scale=0.3, offset=0.8)


def add_pooling_head(weights, random, name, hidden, intermediate):
    weights[name + "probe"] = random.normal(1, 1, hidden)
    weights[name + "attention.in_proj_weight"] = random.normal(
        3 * hidden, hidden, scale=1.5 * hidden**-0.5
    )
    weights[name + "attention.in_proj_bias"] = random.normal(3 * hidden, scale=0.3)
    add_linear(weights, random, name + "attention.out_proj", hidden, hidden)
    add_norm(weights, random, name + "layernorm", hidden)
    add_linear(weights, random, name + "mlp.fc1", intermediate, hidden, gain=1.5)
    add_linear(weights, random, name + "mlp.fc2", hidden, intermediate, gain=1.5)


def add_grid_scan(weights, random, name, hidden, state, rank, directions):
    """VMamba's SS2D, `v0` names, inner width twice `hidden`."""
    inner = 2 * hidden
    add_linear(weights, random, name + "in_proj", 2 * inner, hidden, False, gain=1.5)
    weights[name + "conv2d.weight"] = random.normal(inner, 1, 3, 3, scale=0.5)
    weights[name + "conv2d.bias"] = random.normal(inner, scale=0.3)
    weights[name + "x_proj_weight"] = random.normal(
        directions, rank + 2 * state, inner, scale=inner**-0.5
    )
    weights[name + "dt_projs_weight"] = random.normal(
        directions, inner, rank, scale=rank**-0.5
    )
    weights[name + "dt_projs_bias"] = random.uniform(-2, 0, directions, inner)
    weights[name + "A_logs"] = decay_logarithms(random, directions * inner, state)
    weights[name + "Ds"] = random.normal(directions * inner, scale=0.3, offset=1)
    add_norm(weights, random, name + "out_norm", inner)
    add_linear(weights, random, name + "out_proj", hidden, inner, False, gain=1.5)


def add_connector(weights, random, name, kind, widths, add_scan=None, norm_bias=True):
    """`widths` are those of the vision features, of the scan and of the language model."""
    vision, scan, language = widths
    if kind == "linear":
        weights[name + "weight"] = random.normal(language, vision, scale=vision**-0.5)
        weights[name + "bias"] = random.normal(language, scale=0.3)
    elif kind == "mlp2x_gelu":
        add_linear(weights, random, name + "0", language, vision, gain=1.5)
        add_linear(weights, random, name + "2", language, language, gain=1.5)
    elif kind == "vss_mlp":
        add_scan(weights, random, name + "vss.", vision)
        add_norm(weights, random, name + "norm", vision, norm_bias)
        add_linear(weights, random, name + "mlp.0", language, vision, gain=1.5)
        add_linear(weights, random, name + "mlp.2", language, language, gain=1.5)
    elif kind == "vss_l2":
        add_linear(weights, random, name + "linear_1", scan, vision, gain=1.5)
        add_scan(weights, random, name + "vss.", scan)
        add_norm(weights, random, name + "norm", scan, norm_bias)
        add_linear(weights, random, name + "linear_2", language, scan)
    else:
        raise ValueError(f"no connector {kind}")
