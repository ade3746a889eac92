"""Writes small random checkpoints with expected outputs: model_fixtures.py OUTDIR

The weights depend on the name of a fixture alone. See README.md.
"""

import sys
import zlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import timm
import torch
import transformers

import checkpoint
import random_weights as rw
import references
import torch_models
import vit_names

HUGGING_FACE = f"transformers {transformers.__version__}, PyTorch float32"
TIMM = f"timm {timm.__version__}, PyTorch float32"
OWN = "NumPy float64"


@dataclass
class Fixture:
    name: str
    config: dict
    tensors: dict
    inputs: dict
    reference: str
    names: tuple = checkpoint.DEFAULT_NAMES
    vision_apart: bool = False

    def write(self, directory):
        compute = {
            HUGGING_FACE: references.torch_outputs,
            TIMM: references.torch_outputs,
            OWN: references.numpy_outputs,
        }[self.reference]
        outputs = compute(self.config, self.tensors, self.inputs)
        outputs = {n: torch.as_tensor(t).to(torch.float32) for n, t in outputs.items()}
        write = checkpoint.write_apart if self.vision_apart else checkpoint.write
        write(
            directory / self.name,
            self.config,
            self.tensors,
            {**self.inputs, **outputs},
            self.reference,
            self.names,
        )


def source(name):
    return rw.Random(zlib.crc32(name.encode()))


def as_tensors(weights, dtype=torch.float32):
    return {name: torch.as_tensor(array).to(dtype) for name, array in weights.items()}


def tokens(random, count, rows):
    return {"input_ids": torch.from_numpy(random.integers(rows, count))}


def image(random, height, width):
    return {"pixel_values": torch.from_numpy(random.uniform(-1, 1, 3, height, width))}


def mamba_keys(sizes, expand=2, epsilon=1e-5, tied=True):
    """The keys of transformers' MambaConfig that say something about a model."""
    return {
        "bos_token_id": 0,
        "conv_kernel": sizes.kernel,
        "eos_token_id": 0,
        "expand": expand,
        "hidden_act": "silu",
        "hidden_size": sizes.hidden,
        "intermediate_size": sizes.inner,
        "layer_norm_epsilon": epsilon,
        "num_hidden_layers": sizes.layers,
        "pad_token_id": 0,
        "residual_in_fp32": True,
        "state_size": sizes.state,
        "tie_word_embeddings": tied,
        "time_step_rank": sizes.rank,
        "use_bias": sizes.projection_bias,
        "use_conv_bias": sizes.convolution_bias,
        "vocab_size": sizes.rows,
    }


def tower_keys(sizes, activation="gelu_pytorch_tanh", head=False, epsilon=1e-6):
    square = sizes.height == sizes.width
    return {
        "hidden_act": activation,
        "hidden_size": sizes.hidden,
        "image_size": sizes.height if square else [sizes.height, sizes.width],
        "intermediate_size": sizes.intermediate,
        "layer_norm_eps": epsilon,
        "model_type": "siglip_vision_model",
        "num_attention_heads": sizes.heads,
        "num_channels": 3,
        "num_hidden_layers": sizes.layers,
        "patch_size": sizes.patch,
        "vision_use_head": head,
    }


def mamba_hf(name="mamba1-hf"):
    """Sizes that no default explains; `expand` disagrees with `intermediate_size`, which wins."""
    random, weights = source(name), {}
    sizes = rw.MambaSizes(24, 40, 5, 3, 3, layers=3, rows=37, projection_bias=True)
    rw.add_mamba(weights, random, sizes, tied=False)
    config = mamba_keys(sizes, epsilon=1e-4, tied=False)
    config |= {"architectures": ["MambaForCausalLM"], "model_type": "mamba", "dtype": "float32"}
    return Fixture(name, config, as_tensors(weights), tokens(random, 19, 37), HUGGING_FACE)


def mamba_hf_tied(name="mamba1-hf-tied-bf16"):
    """bfloat16, a stored duplicate of the tied head, `Infinity`, sizes left to the defaults."""
    random, weights = source(name), {}
    sizes = rw.MambaSizes(20, 40, 6, 2, 4, rows=40, convolution_bias=False)
    rw.add_mamba(weights, random, sizes)
    weights["lm_head.weight"] = weights["backbone.embeddings.weight"]
    config = mamba_keys(sizes)
    del config["intermediate_size"]
    config |= {
        "architectures": ["MambaForCausalLM"],
        "model_type": "mamba",
        "time_step_limit": [0.0, float("inf")],
        "time_step_rank": "auto",
        "torch_dtype": "bfloat16",
    }
    tensors = as_tensors(weights, torch.bfloat16)
    return Fixture(name, config, tensors, tokens(random, 19, 40), HUGGING_FACE)


