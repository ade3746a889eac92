"""Mamba-2 in NumPy float64, written from the formulas of the paper (arXiv 2405.21060).

`mixer` runs the scan in chunks, each as a masked product of C and B; `Cell` runs the recurrence
token by token. The two share no scan code. Groups and heads are contiguous: head h reads the B
and C of group h div (H / G).
"""

from dataclasses import dataclass

import numpy as np

from mamba_reference import convolve, linear, rms_norm, silu, softplus


@dataclass(frozen=True)
class Options:
    """What shapes cannot tell; `limits` clamp dt in both forms."""

    groups: int = 1
    epsilon: float = 1e-5
    limits: tuple = (0.0, np.inf)
    chunk: int = 256


@dataclass(frozen=True)
class Sizes:
    inner: int
    heads: int
    groups: int
    state: int

    @staticmethod
    def of(weights, name, options):
        heads = len(weights[name + "A_log"])
        inner = weights[name + "out_proj.weight"].shape[1]
        channels = len(weights[name + "conv1d.weight"])
        state = (channels - inner) // (2 * options.groups)
        return Sizes(inner, heads, options.groups, state)

    def split(self, projected):
        """z [I], x|B|C [I + 2GN] and dt [H] of the rows of in_proj, along the last axis."""
        channels = self.inner + 2 * self.groups * self.state
        return np.split(projected, [self.inner, self.inner + channels], -1)

    def parts(self, convolved):
        """x [H, P], and B and C [H, N] for each head, along the last axes."""
        x, b, c = np.split(
            convolved, [self.inner, self.inner + self.groups * self.state], -1
        )
        leading = convolved.shape[:-1]
        x = x.reshape(*leading, self.heads, -1)
        b, c = (m.reshape(*leading, self.groups, self.state) for m in (b, c))
        repeat = self.heads // self.groups
        return x, np.repeat(b, repeat, -2), np.repeat(c, repeat, -2)


def time_steps(weights, name, dt, limits, suffix=""):
    return np.clip(softplus(dt + weights[f"{name}dt_bias{suffix}"]), *limits)


def skip(weights, name, x, suffix=""):
    """D·x with one D for each head, or for each channel."""
    d = weights[f"{name}D{suffix}"]
    return x * (d.reshape(x.shape[-2:]) if d.size == x[0].size else d[:, None])


def chunked_scan(x, dt, a, b, c, chunk):
    """x [L, H, P]; dt [L, H]; a [H]; b, c [L, H, N]; result [L, H, P]."""
    state = np.zeros((*x.shape[1:], b.shape[-1]))
    parts = []
    for start in range(0, len(x), chunk):
        here = slice(start, start + chunk)
        total = np.cumsum(dt[here] * a, 0)
        span = total[:, None] - total[None]
        mask = np.tri(len(total), dtype=bool)[..., None]
        decay = np.exp(np.where(mask, span, 0)) * mask
        inputs = dt[here, :, None] * x[here]
        scores = np.einsum("thn,shn->tsh", c[here], b[here]) * decay
        y = np.einsum("tsh,shp->thp", scores, inputs)
        y += np.einsum("thn,hpn,th->thp", c[here], state, np.exp(total))
        parts.append(y)
        left = np.exp(total[-1] - total)
        state = np.exp(total[-1])[:, None, None] * state
        state = state + np.einsum("sh,shp,shn->hpn", left, inputs, b[here])
    return np.concatenate(parts)


def gated(weights, name, y, z, options):
    """The gate, then the norm over each group; without a norm's weight only the gate."""
    y = y * silu(z)
    weight = weights.get(name + "norm.weight")
    if weight is None:
        return y
    split = y.reshape(*y.shape[:-1], options.groups, -1)
    return rms_norm(split, 1, options.epsilon).reshape(y.shape) * weight


def inner_outputs(weights, name, projected, options, suffix=""):
    """All of a mixer between its two projections: rows of in_proj [L, ·] to [L, I]."""
    sizes = Sizes.of(weights, name, options)
    z, channels, dt = sizes.split(projected)
    kernel = weights[f"{name}conv1d{suffix}.weight"][:, 0]
    bias = weights.get(f"{name}conv1d{suffix}.bias", 0)
    x, b, c = sizes.parts(silu(convolve(channels, kernel, bias)))
    dt = time_steps(weights, name, dt, options.limits, suffix)
    a = -np.exp(weights[f"{name}A_log{suffix}"])
    y = chunked_scan(x, dt, a, b, c, options.chunk) + skip(weights, name, x, suffix)
    return gated(weights, name, y.reshape(z.shape), z, options)


def mixer(weights, name, u, options):
    """One Mamba-2 mixer over a sequence [L, D]."""
    projected = linear(weights, name + "in_proj", u)
    return linear(
        weights, name + "out_proj", inner_outputs(weights, name, projected, options)
    )


class Cell:
    """One Mamba-2 mixer token by token with a state [H, P, N]."""

    def __init__(self, weights, name, options):
        self.weights, self.name, self.options = weights, name, options
        self.sizes = Sizes.of(weights, name, options)
        heads, inner = self.sizes.heads, self.sizes.inner
        self.state = np.zeros((heads, inner // heads, self.sizes.state))
        channels, _, width = weights[name + "conv1d.weight"].shape
        self.window = np.zeros((channels, width))

    def step(self, u):
        weights, name = self.weights, self.name
        z, channels, dt = self.sizes.split(linear(weights, name + "in_proj", u))
        self.window = np.concatenate([self.window[:, 1:], channels[:, None]], 1)
        channels = (self.window * weights[name + "conv1d.weight"][:, 0]).sum(1)
        channels = silu(channels + weights.get(name + "conv1d.bias", 0))
        x, b, c = self.sizes.parts(channels)
        dt = time_steps(weights, name, dt, self.options.limits)
        decay = np.exp(-dt * np.exp(weights[name + "A_log"]))[:, None, None]
        inputs = (dt[:, None] * x)[..., None] * b[:, None]
        self.state = decay * self.state + inputs
        y = (self.state @ c[..., None])[..., 0] + skip(weights, name, x[None])[0]
        return linear(weights, name + "out_proj", gated(weights, name, y.ravel(), z, self.options))
