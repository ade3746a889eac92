"""Checks both references against outputs of the original code for generated weights.

The numbers come from runs of transformers' Mamba, FalconMamba, Mamba2, SigLIP, CLIP and
DINOv2 and of VMamba's SS2D; the weights
are a formula of a seed and an index.
"""

import sys
import tempfile

import numpy as np
import torch
import transformers
from safetensors.torch import load_file

import connector_reference
import mamba_reference
import references
import siglip_reference
import torch_models
from checkpoint import doubles

MAMBA = """-0.160748 0.970960 -0.940560 0.929894 -0.180771 -0.206644 3.373479 -0.177866
0.868035 0.865764 -0.804854 1.357228 -0.186195 0.798297 0.411968 -1.292809"""
FALCON_MAMBA = """-0.506707 0.044031 -0.419350 1.399454 0.093667 -1.565874 0.575711 1.013706
0.612218 0.538998 0.312298 0.714762 0.677389 -0.701213 -1.198174 -0.365492"""
MAMBA2 = """-2.064574 2.499868 0.536063 1.516350 -1.038582 -0.916602 0.658681 0.616019
0.743598 0.384391 0.843496 2.401163 -0.798717 1.091427 1.103575 0.762363"""
SIGLIP = "-0.723313 0.183653 0.232997 -1.993518 1.266395 -0.048731 0.842121 -1.293610"
CLIP = "-0.740368 1.219405 0.539938 -3.684756 1.868193 -0.233303 1.483501 -2.644862"
DINOV2 = "0.168104 -0.290432 1.970648 -0.417538 0.375667 -0.587985 0.215893 -1.305040"
SCAN = """0.205693 -0.245696 -0.430082 0.052397 -0.256203 0.022214 0.070297 -0.212584
0.076757 0.048011 -0.202728 0.226728 -0.108281 -0.284943 0.117588 0.028450"""
CONNECTORS = {
    ("vss_l2", "bsm"): """-0.668101 0.437267 -0.186289 0.470943 -0.274823
-0.613244 -0.508062 -0.502537 -0.575555 0.060332""",
    ("vss_l2", "csm"): """-0.602421 0.444671 -0.234631 0.423455 -0.337262
-0.577885 -0.518848 -0.526851 -0.604582 0.043894""",
    ("vss_mlp", "bsm"): """1.004155 -0.592593 -0.347959 -0.545121 0.386663
0.966365 -0.228923 -0.271202 0.028631 -0.126726""",
    ("vss_mlp", "csm"): """0.998478 -0.592586 -0.343198 -0.549005 0.399476
0.964611 -0.226039 -0.268117 0.030755 -0.128100""",
}
BOUND = 2e-6  # the numbers have six digits after the point


def generated(seed, shape, scale=0.5, offset=0.0):
    index = np.arange(np.prod(shape), dtype=np.int64)
    u = (seed * 7919 + index * 104729 + 12289) % 65537
    u = (u * u + 3 * u + seed) % 65537
    values = (u / 65537 - 0.5) * 2 * scale + offset
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def mamba_scale(name):
    if name.endswith("A_log"):
        return 0.7, 0.3
    if name.endswith(("norm.weight", "norm_f.weight", ".D")):
        return 0.3, 1
    return (0.5, -1) if "dt_proj.bias" in name or "dt_bias" in name else (0.5, 0)


def tower_scale(name):
    norm = "norm" in name and name.endswith("weight")
    return (0.3, 1) if norm or name.endswith("lambda1") else (0.5, 0)


def fill(shapes, scale):
    names = sorted(shapes)
    return {n: generated(i + 1, shapes[n], *scale(n)) for i, n in enumerate(names)}


def shapes_of(model):
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def published_shapes(model):
    """Of the tensors as transformers writes them, for some have other names in memory."""
    with tempfile.TemporaryDirectory() as name:
        model.save_pretrained(name)
        tensors = load_file(f"{name}/model.safetensors")
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def report(name, values, text):
    expected = np.array(text.split(), np.float64)
    actual = np.asarray(values, np.float64).ravel()
    difference = np.abs(actual - expected).max()
    print(f"{'ok  ' if difference < BOUND else 'FAIL'} {name:28} {difference:.1e}")
    return difference < BOUND


def check_mamba():
    config = {
        "model_type": "mamba", "vocab_size": 16, "hidden_size": 8, "state_size": 4,
        "time_step_rank": 2, "num_hidden_layers": 2, "intermediate_size": 16,
        "conv_kernel": 4, "layer_norm_epsilon": 1e-5, "tie_word_embeddings": True,
    }  # fmt: skip
    shapes = shapes_of(torch_models.MambaForCausalLM(torch_models.MambaConfig(**config)))
    yield from check_language("falcon_mamba", config, shapes, FALCON_MAMBA)
    shapes.pop("lm_head.weight")
    yield from check_language("mamba", config, shapes, MAMBA)


