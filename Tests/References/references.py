"""Both computations of a checkpoint: NumPy float64 and PyTorch float32.

`numpy_outputs` and `torch_outputs` return the same names. What a checkpoint is follows from its
config: its `model_type`, or the keys of state-spaces or of Mistral.
"""

from functools import partial

import numpy as np
import torch

import cobra_reference
import connector_reference
import mamba2_reference
import mamba_reference
import siglip_reference
import torch_cobra
import torch_models
import torch_vision
import vit_names
import vit_reference
from checkpoint import canonical, doubles, language, part


def kind(config):
    if "arch_specifier" in config.get("model", {}):
        return "cobra"  # ML-Mamba too
    return config.get("model_type", "timm" if "architecture" in config else "state-spaces")


def vit_options(config):
    """Of a config, or of the `vision_config` in it, of the families in vit_names.py."""
    name = kind(config)
    if name == "timm":
        return vit_reference.Options(config["model_args"]["num_heads"], antialias=True)
    default = {"clip": ("quick_gelu", 1e-5), "clip_vision_model": ("quick_gelu", 1e-5)}
    activation, epsilon = default.get(name, ("gelu", 1e-6))
    return vit_reference.Options(
        config["num_attention_heads"],
        config.get("hidden_act", activation),
        config.get("layer_norm_eps", epsilon),
        antialias=name == "dinov2_with_registers",
    )


def vit_streams(config, tower, pixels):
    """The weights by part, and the streams after 0, 1, … all blocks."""
    name = kind(config)
    layers = config.get("num_hidden_layers") or config["model_args"]["depth"]
    parts = vit_names.translated(tower, vit_names.FAMILIES[name], layers)
    return parts, vit_reference.hidden_states(parts, vit_options(config), pixels)


def numpy_vit(config, tower, pixels):
    """All tokens after the last norm, which CLIP applies to its class token alone."""
    clip = kind(config) in ("clip", "clip_vision_model")
    if clip and "vision_config" in config:
        config = {"model_type": "clip", **config["vision_config"]}
    parts, streams = vit_streams(config, tower, pixels)
    if "after.weight" not in parts:
        return {"vision_features": streams[-1]}
    last = mamba_reference.norm(parts, "after", streams[-1], vit_options(config).epsilon)
    results = {"vision_features": streams[-1] if clip else last}
    return results | ({"pooled": last[0]} if "class" in parts else {})


def language_kind(config):
    """`mamba`, `falcon_mamba` or `mamba2`, whatever the layout."""
    if "dim" in config:
        return "mamba2"  # Mistral's params.json, whose model_type says mamba
    if kind(config) == "cobra":
        return config["model"]["llm_backbone_id"].split("-")[0]
    if "ssm_cfg" in config:
        return {"Mamba2": "mamba2"}.get(config["ssm_cfg"].get("layer"), "mamba")
    return config.get("text_model_type", kind(config))


def epsilon(config):
    return config.get("layer_norm_epsilon", 1e-5)


def is_tied(config):
    if kind(config) == "cobra":
        return True
    default = language_kind(config) != "mamba2" or "ssm_cfg" in config
    return config.get("tie_word_embeddings", config.get("tie_embeddings", default))


def mamba2_options(config):
    if "ssm_cfg" in config or kind(config) == "cobra":
        keys = config.get("ssm_cfg", {})
        limits = tuple(keys.get("dt_limit", (0, np.inf)))
        return mamba2_reference.Options(
            keys.get("ngroups", 1), 1e-5, limits, keys.get("chunk_size", 256)
        )
    limits = tuple(config.get("time_step_limit", (0, np.inf)))
    return mamba2_reference.Options(
        config.get("n_groups", 8), epsilon(config), limits, config.get("chunk_size", 256)
    )


def numpy_logits(config, words, sequence, decode):
    """Logits of a sequence of embeddings, of all at once or of one after the other."""
    name = language_kind(config)
    mix, cell = mamba_reference.mixer, mamba_reference.Cell
    keys = {}
    if name == "mamba2":
        mix, cell = mamba2_reference.mixer, mamba2_reference.Cell
        keys = {"options": mamba2_options(config)}
    elif name == "falcon_mamba":
        keys = {"rms": config.get("mixer_rms_eps", 1e-6)}
    if decode:
        return mamba_reference.decoded_logits(
            words, sequence, epsilon(config), partial(cell, **keys)
        )
    return mamba_reference.logits(words, sequence, epsilon(config), partial(mix, **keys))


def tower_config(config):
    return config.get("vision_config", config)


