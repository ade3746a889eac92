"""Both computations of a checkpoint: NumPy float64 and PyTorch float32.

`numpy_outputs` and `torch_outputs` return the same names. What a checkpoint is follows from its
config: `vl_mamba`, `siglip`, `siglip_vision_model`, `mamba`, or state-spaces keys.
"""

import numpy as np
import torch

import connector_reference
import mamba_reference
import siglip_reference
import torch_models
from checkpoint import canonical, doubles, language, part


def kind(config):
    return config.get("model_type", "state-spaces")


def epsilon(config):
    return config.get("layer_norm_epsilon", 1e-5)


def tower_config(config):
    return config.get("vision_config", config)


def numpy_outputs(config, tensors, inputs, decode=False):
    """float64 outputs; `decode` runs the language model token by token."""
    weights = doubles(canonical(tensors))
    arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
    results = {}
    rows = np.zeros((0, 0))
    if "pixel_values" in arrays:
        pixels = arrays["pixel_values"].astype(np.float64)
        results = numpy_vision(config, weights, pixels)
        rows = results.get("connector_output", rows)
    if "input_ids" in arrays:
        words = language(weights)
        if config.get("tie_word_embeddings", config.get("tie_embeddings", True)):
            words.pop("lm_head.weight", None)
        text = mamba_reference.embeddings(words)[arrays["input_ids"]]
        run = mamba_reference.decoded_logits if decode else mamba_reference.logits
        sequence = np.concatenate([rows, text]) if len(rows) else text
        results["logits"] = run(words, sequence, epsilon(config))[len(rows) :]
    return results


def numpy_vision(config, weights, pixels):
    tower, vision = part(weights, "tower."), tower_config(config)
    if kind(config) == "vl_mamba":
        streams = siglip_reference.hidden_states(tower, vision, pixels)
        features = streams[config["mm_vision_select_layer"]]
        image = connector_reference.connect(part(weights, "connector."), config, features)
        return {"vision_features": features, "connector_output": image}
    features = siglip_reference.last_hidden_state(tower, vision, pixels)
    results = {"vision_features": features}
    if "head.probe" in tower:
        results["pooled"] = siglip_reference.pooled(tower, vision, features)
    if "classifier.weight" in weights:
        results["logits"] = mamba_reference.linear(weights, "classifier", features.mean(0))
    return results


def torch_outputs(config, tensors, inputs):
    """float32 outputs of transformers' classes (the connector is our own in tensor form)."""
    weights = canonical(tensors)
    if kind(config) == "vl_mamba":
        parts = part(weights, "tower."), part(weights, "connector."), language(weights)
        return torch_models.vision_language(
            parts, config, inputs["pixel_values"], inputs["input_ids"]
        )
    if kind(config) == "siglip":
        names = {n.replace("tower.", "vision_model."): t for n, t in weights.items()}
        return siglip_outputs(torch_models.siglip_classifier(names, config), inputs)
    if kind(config) == "siglip_vision_model":
        return siglip_outputs(torch_models.siglip(part(weights, "tower."), config), inputs)
    keys = config if kind(config) == "mamba" else torch_models.state_spaces(config, weights)
    return mamba_outputs(torch_models.mamba(weights, keys), inputs)


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
