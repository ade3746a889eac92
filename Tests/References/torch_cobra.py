"""Cobra and ML-Mamba between image and language model in PyTorch float32, with timm's towers."""

import re

import torch
import torch.nn.functional as F
from transformers import Mamba2Config
from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

import torch_models
import torch_vision
from checkpoint import part


def fused_features(weights, config, images):
    streams = []
    for name in ("dino", "siglip"):
        tower = part(weights, f"vision_backbone.{name}_featurizer.")
        keys = config["vision_config"]
        heads = keys[f"{name}_featurizer"]["num_heads"]
        model = torch_vision.timm_model(tower, keys["image_size"], num_heads=heads)
        pixels = images[f"pixel_values_{name}"][None]
        layer = len(model.blocks) - 2
        streams.append(model.get_intermediate_layers(pixels, n={layer})[0][0])
    return torch.cat(streams, 1)


def project(weights, config, x):
    linear = lambda name, x: F.linear(x, weights[name + ".weight"], weights[name + ".bias"])
    kind = config["model"]["arch_specifier"]
    if kind.endswith("fused-gelu-mlp"):
        x = F.gelu(linear("projector.2", F.gelu(linear("projector.0", x))))
        return linear("projector.4", x)
    if kind.endswith("gelu-mlp"):
        return linear("projector.2", F.gelu(linear("projector.0", x)))
    if kind.endswith("fused-ldpnet"):
        x = linear("projector.2", F.gelu(linear("projector.0", x)))
        side = round(len(x) ** 0.5)
        x = x.T.reshape(1, -1, side, side)
        x = F.adaptive_avg_pool2d(x, config.get("projector_grid", (14, 14)))
        kernel, bias = (weights[f"projector.4.peg.0.{n}"] for n in ("weight", "bias"))
        x = x + F.conv2d(x, kernel, bias, padding=1, groups=len(kernel))
        return x[0].flatten(1).T
    return linear("projector", x)


BACKWARDS = r"_b(?=\.|$)"


def one_way(weights, x, backwards=False):
    """transformers' mixer without its last projection, with the parameters of one direction."""
    shapes = {f"backbone.layers.0.mixer.{n}": t for n, t in weights.items()}
    shapes["backbone.embeddings.weight"] = x
    keys = torch_models.mamba2_shapes(shapes, 1)
    own = {n: t for n, t in weights.items() if not re.search(BACKWARDS, n)}
    if backwards:
        own |= {re.sub(BACKWARDS, "", n): t for n, t in weights.items() if n not in own}
    mixer = torch_models.load(Mamba2Mixer(Mamba2Config(**keys), 0), own)
    mixer.out_proj = torch.nn.Identity()
    return mixer(x[None])[0]


def scanned(weights, features):
    linear = lambda name, x: F.linear(x, weights[name + ".weight"], weights.get(name + ".bias"))
    normal = lambda name, x: F.layer_norm(
        x, x.shape[-1:], weights[name + ".weight"], weights[name + ".bias"], 1e-5
    )
    x = F.gelu(linear("mlp.0", features))
    for i in range(2):
        name = f"bidirectional_mamba.layers.{i}."
        mixer = part(weights, name + "mixer.")
        mixed = (one_way(mixer, x) + one_way(mixer, x.flip(0), True).flip(0)) / 2
        x = x + linear(name + "mixer.out_proj", mixed)
        u = normal(name + "norm", x)
        u = F.silu(linear(name + "mlp.w1", u)) * linear(name + "mlp.w2", u)
        x = x + linear(name + "mlp.w3", u)
    return normal("bidirectional_mamba.norm_f", x)


def outputs(weights, config, inputs, model):
    """`model` is the language model."""
    features = fused_features(weights, config, inputs)
    x = scanned(weights, features) if "mlp.0.weight" in weights else features
    image = project(part(weights, "projector."), config, x)
    return {
        "vision_features": features,
        "connector_output": image,
        "logits": torch_models.text_logits(model, image, inputs["input_ids"]),
    }