def mamba_ssm(name, layer_norm, mixer_keys):
    """state-spaces names: 45 tokens in 48 rows of the embedding."""
    random, weights = source(name), {}
    sizes = rw.MambaSizes(20, 40, mixer_keys.get("d_state", 16), 2, 4, rows=48)
    rw.add_mamba(weights, random, sizes, layer_norm=layer_norm, embedding="embedding")
    config = {
        "d_model": 20,
        "fused_add_norm": True,
        "n_layer": 2,
        "pad_vocab_size_multiple": 8,
        "residual_in_fp32": True,
        "rms_norm": not layer_norm,
        "ssm_cfg": mixer_keys,
        "vocab_size": 45,
    }
    return Fixture(name, config, as_tensors(weights), tokens(random, 19, 45), OWN)


def falcon_mamba(name="falcon-mamba"):
    """`expand` disagrees with `intermediate_size`, as in the release; no `mixer_rms_eps`."""
    random, weights = source(name), {}
    sizes = rw.MambaSizes(20, 36, 5, 3, 3, rows=33)
    rw.add_mamba(weights, random, sizes, tied=False)
    for tensor in weights:
        if tensor.endswith("x_proj.weight"):
            weights[tensor] *= 0.004  # so small that the epsilon of their norms shows
    config = mamba_keys(sizes, expand=16, tied=False)
    config |= {"architectures": ["FalconMambaForCausalLM"], "model_type": "falcon_mamba"}
    return Fixture(name, config, as_tensors(weights), tokens(random, 19, 33), HUGGING_FACE)


def mamba2_keys(sizes, epsilon=1e-5, tied=False):
    """The keys of transformers' Mamba2Config that say something about a model."""
    return {
        "bos_token_id": 0,
        "chunk_size": 4,
        "conv_kernel": sizes.kernel,
        "eos_token_id": 0,
        "expand": sizes.inner // sizes.hidden,
        "head_dim": sizes.width,
        "hidden_act": "silu",
        "hidden_size": sizes.hidden,
        "layer_norm_epsilon": epsilon,
        "n_groups": sizes.groups,
        "num_heads": sizes.heads,
        "num_hidden_layers": sizes.layers,
        "pad_token_id": 0,
        "residual_in_fp32": True,
        "state_size": sizes.state,
        "tie_word_embeddings": tied,
        "use_bias": sizes.projection_bias,
        "use_conv_bias": sizes.convolution_bias,
        "vocab_size": sizes.rows,
    }


def mamba2_hf(name="mamba2-hf"):
    """Two groups, finite limits of dt, 19 tokens in chunks of 4, a bias for each projection."""
    random, weights = source(name), {}
    sizes = rw.Mamba2Sizes(8, 4, 6, 5, 2, 3, layers=3, rows=37, projection_bias=True)
    rw.add_mamba(weights, random, sizes, tied=False)
    config = mamba2_keys(sizes, epsilon=1e-3)
    config |= {
        "architectures": ["Mamba2ForCausalLM"],
        "dtype": "float32",
        "model_type": "mamba2",
        "time_step_limit": [0.02, 0.3],
    }
    return Fixture(name, config, as_tensors(weights), tokens(random, 19, 37), HUGGING_FACE)


def mamba2_hf_bare(name="mamba2-hf-bare"):
    """bfloat16, tied, `Infinity`, a `norm_before_gate` to ignore; keys of default value absent."""
    random, weights = source(name), {}
    sizes = rw.Mamba2Sizes(20, 8, 5, 3, 8, 4, rows=40)
    rw.add_mamba(weights, random, sizes)
    config = mamba2_keys(sizes, tied=True)
    for key in ("n_groups", "chunk_size", "layer_norm_epsilon", "conv_kernel", "expand"):
        del config[key]
    config |= {
        "architectures": ["Mamba2ForCausalLM"],
        "model_type": "mamba2",
        "norm_before_gate": True,
        "rms_norm": True,
        "time_step_limit": [0.0, float("inf")],
        "time_step_rank": 256,
        "torch_dtype": "bfloat16",
    }
    tensors = as_tensors(weights, torch.bfloat16)
    return Fixture(name, config, tensors, tokens(random, 19, 40), HUGGING_FACE)


