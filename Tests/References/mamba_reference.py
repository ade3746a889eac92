"""Mamba-1 in NumPy float64, written from the formulas of the paper (arXiv 2312.00752).

All sizes come from the shapes of the weights. `logits` evaluates the scan as a sum over all
earlier tokens; `Decoder` runs the recurrence token by token. The two share no scan code.
"""

import numpy as np


def softplus(x):
    return np.logaddexp(0, x)


def silu(x):
    return x / (1 + np.exp(-x))


def rms_norm(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


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


def mixer(weights, name, u):
    """One Mamba-1 mixer over a sequence [L, D]."""
    inner, state = weights[name + "A_log"].shape
    rank = weights[name + "dt_proj.weight"].shape[1]
    kernel = weights[name + "conv1d.weight"][:, 0]
    projected = linear(weights, name + "in_proj", u)
    x, z = projected[:, :inner], projected[:, inner:]
    padded = np.concatenate([np.zeros((kernel.shape[1] - 1, inner)), x])
    x = sum(padded[j : j + len(u)] * kernel[:, j] for j in range(kernel.shape[1]))
    x = silu(x + weights.get(name + "conv1d.bias", 0))
    dt, b, c = np.split(linear(weights, name + "x_proj", x), [rank, rank + state], 1)
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


def logits(weights, inputs, epsilon):
    """Logits [L, V] of a sequence of embeddings [L, D]."""
    residual = inputs
    for i in range(layer_count(weights)):
        layer = f"backbone.layers.{i}."
        residual = residual + mixer(
            weights, layer + "mixer.", norm(weights, layer + "norm", residual, epsilon)
        )
    return head(weights, residual, epsilon)


class Decoder:
    """Token by token with a state of fixed size."""

    def __init__(self, weights, epsilon):
        self.weights, self.epsilon = weights, epsilon
        self.windows, self.states = [], []
        for i in range(layer_count(weights)):
            inner, state = weights[f"backbone.layers.{i}.mixer.A_log"].shape
            width = weights[f"backbone.layers.{i}.mixer.conv1d.weight"].shape[2]
            self.windows.append(np.zeros((inner, width)))
            self.states.append(np.zeros((inner, state)))

    def step(self, row):
        """Logits [V] after one more embedding [D]."""
        for i in range(len(self.states)):
            layer = f"backbone.layers.{i}."
            row = row + self.mix(i, norm(self.weights, layer + "norm", row, self.epsilon))
        return head(self.weights, row, self.epsilon)

    def mix(self, i, u):
        weights, name = self.weights, f"backbone.layers.{i}.mixer."
        inner, state = self.states[i].shape
        rank = weights[name + "dt_proj.weight"].shape[1]
        x, z = np.split(linear(weights, name + "in_proj", u), 2)
        self.windows[i] = np.concatenate([self.windows[i][:, 1:], x[:, None]], 1)
        x = (self.windows[i] * weights[name + "conv1d.weight"][:, 0]).sum(1)
        x = silu(x + weights.get(name + "conv1d.bias", 0))
        dt, b, c = np.split(linear(weights, name + "x_proj", x), [rank, rank + state])
        dt = softplus(linear(weights, name + "dt_proj", dt))
        decay = np.exp(-dt[:, None] * np.exp(weights[name + "A_log"]))
        self.states[i] = decay * self.states[i] + np.outer(dt * x, b)
        y = self.states[i] @ c + weights[name + "D"] * x
        return linear(weights, name + "out_proj", y * silu(z))


def decoded_logits(weights, inputs, epsilon):
    decoder = Decoder(weights, epsilon)
    return np.stack([decoder.step(row) for row in inputs])
