"""Vision towers in PyTorch float32: classes of transformers, loaded from files, and of timm."""

import json
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn

import vit_names

CLASSES = {
    "clip": "CLIPVisionModel",
    "clip_vision_model": "CLIPVisionModel",
    "dinov2": "Dinov2Model",
    "dinov2_with_registers": "Dinov2WithRegistersModel",
    "internvl_vision": "InternVLVisionModel",
}
OTHER_PARTS = ("text_model.", "visual_projection.", "text_projection.", "logit_")


def pretrained(config, weights):
    """What `from_pretrained` makes of a directory with this config and these tensors."""
    loader = getattr(transformers, CLASSES[config["model_type"]])
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "config.json").write_text(json.dumps(config))
        save_file(weights, Path(name) / "model.safetensors", {"format": "pt"})
        model, info = loader.from_pretrained(
            name, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
        )
    unexpected = [n for n in info["unexpected_keys"] if not n.startswith(OTHER_PARTS)]
    assert not info["missing_keys"] and not info["mismatched_keys"], info
    assert not unexpected, unexpected
    return model.eval()


def intern_as_transformers(config, weights):
    """An InternViT of the chat repositories under the names and keys of transformers."""
    plain = {name.removeprefix("vision_model."): tensor for name, tensor in weights.items()}
    layers = config["num_hidden_layers"]
    parts = vit_names.translated(plain, vit_names.INTERN, layers)
    for name in [n for n in parts if ".qkv." in n]:
        for part, tensor in zip(("query", "key", "value"), parts.pop(name).chunk(3)):
            parts[name.replace("qkv", part)] = tensor.contiguous()
    names = {
        part.format(i): name.format(i)
        for part, name in vit_names.INTERN_HF.items()
        for i in range(layers)
    }
    renamed = {}
    for part, tensor in parts.items():
        stem = part if part in names else part.rpartition(".")[0]
        renamed[names[stem] + part[len(stem) :]] = tensor
    keys = {
        "model_type": "internvl_vision",
        "attention_bias": config["qkv_bias"],
        "use_qk_norm": config["qk_normalization"],
        "use_mean_pooling": True,
    }
    return {**config, **keys}, renamed


def timm_model(weights, size, **choices):
    """A timm ViT for these weights; all sizes but those of an image and a head follow from them."""
    width, _, patch, _ = weights["patch_embed.proj.weight"].shape
    depth = len([name for name in weights if name.endswith(".norm1.weight")]) or 1
    registers = weights["reg_token"].shape[1] if "reg_token" in weights else 0
    model = VisionTransformer(
        img_size=size,
        patch_size=patch,
        embed_dim=width,
        depth=depth,
        mlp_ratio=(len(weights["blocks.0.mlp.fc1.bias"]) + 0.5) / width,
        class_token="cls_token" in weights,
        reg_tokens=registers,
        no_embed_class=registers > 0,
        init_values=1 if "blocks.0.ls1.gamma" in weights else None,
        global_pool="map" if "attn_pool.latent" in weights else "",
        num_classes=0,
        **choices,
    )
    weights = checkpoint_filter_fn(dict(weights), model)
    model.load_state_dict(weights)
    return model.eval()


def outputs(config, tensors, pixels):
    """`vision_features` of all tokens, and `pooled` if the model has it."""
    if "architecture" in config:
        arguments = config["model_args"]
        size, heads = arguments["img_size"], arguments["num_heads"]
        model = timm_model(tensors, size, num_heads=heads)
        features = model.forward_features(pixels[None])[0]
        results = {"vision_features": features}
        return results | ({"pooled": features[0]} if "cls_token" in tensors else {})
    if config["model_type"] == "intern_vit_6b":
        config, tensors = intern_as_transformers(config, tensors)
    return model_outputs(pretrained(config, tensors), pixels)


def model_outputs(model, pixels):
    output = model(pixels[None])
    results = {"vision_features": output.last_hidden_state[0]}
    if output.pooler_output is not None:
        results["pooled"] = output.pooler_output[0]
    return results