def mamba2_ssm(name, sizes, mixer_keys, tied=True):
    """state-spaces names: 45 tokens in 48 rows of the embedding."""
    random, weights = source(name), {}
    rw.add_mamba(weights, random, sizes, tied=tied, embedding="embedding")
    config = {
        "d_intermediate": 0,
        "d_model": sizes.hidden,
        "fused_add_norm": True,
        "n_layer": sizes.layers,
        "pad_vocab_size_multiple": 16,
        "residual_in_fp32": True,
        "rms_norm": True,
        "ssm_cfg": {"layer": "Mamba2", **mixer_keys},
        "vocab_size": 45,
    }
    if not tied:
        config["tie_embeddings"] = False
    inputs = tokens(random, 19, 45)
    return Fixture(name, config, as_tensors(weights), inputs, HUGGING_FACE)


def mamba2_mistral(name="mamba2-mistral"):
    """N 128 and P 64 are those of the layout, so that two groups need 128 inner channels."""
    random, weights = source(name), {}
    sizes = rw.Mamba2Sizes(64, 2, 64, 128, 2, 4, layers=1, rows=32)
    rw.add_mamba(weights, random, sizes, tied=False, embedding="embedding")
    weights = {
        "model." + key if key.startswith("backbone.") else key: tensor
        for key, tensor in weights.items()
    }
    config = {
        "dim": sizes.hidden,
        "fused_add_norm": True,
        "model_type": "mamba",
        "n_groups": sizes.groups,
        "n_layers": sizes.layers,
        "pad_vocab_size_multiple": 1,
        "residual_in_fp32": True,
        "rms_norm": True,
        "tie_embeddings": False,
        "vocab_size": sizes.rows,
    }
    names = "params.json", "consolidated.safetensors"
    tensors, inputs = as_tensors(weights, torch.bfloat16), tokens(random, 19, sizes.rows)
    return Fixture(name, config, tensors, inputs, HUGGING_FACE, names)


def siglip(name="siglip", prefix="vision_model.", head=True):
    random, weights = source(name), {}
    sizes = rw.TowerSizes(20, 2, 37, 3, 4, 12, 12)
    rw.add_siglip(weights, random, prefix, sizes, head)
    config = tower_keys(sizes, head=head, epsilon=1e-3 if head else 1e-6)
    config |= {"architectures": ["SiglipVisionModel"], "dtype": "float32"}
    return Fixture(name, config, as_tensors(weights), image(random, 12, 12), HUGGING_FACE)


def siglip_classifier(name="siglip-classifier"):
    """bfloat16 and exact GELU; the classifier sees the mean over the patches."""
    random, weights = source(name), {}
    sizes = rw.TowerSizes(20, 2, 37, 2, 4, 12, 12)
    rw.add_siglip(weights, random, "vision_model.", sizes, head=False)
    rw.add_linear(weights, random, "classifier", 4, sizes.hidden)
    labels = ["circle", "square", "star", "triangle"]
    config = {
        "architectures": ["SiglipForImageClassification"],
        "dtype": "bfloat16",
        "id2label": {str(i): label for i, label in enumerate(labels)},
        "label2id": {label: i for i, label in enumerate(labels)},
        "model_type": "siglip",
        "vision_config": tower_keys(sizes, activation="gelu"),
    }
    tensors = as_tensors(weights, torch.bfloat16)
    return Fixture(name, config, tensors, image(random, 12, 12), HUGGING_FACE)


VIT = rw.ViTSizes(18, 3, 23, 3, 4, positions=10)


def vit_keys(sizes, model_type, image_size, **keys):
    return {
        "hidden_size": sizes.hidden,
        "image_size": image_size,
        "model_type": model_type,
        "num_attention_heads": sizes.heads,
        "num_channels": 3,
        "num_hidden_layers": sizes.layers,
        "patch_size": sizes.patch,
        **keys,
    }


CLIP_VIT = replace(
    VIT, class_shape=(), patch_bias=False, position_shape=(), scales=False,
    outer_norms=("before", "after"),
)  # fmt: skip


def clip_tower(weights, random, prefix="vision_model."):
    """The class token of CLIP has one axis, all others three."""
    rw.add_vit(weights, random, prefix, vit_names.CLIP, CLIP_VIT)
    weights[prefix + "embeddings.class_embedding"] = random.normal(CLIP_VIT.hidden)