def numpy_outputs(config, tensors, inputs, decode=False):
    """float64 outputs; `decode` runs the language model token by token."""
    weights = doubles(canonical(tensors))
    arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
    results = {}
    rows = np.zeros((0, 0))
    if "pixel_values_dino" in arrays:
        results = cobra_reference.image_outputs(weights, config, arrays)
        rows = results["connector_output"]
    if "pixel_values" in arrays:
        pixels = arrays["pixel_values"].astype(np.float64)
        results = numpy_vision(config, weights, pixels)
        rows = results.get("connector_output", rows)
    if "input_ids" in arrays:
        words = language(weights)
        if is_tied(config):
            words.pop("lm_head.weight", None)
        text = mamba_reference.embeddings(words)[arrays["input_ids"]]
        sequence = np.concatenate([rows, text]) if len(rows) else text
        results["logits"] = numpy_logits(config, words, sequence, decode)[len(rows) :]
    return results


def selected_features(config, tower, pixels):
    """What the connector reads."""
    vision, layer = config["vision_config"], config["mm_vision_select_layer"]
    if kind(vision) == "siglip_vision_model":
        return siglip_reference.hidden_states(tower, vision, pixels)[layer]
    parts, streams = vit_streams(vision, tower, pixels)
    patches_only = config["mm_vision_select_feature"] == "patch"
    return streams[layer][vit_reference.prefix_count(parts) if patches_only else 0 :]


def numpy_vision(config, weights, pixels):
    tower, vision = part(weights, "tower."), tower_config(config)
    if kind(config) == "vl_mamba":
        features = selected_features(config, tower, pixels)
        image = connector_reference.connect(part(weights, "connector."), config, features)
        return {"vision_features": features, "connector_output": image}
    if kind(config) in vit_names.FAMILIES:
        return numpy_vit(config, tower, pixels)
    features = siglip_reference.last_hidden_state(tower, vision, pixels)
    results = {"vision_features": features}
    if "head.probe" in tower:
        results["pooled"] = siglip_reference.pooled(tower, vision, features)
    if "classifier.weight" in weights:
        results["logits"] = mamba_reference.linear(weights, "classifier", features.mean(0))
    return results


def torch_outputs(config, tensors, inputs):
    """float32 outputs of transformers' classes (the connector is our own in tensor form)."""
    if kind(config) in vit_names.FAMILIES:
        tensors = {name: tensor.float() for name, tensor in tensors.items()}
        return torch_vision.outputs(config, tensors, inputs["pixel_values"])
    weights = canonical(tensors)
    if kind(config) == "vl_mamba":
        model = torch_language(config, language(weights))
        parts = part(weights, "tower."), part(weights, "connector."), model
        return torch_models.vision_language(
            parts, config, inputs["pixel_values"], inputs["input_ids"]
        )
    if kind(config) == "cobra":
        words = language(weights)
        words.pop("lm_head.weight", None)
        return torch_cobra.outputs(weights, config, inputs, torch_language(config, words))
    if kind(config) == "siglip":
        names = {n.replace("tower.", "vision_model."): t for n, t in weights.items()}
        return siglip_outputs(torch_models.siglip_classifier(names, config), inputs)
    if kind(config) == "siglip_vision_model":
        return siglip_outputs(torch_models.siglip(part(weights, "tower."), config), inputs)
    return mamba_outputs(torch_language(config, weights), inputs)


def torch_language(config, weights):
    """One of transformers' language models, whatever the layout."""
    name = language_kind(config)
    if name == "falcon_mamba":
        return torch_models.falcon_mamba(weights, config)
    if name == "mamba2":
        return torch_models.mamba2(weights, mamba2_keys(config, weights))
    if "ssm_cfg" in config or kind(config) == "cobra":
        config = torch_models.state_spaces(config, weights)
    return torch_models.mamba(weights, config)


def mamba2_keys(config, weights):
    if "dim" in config:
        keys = torch_models.mamba2_shapes(weights, config["n_groups"])
    elif "ssm_cfg" in config or kind(config) == "cobra":
        mixer = config.get("ssm_cfg", {})
        keys = torch_models.mamba2_shapes(weights, mixer.get("ngroups", 1))
        for old, new in (("dt_limit", "time_step_limit"), ("chunk_size", "chunk_size")):
            keys |= {new: mixer[old]} if old in mixer else {}
    else:
        return config
    return keys | {"tie_word_embeddings": is_tied(config)}


def mamba_outputs(model, inputs):
    return {"logits": model(inputs["input_ids"].long()[None]).logits[0]}


def siglip_outputs(model, inputs):
    """Outputs of a SiglipVisionModel or a SiglipForImageClassification."""
    pixels = inputs["pixel_values"][None]
    tower = getattr(model, "vision_model", model)
    outputs = tower(pixels)
    results = {"vision_features": outputs.last_hidden_state[0]}
    if outputs.pooler_output is not None:
        results["pooled"] = outputs.pooler_output[0]
    if hasattr(model, "classifier"):
        results["logits"] = model(pixels).logits[0]
    return results


def relative_error(actual, expected):
    """The largest difference divided by the largest expected magnitude."""
    actual, expected = torch.as_tensor(actual).double(), torch.as_tensor(expected).double()
    return float((actual - expected).abs().max() / expected.abs().max())
