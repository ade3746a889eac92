"""Mamba-1 in NumPy float64, written from the formulas of the paper (arXiv 2312.00752).

All sizes come from the shapes of the weights. `logits` evaluates the scan as a sum over all
earlier tokens; `decoded_logits` runs the recurrence token by token. The two share no scan code.

FalconMamba (arXiv 2410.05355) divides dt, B and C by their root mean squares: `rms` is the
epsilon of these divisions, which have no weights.
"""

import numpy as np


def softplus(x):
    return np.logaddexp(0, x)


def silu(x):
    return x / (1 + np.exp(-x))


def rms_norm(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


def scaled(parts, rms):
    """Each part divided by its root mean square, unless `rms` is None."""
    return parts if rms is None else [rms_norm(part, 1, rms) for part in parts]


def layer_norm(x, weight, bias, epsilon):
    centred = x - x.mean(-1, keepdims=True)
    return rms_norm(centred, weight, epsilon) + bias


def norm(weights, name, x, epsilon):
    """LayerNorm if the norm has a bias, else RMSNorm."""
    if name + ".bias" in weights:
        return layer_norm(x, weights[name + ".weight"], weights[name + ".bias"], epsilon)
    return rms_norm(x, weights[name + ".weight"], epsilon)


def linear(weights, name, x):
    return x @ weights[name + ".weight"].T + weights.get(name + ".bias", 0)


def selective_scan(x, dt, a, b, c, d):
    """The scan without a recurrence: x, dt [L, I]; a [I, N]; b, c [L, N]; d [I]; result [L, I]."""
    total = np.cumsum(dt, 0)
    span = total[:, None] - total[None]
    earlier = np.tri(len(x), dtype=bool)[..., None]
    decay = np.exp(np.where(earlier, span, 0)[..., None] * a) * earlier[..., None]
    inputs = (dt * x)[:, :, None] * b[:, None]
    return np.einsum("tsin,sin,tn->ti", decay, inputs, c, optimize=True) + d * x


def convolve(x, kernel, bias):
    """Causal and depthwise: x [L, C], kernel [C, k]."""
    padded = np.concatenate([np.zeros((kernel.shape[1] - 1, x.shape[1])), x])
    return sum(padded[j : j + len(x)] * kernel[:, j] for j in range(kernel.shape[1])) + bias


def mixer(weights, name, u, rms=None):
    """One Mamba-1 mixer over a sequence [L, D]."""
    inner, state = weights[name + "A_log"].shape
    rank = weights[name + "dt_proj.weight"].shape[1]
    kernel = weights[name + "conv1d.weight"][:, 0]
    projected = linear(weights, name + "in_proj", u)
    x, z = projected[:, :inner], projected[:, inner:]
    x = silu(convolve(x, kernel, weights.get(name + "conv1d.bias", 0)))
    parts = np.split(linear(weights, name + "x_proj", x), [rank, rank + state], 1)
    dt, b, c = scaled(parts, rms)
    dt = softplus(linear(weights, name + "dt_proj", dt))
    y = selective_scan(x, dt, -np.exp(weights[name + "A_log"]), b, c, weights[name + "D"])
    return linear(weights, name + "out_proj", y * silu(z))


def embeddings(weights):
    """The embedding table, by either name."""
    old = weights.get("backbone.embedding.weight")
    return weights["backbone.embeddings.weight"] if old is None else old


def layer_count(weights):
    return len([name for name in weights if name.endswith(".mixer.A_log")])


def head(weights, residual, epsilon):
    last = norm(weights, "backbone.norm_f", residual, epsilon)
    return last @ weights.get("lm_head.weight", embeddings(weights)).T


def logits(weights, inputs, epsilon, mix=mixer):
    """Logits [L, V] of a sequence of embeddings [L, D]; `mix` runs one mixer over it."""
    residual = inputs
    for i in range(layer_count(weights)):
        layer = f"backbone.layers.{i}."
        residual = residual + mix(
            weights, layer + "mixer.", norm(weights, layer + "norm", residual, epsilon)
        )
    return head(weights, residual, epsilon)


class Cell:
    """One Mamba-1 mixer token by token with a state of fixed size."""

    def __init__(self, weights, name, rms=None):
        self.weights, self.name, self.rms = weights, name, rms
        self.state = np.zeros(weights[name + "A_log"].shape)
        channels, _, width = weights[name + "conv1d.weight"].shape
        self.window = np.zeros((channels, width))

    def step(self, u):
        weights, name = self.weights, self.name
        inner, state = self.state.shape
        rank = weights[name + "dt_proj.weight"].shape[1]
        x, z = np.split(linear(weights, name + "in_proj", u), 2)
        self.window = np.concatenate([self.window[:, 1:], x[:, None]], 1)
        x = (self.window * weights[name + "conv1d.weight"][:, 0]).sum(1)
        x = silu(x + weights.get(name + "conv1d.bias", 0))
        parts = np.split(linear(weights, name + "x_proj", x), [rank, rank + state])
        dt, b, c = scaled(parts, self.rms)
        dt = softplus(linear(weights, name + "dt_proj", dt))
        decay = np.exp(-dt[:, None] * np.exp(weights[name + "A_log"]))
        self.state = decay * self.state + np.outer(dt * x, b)
        y = self.state @ c + weights[name + "D"] * x
        return linear(weights, name + "out_proj", y * silu(z))


def decoded_logits(weights, inputs, epsilon, cell=Cell):
    """The same logits from cells, which see one token at a time."""
    layers = [f"backbone.layers.{i}." for i in range(layer_count(weights))]
    cells = [cell(weights, layer + "mixer.") for layer in layers]
    rows = []
    for row in inputs:
        for layer, mixing in zip(layers, cells):
            row = row + mixing.step(norm(weights, layer + "norm", row, epsilon))
        rows.append(head(weights, row, epsilon))
    return np.stack(rows)
