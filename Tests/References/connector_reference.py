"""Connectors between a vision tower and a language model in NumPy float64.

The scans over a grid of patches follow VL-Mamba (arXiv 2403.13600) with VMamba's SS2D
(arXiv 2401.10166), or one Mamba-1 mixer, as the layer that runs in every direction.
"""

import numpy as np

from mamba_reference import layer_norm, linear, mixer, norm, selective_scan, silu, softplus
from siglip_reference import gelu


def orders(scan, grid):
    """For each direction, the patch visited at each step."""
    cells = np.arange(grid[0] * grid[1]).reshape(grid)
    forward = [cells.ravel()] if scan == "bsm" else [cells.ravel(), cells.T.ravel()]
    return forward + [order[::-1] for order in forward]


def merge(parts, how):
    return sum(parts) / (len(parts) if how == "mean" else 1)


def convolve(x, weight, bias, grid):
    """Depthwise 3×3 over the grid with zero padding: x [n, d], weight [d, 1, 3, 3]."""
    rows, columns = grid
    padded = np.pad(x.reshape(rows, columns, -1), ((1, 1), (1, 1), (0, 0)))
    taps = [(i, j) for i in range(3) for j in range(3)]
    total = sum(padded[i : i + rows, j : j + columns] * weight[:, 0, i, j] for i, j in taps)
    return total.reshape(x.shape) + bias


def grid_scan(weights, name, u, scan, grid, how):
    """SS2D over row-major patches [n, D]."""
    directions, inner, rank = weights[name + "dt_projs_weight"].shape
    state = weights[name + "A_logs"].shape[1]
    x, z = np.split(linear(weights, name + "in_proj", u), 2, 1)
    kernel = weights[name + "conv2d.weight"]
    x = silu(convolve(x, kernel, weights[name + "conv2d.bias"], grid))
    visits = orders(scan, grid)
    assert len(visits) == directions
    parts = []
    for k, visit in enumerate(visits):
        channels = slice(k * inner, (k + 1) * inner)
        projected = x[visit] @ weights[name + "x_proj_weight"][k].T
        dt, b, c = np.split(projected, [rank, rank + state], 1)
        dt = dt @ weights[name + "dt_projs_weight"][k].T + weights[name + "dt_projs_bias"][k]
        a = -np.exp(weights[name + "A_logs"][channels])
        part = np.empty_like(x)
        d = weights[name + "Ds"][channels]
        part[visit] = selective_scan(x[visit], softplus(dt), a, b, c, d)
        parts.append(part)
    y = merge(parts, how)
    y = layer_norm(y, weights[name + "out_norm.weight"], weights[name + "out_norm.bias"], 1e-5)
    return linear(weights, name + "out_proj", y * silu(z))


def shared_mixer_scan(weights, name, u, scan, grid, how):
    """The same whole mixer in every direction over row-major patches [n, D]."""
    parts = []
    for visit in orders(scan, grid):
        part = np.empty_like(u)
        part[visit] = mixer(weights, name, u[visit])
        parts.append(part)
    return merge(parts, how)


def connect(weights, config, features):
    """Image embeddings [n, D_lm] of features [n, D_v]; names without the connector's prefix."""
    kind = config["mm_projector_type"]
    if kind == "linear":
        return features @ weights["weight"].T + weights["bias"]
    if kind == "mlp2x_gelu":
        return linear(weights, "2", gelu(linear(weights, "0", features)))
    run = {"ss2d": grid_scan, "mamba": shared_mixer_scan}[config.get("mm_vss_impl", "ss2d")]
    choices = config["mm_vss_scan"], config["mm_grid"], config.get("mm_vss_merge", "sum")
    epsilon = config["mm_vss_norm_eps"]
    if kind == "vss_mlp":
        scanned = run(weights, "vss.", features, *choices) + features
        hidden = linear(weights, "mlp.0", norm(weights, "norm", scanned, epsilon))
        return linear(weights, "mlp.2", gelu(hidden))
    if kind == "vss_l2":
        hidden = linear(weights, "linear_1", features)
        scanned = run(weights, "vss.", gelu(hidden), *choices) + hidden
        return linear(weights, "linear_2", norm(weights, "norm", scanned, epsilon))
    raise ValueError(f"no connector {kind}")