def check_mamba2():
    config = {
        "model_type": "mamba2", "vocab_size": 16, "hidden_size": 16, "state_size": 4,
        "num_heads": 4, "head_dim": 8, "n_groups": 2, "num_hidden_layers": 2,
        "tie_word_embeddings": False,
    }  # fmt: skip
    model = torch_models.Mamba2ForCausalLM(torch_models.Mamba2Config(**config))
    yield from check_language("mamba2", config, shapes_of(model), MAMBA2)


def check_language(kind, config, shapes, text):
    """Models with a head of their own are untied."""
    tied = "lm_head.weight" not in shapes
    config = config | {"model_type": kind, "tie_word_embeddings": tied}
    tensors = fill(shapes, mamba_scale)
    inputs = {"input_ids": torch.tensor([3, 1, 4, 1, 5, 9, 2, 6], dtype=torch.int32)}
    for name, run in (("NumPy", references.numpy_outputs), ("torch", references.torch_outputs)):
        yield report(f"{kind} {name}", run(config, tensors, inputs)["logits"][-1], text)


def check_siglip():
    config = {
        "model_type": "siglip_vision_model", "hidden_size": 8, "num_attention_heads": 2,
        "intermediate_size": 12, "num_hidden_layers": 2, "image_size": 8, "patch_size": 4,
        "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6,
    }  # fmt: skip
    yield from check_tower(config, transformers.SiglipVisionModel, 0, SIGLIP)


def check_vits():
    keys = {
        "hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 2, "image_size": 8,
        "patch_size": 4,
    }  # fmt: skip
    config = {**keys, "model_type": "clip_vision_model", "intermediate_size": 12}
    yield from check_tower(config, transformers.CLIPVisionModel, 1, CLIP)
    config = {**keys, "model_type": "dinov2", "mlp_ratio": 2}
    yield from check_tower(config, transformers.Dinov2Model, 1, DINOV2)


def check_tower(config, model_class, token, text):
    model = model_class(model_class.config_class(**config))
    tensors = fill(published_shapes(model), tower_scale)
    inputs = {"pixel_values": generated(99, (3, 8, 8), 1)}
    for name, run in (("NumPy", references.numpy_outputs), ("torch", references.torch_outputs)):
        features = run(config, tensors, inputs)["vision_features"]
        yield report(f"{config['model_type']} {name}", features[token], text)


def scan_weights(hidden, rank, directions, prefix=""):
    inner, state = 2 * hidden, 4
    table = (
        ("A_logs", (directions * inner, state), 0.7, 0.3),
        ("Ds", (directions * inner,), 0.3, 1),
        ("conv2d.bias", (inner,)),
        ("conv2d.weight", (inner, 1, 3, 3)),
        ("dt_projs_bias", (directions, inner), 0.5, -1),
        ("dt_projs_weight", (directions, inner, rank)),
        ("in_proj.weight", (2 * inner, hidden)),
        ("out_norm.bias", (inner,)),
        ("out_norm.weight", (inner,), 0.3, 1),
        ("out_proj.weight", (hidden, inner)),
        ("x_proj_weight", (directions, rank + 2 * state, inner)),
    )
    return {prefix + row[0]: generated(i + 1, *row[1:]) for i, row in enumerate(table)}


def check_scan():
    weights, u = scan_weights(8, 2, 4), generated(50, (6, 8), 1)
    out = connector_reference.grid_scan(
        doubles(weights), "", u.double().numpy(), "csm", (2, 3), "sum"
    )
    yield report("scan NumPy", out[[0, 5]], SCAN)
    yield report("scan torch", torch_models.grid_scan(weights, u, 4, (2, 3), "sum")[[0, 5]], SCAN)


def connector_weights(kind, directions):
    if kind == "vss_l2":
        layers, width, rank, seed = (("linear_1", 8, 6), ("linear_2", 5, 8)), 8, 2, 21
    else:
        layers, width, rank, seed = (("mlp.0", 5, 6), ("mlp.2", 5, 5)), 6, 1, 31
    weights = scan_weights(width, rank, directions, "vss.")
    for name, outputs, inputs in layers:
        weights[name + ".weight"] = generated(seed, (outputs, inputs))
        weights[name + ".bias"] = generated(seed + 1, (outputs,))
        seed += 2
    weights["norm.weight"] = generated(seed, (width,), 0.3, 1)
    weights["norm.bias"] = generated(seed + 1, (width,))
    return weights


def check_connectors():
    features = generated(50, (6, 6), 1)
    for (kind, scan), text in CONNECTORS.items():
        weights = connector_weights(kind, {"bsm": 2, "csm": 4}[scan])
        config = {
            "mm_projector_type": kind, "mm_vss_scan": scan, "mm_grid": [2, 3],
            "mm_vss_norm_eps": 1e-5,
        }  # fmt: skip
        out = connector_reference.connect(doubles(weights), config, features.double().numpy())
        yield report(f"{kind} {scan} NumPy", out[[0, 5]], text)
        out = torch_models.connect(weights, config, features)
        yield report(f"{kind} {scan} torch", out[[0, 5]], text)


def main():
    towers = check_siglip, check_vits
    checks = check_mamba, check_mamba2, *towers, check_scan, check_connectors
    results = [passed for check in checks for passed in check()]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