def clip_vit(name="clip-vit"):
    """The activation left to its default, quick GELU; 14 pixels are three patches and a rest."""
    random, weights = source(name), {}
    clip_tower(weights, random)
    keys = {"intermediate_size": 23, "layer_norm_eps": 1e-3}
    config = vit_keys(CLIP_VIT, "clip_vision_model", 14, **keys)
    config |= {"architectures": ["CLIPVisionModel"], "dtype": "float32"}
    return Fixture(name, config, as_tensors(weights), image(random, 14, 14), HUGGING_FACE)


def clip_full(name="clip-full"):
    """A text tower and projections to drop, a buffer of integers, exact GELU, float16."""
    random, weights = source(name), {}
    clip_tower(weights, random)
    vision = vit_keys(
        CLIP_VIT, "clip_vision_model", 12, intermediate_size=23, hidden_act="gelu"
    )
    text = {
        "hidden_size": 6, "intermediate_size": 7, "max_position_embeddings": 5,
        "model_type": "clip_text_model", "num_attention_heads": 2, "num_hidden_layers": 1,
        "vocab_size": 11,
    }  # fmt: skip
    config = {
        "architectures": ["CLIPModel"],
        "logit_scale_init_value": 2.6592,
        "model_type": "clip",
        "projection_dim": 5,
        "text_config": text,
        "torch_dtype": "float16",
        "vision_config": vision,
    }
    for key, shape in sorted(torch_models.clip_shapes(config).items()):
        if not key.startswith("vision_model."):
            weights[key] = random.normal(*shape)
    tensors = as_tensors(weights, torch.float16)
    tensors["vision_model.embeddings.position_ids"] = torch.arange(10)[None]
    return Fixture(name, config, tensors, image(random, 12, 12), HUGGING_FACE)


def dinov2(name, sizes, side, height, width, **keys):
    """Trained on `side` × `side` pixels and run on others."""
    random, weights = source(name), {}
    rw.add_vit(weights, random, "", vit_names.DINOV2, sizes)
    weights["embeddings.mask_token"] = random.normal(1, sizes.hidden)
    registers = {"num_register_tokens": sizes.registers} if sizes.registers else {}
    family = "dinov2_with_registers" if registers else "dinov2"
    keys = {"hidden_act": "gelu", "layer_norm_eps": 1e-6, "mlp_ratio": 2, **registers, **keys}
    config = vit_keys(sizes, family, side, **keys)
    architecture = "Dinov2WithRegistersModel" if registers else "Dinov2Model"
    config |= {"architectures": [architecture], "torch_dtype": "float32"}
    inputs = image(random, height, width)
    return Fixture(name, config, as_tensors(weights), inputs, HUGGING_FACE)


def timm_vit(name, sizes, architecture, trained, size, pool):
    """timm keeps the arguments that differ from those of the architecture in `model_args`."""
    random, weights = source(name), {}
    add_timm(weights, random, "", sizes)
    config = {
        "architecture": architecture,
        "model_args": {
            "depth": sizes.layers,
            "embed_dim": sizes.hidden,
            "img_size": size,
            "num_heads": sizes.heads,
            "patch_size": sizes.patch,
        },
        "num_classes": 0,
        "num_features": sizes.hidden,
        "pretrained_cfg": {"input_size": [3, trained, trained], "pool": pool},
    }
    return Fixture(name, config, as_tensors(weights), image(random, size, size), TIMM)


def add_timm(weights, random, prefix, sizes):
    """DINOv2 with registers, or SigLIP with its unused pooling head."""
    rw.add_vit(weights, random, prefix, vit_names.TIMM, sizes)
    if not sizes.class_shape:
        head, hidden = prefix + "attn_pool.", sizes.hidden
        weights[head + "latent"] = random.normal(1, 1, hidden)
        for part, rows in (("q", hidden), ("kv", 2 * hidden), ("proj", hidden)):
            rw.add_linear(weights, random, head + part, rows, hidden)
        rw.add_norm(weights, random, head + "norm", hidden)
        rw.add_linear(weights, random, head + "mlp.fc1", sizes.intermediate, hidden)
        rw.add_linear(weights, random, head + "mlp.fc2", hidden, sizes.intermediate)


TIMM_DINO = replace(VIT, positions=25, registers=4)
TIMM_SIGLIP = replace(
    VIT, hidden=20, heads=2, intermediate=37, positions=9, class_shape=(), scales=False
)


def intern_keys(sizes, **keys):
    """The keys of the vision config in a chat repository of InternVL."""
    return vit_keys(
        sizes, "intern_vit_6b", 12, architectures=["InternVisionModel"], hidden_act="gelu",
        intermediate_size=23, layer_norm_eps=1e-6, torch_dtype="float32", **keys,
    )  # fmt: skip


