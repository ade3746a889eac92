"""The SigLIP vision tower in NumPy float64, for any grid; names without `vision_model.`."""

import math

import numpy as np

from mamba_reference import layer_norm, linear

error_function = np.vectorize(math.erf, otypes=[np.float64])


def gelu(x):
    return x * (1 + error_function(x / math.sqrt(2))) / 2


def gelu_tanh(x):
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


ACTIVATIONS = {"gelu": gelu, "gelu_pytorch_tanh": gelu_tanh}


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def attend(query, key, value, heads):
    """Multi-head attention without a mask: query [Q, D], key and value [K, D]."""
    split = [m.reshape(len(m), heads, -1).swapaxes(0, 1) for m in (query, key, value)]
    scores = split[0] @ split[1].swapaxes(1, 2) / math.sqrt(split[0].shape[-1])
    return (softmax(scores) @ split[2]).swapaxes(0, 1).reshape(query.shape)


def norm(weights, name, x, config):
    epsilon = config.get("layer_norm_eps", 1e-6)
    return layer_norm(x, weights[name + ".weight"], weights[name + ".bias"], epsilon)


def perceptron(weights, name, x, config):
    activation = ACTIVATIONS[config["hidden_act"]]
    return linear(weights, name + "fc2", activation(linear(weights, name + "fc1", x)))


def patches(pixels, size):
    """Row-major patches [n, 3·p·p] of an image [3, H, W]."""
    rows, columns = pixels.shape[1] // size, pixels.shape[2] // size
    cut = pixels[:, : rows * size, : columns * size].reshape(3, rows, size, columns, size)
    return cut.transpose(1, 3, 0, 2, 4).reshape(rows * columns, -1)


def hidden_states(weights, config, pixels):
    """The stream after 0, 1, … all blocks, each [n, D], before the last norm."""
    kernel = weights["embeddings.patch_embedding.weight"]
    x = patches(pixels, kernel.shape[-1]) @ kernel.reshape(len(kernel), -1).T
    x = x + weights["embeddings.patch_embedding.bias"]
    x = x + weights["embeddings.position_embedding.weight"]
    streams = [x]
    for i in range(config["num_hidden_layers"]):
        layer = f"encoder.layers.{i}."
        u = norm(weights, layer + "layer_norm1", x, config)
        q, k, v = (linear(weights, f"{layer}self_attn.{n}_proj", u) for n in "qkv")
        mixed = attend(q, k, v, config["num_attention_heads"])
        x = x + linear(weights, layer + "self_attn.out_proj", mixed)
        u = norm(weights, layer + "layer_norm2", x, config)
        x = x + perceptron(weights, layer + "mlp.", u, config)
        streams.append(x)
    return streams


def last_hidden_state(weights, config, pixels):
    return norm(weights, "post_layernorm", hidden_states(weights, config, pixels)[-1], config)


def pooled(weights, config, features):
    """The attention pooling head: features [n, D] to [D]."""
    parts = zip(
        np.split(weights["head.attention.in_proj_weight"], 3),
        np.split(weights["head.attention.in_proj_bias"], 3),
        (weights["head.probe"][0], features, features),
    )
    q, k, v = (x @ weight.T + bias for weight, bias, x in parts)
    mixed = attend(q, k, v, config["num_attention_heads"])
    x = linear(weights, "head.attention.out_proj", mixed)
    u = norm(weights, "head.layernorm", x, config)
    return (x + perceptron(weights, "head.mlp.", u, config))[0]
