"""What each family of vision towers calls the parts of a ViT; `{}` is the number of a block."""

ENDS = {
    "patch": "embeddings.patch_embedding",
    "class": "embeddings.class_embedding",
    "positions": "embeddings.position_embedding",
}
TWO_LAYERS = {"up": "mlp.fc1", "down": "mlp.fc2"}


def block(prefix, **names):
    return {f"blocks.{{}}.{part}": f"{prefix}.{name}" for part, name in names.items()}


CLIP = {
    **ENDS,
    "positions": "embeddings.position_embedding.weight",
    "before": "pre_layrnorm",
    "after": "post_layernorm",
    **block(
        "encoder.layers.{}", norm1="layer_norm1", query="self_attn.q_proj",
        key="self_attn.k_proj", value="self_attn.v_proj", output="self_attn.out_proj",
        norm2="layer_norm2", **TWO_LAYERS,
    ),
}  # fmt: skip
DINOV2 = {
    "patch": "embeddings.patch_embeddings.projection",
    "class": "embeddings.cls_token",
    "registers": "embeddings.register_tokens",
    "positions": "embeddings.position_embeddings",
    "mask": "embeddings.mask_token",
    "after": "layernorm",
    **block(
        "encoder.layer.{}", norm1="norm1", query="attention.attention.query",
        key="attention.attention.key", value="attention.attention.value",
        output="attention.output.dense", scale1="layer_scale1.lambda1", norm2="norm2",
        gate_up="mlp.weights_in", gated_down="mlp.weights_out", scale2="layer_scale2.lambda1",
        **TWO_LAYERS,
    ),
}  # fmt: skip
TIMM = {
    "patch": "patch_embed.proj",
    "class": "cls_token",
    "registers": "reg_token",
    "positions": "pos_embed",
    "before": "norm_pre",
    "after": "norm",
    **block(
        "blocks.{}", norm1="norm1", qkv="attn.qkv", output="attn.proj", scale1="ls1.gamma",
        norm2="norm2", scale2="ls2.gamma", **TWO_LAYERS,
    ),
}  # fmt: skip
INTERN = {
    **ENDS,
    **block(
        "encoder.layers.{}", norm1="norm1", qkv="attn.qkv", query_norm="attn.q_norm",
        key_norm="attn.k_norm", output="attn.proj", scale1="ls1", norm2="norm2", scale2="ls2",
        **TWO_LAYERS,
    ),
}  # fmt: skip
INTERN_HF = {
    "patch": "embeddings.patch_embeddings.projection",
    "class": "embeddings.cls_token",
    "positions": "embeddings.position_embeddings",
    **block(
        "encoder.layer.{}", norm1="layernorm_before", query="attention.q_proj",
        key="attention.k_proj", value="attention.v_proj", query_norm="attention.q_norm",
        key_norm="attention.k_norm", output="attention.projection_layer", scale1="lambda_1",
        norm2="layernorm_after", scale2="lambda_2", **TWO_LAYERS,
    ),
}  # fmt: skip
FAMILIES = {
    "clip": CLIP,
    "clip_vision_model": CLIP,
    "dinov2": DINOV2,
    "dinov2_with_registers": DINOV2,
    "intern_vit_6b": INTERN,
    "internvl_vision": INTERN_HF,
    "timm": TIMM,
}


def translated(weights, names, layers):
    """The same tensors under the names of the parts; others are left out."""
    renamed = {}
    for part, name in names.items():
        for i in range(layers if "{}" in part else 1):
            for suffix in ("", ".weight", ".bias"):
                tensor = weights.get(name.format(i) + suffix)
                if tensor is not None:
                    renamed[part.format(i) + suffix] = tensor
    return renamed