def intern_vit(name, sizes, norm_type):
    random, weights = source(name), {}
    rw.add_vit(weights, random, "vision_model.", vit_names.INTERN, sizes)
    config = intern_keys(
        sizes, norm_type=norm_type, qk_normalization=sizes.query_norm, qkv_bias=sizes.attention_bias
    )
    return Fixture(name, config, as_tensors(weights), image(random, 12, 12), HUGGING_FACE)


def intern_vit_hf(name="internvit-hf"):
    """Run on an image that is not square, for which transformers resamples the positions."""
    random, weights = source(name), {}
    sizes = replace(VIT, outer_norms=(), query_norm=True)
    rw.add_vit(weights, random, "", vit_names.INTERN_HF, sizes)
    config = vit_keys(
        sizes, "internvl_vision", [12, 12], architectures=["InternVLVisionModel"],
        attention_bias=True, dtype="float32", hidden_act="gelu", intermediate_size=23,
        layer_norm_eps=1e-6, norm_type="layer_norm", use_absolute_position_embeddings=True,
        use_mask_token=False, use_mean_pooling=True, use_qk_norm=True,
    )  # fmt: skip
    config["patch_size"] = [4, 4]
    return Fixture(name, config, as_tensors(weights), image(random, 12, 8), HUGGING_FACE)


def intern_vits():
    yield intern_vit("internvit", replace(VIT, outer_norms=()), "layer_norm")
    sizes = replace(
        VIT, outer_norms=(), attention_bias=False, norm_bias=False, query_norm=True
    )
    yield intern_vit("internvit-rms-qk", sizes, "rms_norm")
    yield intern_vit_hf()


def vision_towers():
    yield clip_vit()
    yield clip_full()
    sizes = replace(VIT, positions=26, intermediate=36)
    yield dinov2("dinov2", sizes, 20, 12, 8)
    sizes = replace(VIT, intermediate=24, attention_bias=False, gated=True)
    yield dinov2("dinov2-swiglu", sizes, 12, 12, 12, qkv_bias=False, use_swiglu_ffn=True)
    sizes = replace(VIT, positions=26, intermediate=36, registers=3)
    yield dinov2("dinov2-reg", sizes, 20, 12, 8)
    architecture = "vit_large_patch14_reg4_dinov2"
    yield timm_vit("timm-vit-dinov2", TIMM_DINO, architecture, 20, 12, "token")
    architecture = "vit_so400m_patch14_siglip_384"
    yield timm_vit("timm-vit-siglip", TIMM_SIGLIP, architecture, 14, 14, "map")


TOWER_PREFIX = "model.vision_tower.vision_tower.vision_model."
SQUARE = rw.TowerSizes(18, 3, 23, 3, 4, 12, 12)
UPRIGHT = replace(SQUARE, width=8)
LANGUAGE = rw.MambaSizes(17, 34, 3, 2, 4, rows=29)


@dataclass(frozen=True)
class Connector:
    kind: str
    scan: str | None = None
    implementation: str = "ss2d"
    merge: str = "sum"
    width: int = LANGUAGE.hidden
    epsilon: float = 1e-5
    norm_bias: bool = True

    @property
    def keys(self):
        keys = {"mm_projector_type": self.kind}
        if self.scan:
            keys |= {
                "mm_vss_impl": self.implementation,
                "mm_vss_merge": self.merge,
                "mm_vss_norm_eps": self.epsilon,
                "mm_vss_scan": self.scan,
            }
        return keys

    def add(self, weights, random, vision):
        if self.implementation == "mamba":
            sizes = rw.MambaSizes(vision, 2 * vision, 5, 2, 4)
            add_scan = lambda weights, random, name, _: rw.add_mixer(
                weights, random, name, sizes, gain=0.4
            )
        else:
            directions = {"bsm": 2, "csm": 4}.get(self.scan)
            add_scan = partial(rw.add_grid_scan, state=4, rank=2, directions=directions)
        widths = vision, self.width, LANGUAGE.hidden
        name = "model.mm_projector."
        rw.add_connector(weights, random, name, self.kind, widths, add_scan, self.norm_bias)


def vision_language(name, connector, tower=UPRIGHT, tied=True, head=False):
    random, weights = source(name), {}
    rw.add_siglip(weights, random, TOWER_PREFIX, tower, head)
    connector.add(weights, random, tower.hidden)
    rw.add_mamba(weights, random, LANGUAGE, tied=tied)
    config = vision_language_keys(connector, tower, mamba_keys(LANGUAGE, tied=tied), head)
    inputs = image(random, tower.height, tower.width) | tokens(random, 7, LANGUAGE.rows)
    return Fixture(name, config, as_tensors(weights), inputs, OWN)


def vision_language_keys(connector, tower, language_keys, head=False):
    return {
        "architectures": ["VLMambaForCausalLM"],
        "dtype": "float32",
        "image_aspect_ratio": "square",
        "image_token_index": -200,
        "mm_grid": list(tower.grid),
        "mm_hidden_size": tower.hidden,
        "mm_vision_select_feature": "patch",
        "mm_vision_select_layer": -2,
        "mm_vision_tower": "tiny-siglip",
        "model_type": "vl_mamba",
        "text_model_type": "mamba",
        "vision_config": tower_keys(tower, head=head),
        **language_keys,
        **connector.keys,
    }


def clip_vision_language(name, feature):
    """A CLIP tower whose class token the connector does or does not see."""
    random, weights = source(name), {}
    clip_tower(weights, random, TOWER_PREFIX)
    connector = Connector("mlp2x_gelu")
    connector.add(weights, random, CLIP_VIT.hidden)
    rw.add_mamba(weights, random, LANGUAGE)
    config = vision_language_keys(connector, SQUARE, mamba_keys(LANGUAGE))
    config |= {
        "mm_vision_select_feature": feature,
        "mm_vision_tower": "tiny-clip",
        "vision_config": vit_keys(CLIP_VIT, "clip_vision_model", 14, intermediate_size=23),
    }
    if feature == "cls_patch":
        del config["mm_grid"]
    inputs = image(random, 14, 14) | tokens(random, 7, LANGUAGE.rows)
    return Fixture(name, config, as_tensors(weights), inputs, OWN)


def other_language(name, text_model_type, connector, sizes, language_keys):
    """A language model that is not Mamba-1, with the same hidden width as the others."""
    random, weights = source(name), {}
    rw.add_siglip(weights, random, TOWER_PREFIX, UPRIGHT, head=False)
    connector.add(weights, random, UPRIGHT.hidden)
    rw.add_mamba(weights, random, sizes, tied=language_keys["tie_word_embeddings"])
    config = vision_language_keys(connector, UPRIGHT, language_keys)
    config["text_model_type"] = text_model_type
    inputs = image(random, UPRIGHT.height, UPRIGHT.width) | tokens(random, 7, sizes.rows)
    return Fixture(name, config, as_tensors(weights), inputs, OWN)


def llava_mamba(name="llava-mamba"):
    """The names of LLaVA in transformers, whose connector numbers its layers from one."""
    fixture = vision_language(name, Connector("mlp2x_gelu"), SQUARE)
    renamed = {}
    for key, tensor in fixture.tensors.items():
        for old, new in (
            (TOWER_PREFIX, "vision_tower.vision_model."),
            ("model.mm_projector.0.", "multi_modal_projector.linear_1."),
            ("model.mm_projector.2.", "multi_modal_projector.linear_2."),
            ("backbone.", "language_model.backbone."),
        ):
            if key.startswith(old):
                key = new + key.removeprefix(old)
                break
        renamed[key] = tensor
    fixture.tensors = renamed
    return fixture


def vision_languages():
    yield llava_mamba()
    yield clip_vision_language("vlmamba-clip", "patch")
    yield clip_vision_language("vlmamba-clip-cls", "cls_patch")
    sizes = rw.Mamba2Sizes(LANGUAGE.hidden, 6, 17, 5, 3, 3, rows=29)
    keys = mamba2_keys(sizes) | {"time_step_limit": [0.02, 0.3]}
    yield other_language("vlmamba-mamba2", "mamba2", Connector("vss_l2", "bsm"), sizes, keys)
    keys = mamba_keys(LANGUAGE, tied=False)
    connector = Connector("mlp2x_gelu")
    yield other_language("vlmamba-falcon", "falcon_mamba", connector, LANGUAGE, keys)


def averaged_vision_language(name="vlmamba-vss-l2-mean-rms"):
    """Its scan is so quiet that the epsilon of `out_norm` tells a mean from a sum."""
    connector = Connector(
        "vss_l2", "csm", merge="mean", width=14, epsilon=1e-2, norm_bias=False
    )
    fixture = vision_language(name, connector)
    scan = "model.mm_projector.vss."
    for tensor, factor in (("Ds", 3e-3), ("A_logs", 1), ("x_proj_weight", 0.1)):
        fixture.tensors[scan + tensor] *= factor
    return fixture


def aliased_vision_language(name="vlmamba-aliases"):
    """Accepted other names, and the shapes that newer VMamba code gives two tensors."""
    fixture = vision_language(name, Connector("vss_l2", "csm"))
    renamed = {}
    for key, tensor in fixture.tensors.items():
        for old, new in (
            ("model.vision_tower.vision_tower.", "backbone.vision_tower."),
            ("model.mm_projector.", "backbone.mm_projector."),
            ("backbone.embeddings.", "model.backbone.embedding."),
            ("backbone.layers.", "model.backbone.layers."),
            ("backbone.norm_f.", "model.backbone.norm_f."),
        ):
            if key.startswith(old):
                key = new + key.removeprefix(old)
                break
        if key.endswith(("vss.x_proj_weight", "vss.dt_projs_weight")):
            key, tensor = key.removesuffix("_weight") + ".weight", tensor.flatten(0, 1)
        renamed[key] = tensor
    fixture.tensors = renamed
    return fixture


TINY = {"intermediate": 14, "layers": 3, "patch": 4}
FUSED_DINO = replace(VIT, hidden=12, heads=3, registers=4, **TINY)
FUSED_SIGLIP = replace(TIMM_SIGLIP, hidden=10, heads=2, **TINY)
MEAN_AND_DEVIATION = {
    "dino": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "siglip": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


def two_images(random, size):
    """One image with values in 0 … 1, normalised for each tower."""
    pixels = random.uniform(0, 1, 3, size, size)
    column = lambda values: np.array(values, np.float32)[:, None, None]
    return {
        f"pixel_values_{name}": torch.from_numpy((pixels - column(mean)) / column(deviation))
        for name, (mean, deviation) in MEAN_AND_DEVIATION.items()
    }


def fused(name, projector, size, trained, language, keys=None, mlmamba=False, apart=True):
    """Cobra or ML-Mamba; `trained` is the side of the grid of DINOv2's position table."""
    random, weights = source(name), {}
    side = size // 4
    for tower, sizes in (
        ("dino", replace(FUSED_DINO, positions=trained**2)),
        ("siglip", replace(FUSED_SIGLIP, positions=side**2)),
    ):
        add_timm(weights, random, f"vision_backbone.{tower}_featurizer.", sizes)
    vision = FUSED_DINO.hidden + FUSED_SIGLIP.hidden
    if mlmamba:
        add_bidirectional(weights, random, vision, language.hidden)
        vision = language.hidden
    add_projector(weights, random, projector, vision, language.hidden)
    rw.add_mamba(weights, random, language, embedding="embedding")
    weights["lm_head.weight"] = weights["backbone.embedding.weight"]
    level = "llm_backbone." if mlmamba else "llm_backbone.llm."
    weights = {
        level + key if key.startswith(("backbone.", "lm_head.")) else key: tensor
        for key, tensor in weights.items()
    }
    config = {
        "model": {
            "arch_specifier": "no-align+" + projector,
            "image_resize_strategy": "resize-naive",
            "llm_backbone_id": "mamba2-2.7b" if mlmamba else "mamba-2.8b-zephyr",
            "llm_max_length": 2048,
            "model_id": name,
            "vision_backbone_id": "dinosiglip-vit-so-384px",
        },
        "vision_config": {
            "dino_featurizer": {
                "architecture": "vit_large_patch14_reg4_dinov2", "num_heads": FUSED_DINO.heads,
            },
            "image_size": size,
            "siglip_featurizer": {
                "architecture": "vit_so400m_patch14_siglip_384",
                "num_heads": FUSED_SIGLIP.heads,
            },
        },
        **(keys or {}),
    }  # fmt: skip
    inputs = two_images(random, size) | tokens(random, 7, language.rows)
    return Fixture(name, config, as_tensors(weights), inputs, OWN, vision_apart=apart)


def add_projector(weights, random, kind, vision, language):
    name = "projector.projector"
    if kind == "linear":
        rw.add_linear(weights, random, name, language, vision)
        return
    if kind == "fused-gelu-mlp":
        widths = vision, 4 * vision, language, language
    elif kind == "fused-ldpnet":
        widths = vision, 4 * vision, language
    else:
        widths = vision, language, language
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        rw.add_linear(weights, random, f"{name}.{2 * i}", outputs, inputs, gain=1.5)
    if kind == "fused-ldpnet":
        weights[name + ".4.peg.0.weight"] = random.normal(language, 1, 3, 3, scale=0.5)
        weights[name + ".4.peg.0.bias"] = random.normal(language, scale=0.3)


def add_bidirectional(weights, random, vision, hidden):
    rw.add_linear(weights, random, "mlp.0", hidden, vision, gain=1.5)
    sizes = rw.Mamba2Sizes(hidden, 4, 6, 5, 1, 4)
    for i in range(2):
        name = f"bidirectional_mamba.layers.{i}."
        rw.add_mixer2(weights, random, name + "mixer.", sizes, backwards=True)
        for part in ("A_log", "A_log_b"):
            weights[f"{name}mixer.{part}"] += np.float32(0.5)  # decays that matter in 9 patches
        rw.add_norm(weights, random, name + "norm", hidden)
        for part in ("w1", "w2", "w3"):
            rw.add_linear(weights, random, name + "mlp." + part, hidden, hidden)
    rw.add_norm(weights, random, "bidirectional_mamba.norm_f", hidden)


def cobras():
    """A table of DINOv2 for a 4 × 4 grid is resampled as timm does when it loads the weights."""
    yield fused("cobra-linear", "linear", 14, 4, LANGUAGE)
    yield fused("cobra-gelu-mlp", "gelu-mlp", 14, 4, LANGUAGE)
    yield fused("cobra-fused-gelu-mlp", "fused-gelu-mlp", 14, 3, LANGUAGE)
    grid = {"projector_grid": [3, 3]}
    yield fused("cobra-fused-ldpnet", "fused-ldpnet", 20, 5, LANGUAGE, grid)
    yield fused("cobra-with-vision", "fused-gelu-mlp", 14, 3, LANGUAGE, apart=False)
    sizes = rw.Mamba2Sizes(12, 4, 6, 5, 1, 4, rows=32)
    yield fused("mlmamba", "fused-gelu-mlp", 14, 3, sizes, mlmamba=True)


def fixtures():
    yield mamba_hf()
    yield mamba_hf_tied()
    yield mamba_ssm("mamba1-ssm", False, {})
    mixer_keys = {"d_state": 8, "d_conv": 4, "expand": 2, "dt_rank": "auto"}
    yield mamba_ssm("mamba1-ssm-layernorm", True, mixer_keys)
    yield siglip()
    yield siglip("siglip-unprefixed", prefix="", head=False)
    yield siglip_classifier()
    yield vision_language(
        "vlmamba-linear", Connector("linear"), SQUARE, tied=False, head=True
    )
    yield vision_language("vlmamba-mlp2x-gelu", Connector("mlp2x_gelu"), SQUARE)
    for kind in ("vss_mlp", "vss_l2"):
        for scan in ("bsm", "csm"):
            name = f"vlmamba-{kind.replace('_', '-')}-{scan}"
            connector = Connector(kind, scan, epsilon=1e-3 if kind == "vss_l2" else 1e-5)
            square = (kind, scan) == ("vss_mlp", "bsm")
            yield vision_language(name, connector, SQUARE if square else UPRIGHT)
    yield averaged_vision_language()
    for scan in ("bsm", "csm"):
        connector = Connector("vss_mlp", scan, implementation="mamba")
        yield vision_language(f"vlmamba-vss-mlp-mamba-{scan}", connector)
    yield aliased_vision_language()
    yield falcon_mamba()
    yield mamba2_hf()
    yield mamba2_hf_bare()
    sizes = rw.Mamba2Sizes(20, 5, 8, 7, 1, 4, rows=48)
    yield mamba2_ssm("mamba2-ssm", sizes, {"d_state": 7, "headdim": 8})
    mixer_keys = {
        "D_has_hdim": True, "chunk_size": 4, "d_conv": 3, "d_state": 5, "dt_limit": [0.0, 0.4],
        "expand": 3, "headdim": 6, "ngroups": 3,
    }  # fmt: skip
    sizes = rw.Mamba2Sizes(12, 6, 6, 5, 3, 3, rows=48, skip_width=6)
    yield mamba2_ssm("mamba2-ssm-hdim", sizes, mixer_keys, tied=False)
    sizes = rw.Mamba2Sizes(12, 3, 8, 5, 1, 4, rows=48, norm=False)
    mixer_keys = {"d_state": 5, "headdim": 8, "rmsnorm": False}
    yield mamba2_ssm("mamba2-ssm-gate", sizes, mixer_keys)
    yield mamba2_mistral()
    yield from vision_towers()
    yield from vision_languages()
    yield from cobras()
    yield from intern_vits()


def main():
    directory = Path(sys.argv[1])
    for fixture in fixtures():
        fixture.write(directory)
        print(fixture.name)


if __name__ == "__main__":
    main()
