"""The same models in PyTorch float32: transformers' own classes, and a connector in tensor form.

Each function takes a dictionary of tensors and the keys of config.json.
"""

import torch
import torch.nn.functional as F
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    FalconMambaConfig,
    FalconMambaForCausalLM,
    Mamba2Config,
    Mamba2ForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    SiglipConfig,
    SiglipForImageClassification,
    SiglipVisionConfig,
    SiglipVisionModel,
    logging,
)
from transformers.models.mamba.modeling_mamba import MambaMixer

torch.set_num_threads(1)
torch.set_grad_enabled(False)
logging.set_verbosity_error()
logging.disable_progress_bar()

MAMBA_KEYS = (
    "vocab_size", "hidden_size", "intermediate_size", "state_size", "num_hidden_layers",
    "time_step_rank", "conv_kernel", "use_bias", "use_conv_bias", "layer_norm_epsilon",
    "tie_word_embeddings",
)  # fmt: skip
MAMBA2_KEYS = (
    "vocab_size", "hidden_size", "state_size", "num_hidden_layers", "num_heads", "head_dim",
    "expand", "n_groups", "conv_kernel", "use_bias", "use_conv_bias", "layer_norm_epsilon",
    "time_step_limit", "chunk_size", "tie_word_embeddings",
)  # fmt: skip


def load(model, weights, absent=()):
    result = model.load_state_dict(weights, strict=False)
    assert not result.unexpected_keys, result.unexpected_keys
    assert set(result.missing_keys) <= set(absent), result.missing_keys
    return model.eval()


def finish(model, weights):
    """Loads a language model and ties its head if its config says so."""
    tied = model.config.tie_word_embeddings
    load(model, weights, ["lm_head.weight"] if tied else [])
    if tied:
        model.tie_weights()
    return model


def mamba(weights, config):
    """MambaForCausalLM; norms with a bias are replaced by LayerNorm."""
    known = {key: config[key] for key in MAMBA_KEYS if key in config}
    model = MambaForCausalLM(MambaConfig(**known))
    if "backbone.norm_f.bias" in weights:
        width, epsilon = config["hidden_size"], config["layer_norm_epsilon"]
        for block in model.backbone.layers:
            block.norm = torch.nn.LayerNorm(width, epsilon)
        model.backbone.norm_f = torch.nn.LayerNorm(width, epsilon)
    return finish(model, weights)


def falcon_mamba(weights, config):
    known = {key: config[key] for key in MAMBA_KEYS + ("mixer_rms_eps",) if key in config}
    return finish(FalconMambaForCausalLM(FalconMambaConfig(**known)), weights)


class Gate(torch.nn.Module):
    """What is left of the gated norm of a mixer without its weight."""

    def forward(self, y, z):
        return y * F.silu(z)


def mamba2(weights, config):
    """Mamba2ForCausalLM with `D` for each head, or for each channel by `heads_of_one`."""
    known = {key: config[key] for key in MAMBA2_KEYS if key in config}
    first = "backbone.layers.0.mixer."
    if weights[first + "D"].shape != weights[first + "A_log"].shape:
        weights, known = heads_of_one(weights, known)
    model = Mamba2ForCausalLM(Mamba2Config(**known))
    if first + "norm.weight" not in weights:
        for block in model.backbone.layers:
            block.mixer.norm = Gate()
    return finish(model, weights)


def heads_of_one(weights, keys):
    """The same model with a head, and with it a `D`, for each channel: P = 1.

    Rows of dt, dt_bias and A_log are repeated P times. Groups stay contiguous.
    """
    width = keys["head_dim"]
    changed = {}
    for name, tensor in weights.items():
        if name.endswith((".dt_bias", ".A_log")):
            tensor = tensor.repeat_interleave(width, 0)
        elif ".in_proj." in name:
            rest, dt = tensor.split([len(tensor) - keys["num_heads"], keys["num_heads"]])
            tensor = torch.cat([rest, dt.repeat_interleave(width, 0)])
        changed[name] = tensor
    return changed, keys | {"num_heads": keys["num_heads"] * width, "head_dim": 1}


def mamba2_shapes(weights, groups):
    """Keys of Mamba2Config that the shapes of a checkpoint give."""
    mixer = "backbone.layers.0.mixer."
    hidden, inner = weights[mixer + "out_proj.weight"].shape
    heads = len(weights[mixer + "A_log"])
    channels, _, kernel = weights[mixer + "conv1d.weight"].shape
    return {
        "vocab_size": len(weights["backbone.embeddings.weight"]),
        "hidden_size": hidden,
        "num_hidden_layers": len([name for name in weights if name.endswith(".A_log")]),
        "num_heads": heads,
        "head_dim": inner // heads,
        "expand": inner // hidden,
        "n_groups": groups,
        "state_size": (channels - inner) // groups // 2,
        "conv_kernel": kernel,
    }


def state_spaces(config, weights):
    """The keys of a state-spaces config as transformers spells them."""
    mixer = "backbone.layers.0.mixer."
    inner, state = weights[mixer + "A_log"].shape
    return {
        "hidden_size": weights["backbone.embeddings.weight"].shape[1],
        "num_hidden_layers": len([name for name in weights if name.endswith(".A_log")]),
        "vocab_size": len(weights["backbone.embeddings.weight"]),
        "intermediate_size": inner,
        "state_size": state,
        "time_step_rank": weights[mixer + "dt_proj.weight"].shape[1],
        "conv_kernel": weights[mixer + "conv1d.weight"].shape[2],
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": config.get("tie_embeddings", True),
    }


def clip_shapes(config):
    """The names and shapes of a CLIPModel as it is published."""
    model = CLIPModel(CLIPConfig(**config))
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def siglip(weights, config):
    """SiglipVisionModel; its position table takes the number of rows that the weights have."""
    keys = {key: value for key, value in config.items() if key not in ("model_type", "dtype")}
    size = keys["image_size"]
    keys["image_size"] = size if isinstance(size, int) else max(size)
    model_config = SiglipVisionConfig(**keys, attn_implementation="eager")
    model_config.vision_use_head = "head.probe" in weights
    model = SiglipVisionModel(model_config)
    rows, width = weights["embeddings.position_embedding.weight"].shape
    model.embeddings.position_embedding = torch.nn.Embedding(rows, width)
    model.embeddings.position_ids = torch.arange(rows)[None]
    return load(model, weights)


def clip(weights, config):
    keys = {key: value for key, value in config.items() if key not in ("model_type", "dtype")}
    model_config = CLIPVisionConfig(**keys, attn_implementation="eager")
    return load(CLIPVisionModel(model_config), weights)


def siglip_classifier(weights, config):
    keys = {"vision_config": config["vision_config"], "id2label": config["id2label"]}
    model = SiglipForImageClassification(SiglipConfig(**keys, attn_implementation="eager"))
    return load(model, weights)


def grid_scan(w, u, directions, grid, how):
    """SS2D with tensors laid out as (direction, channel, position)."""
    rows, columns = grid
    count = rows * columns
    x, z = F.linear(u, w["in_proj.weight"]).chunk(2, -1)
    inner = x.shape[1]
    image = x.T.reshape(1, inner, rows, columns)
    image = F.conv2d(image, w["conv2d.weight"], w["conv2d.bias"], padding=1, groups=inner)
    image = F.silu(image)[0]
    flat = [image.reshape(inner, count)]
    if directions == 4:
        flat.append(image.transpose(1, 2).reshape(inner, count))
    xs = torch.stack(flat + [f.flip(-1) for f in flat])
    rank = w["dt_projs_weight"].shape[2]
    state = w["A_logs"].shape[1]
    projected = torch.einsum("kdl,kcd->kcl", xs, w["x_proj_weight"])
    dt, b, c = projected.split([rank, state, state], 1)
    dt = torch.einsum("krl,kdr->kdl", dt, w["dt_projs_weight"])
    dt = F.softplus(dt + w["dt_projs_bias"][..., None])
    a = -torch.exp(w["A_logs"]).view(directions, inner, state)
    d = w["Ds"].view(directions, inner)
    h = torch.zeros(directions, inner, state)
    ys = []
    for t in range(count):
        h = torch.exp(dt[..., t, None] * a) * h
        h = h + (dt[..., t] * xs[..., t])[..., None] * b[:, None, :, t]
        ys.append((h * c[:, None, :, t]).sum(-1) + d * xs[..., t])
    y = torch.stack(ys, -1)
    half = directions // 2
    y = y[:half] + y[half:].flip(-1)
    total = y[0]
    if directions == 4:
        total = total + y[1].reshape(inner, columns, rows).transpose(1, 2).reshape(inner, count)
    y = total / (directions if how == "mean" else 1)
    y = F.layer_norm(y.T, (inner,), w["out_norm.weight"], w["out_norm.bias"], 1e-5)
    return F.linear(y * F.silu(z), w["out_proj.weight"])


def shared_mixer_scan(w, u, directions, grid, how):
    """transformers' MambaMixer over the patches in each direction."""
    inner, state = w["A_log"].shape
    config = MambaConfig(
        hidden_size=u.shape[1], intermediate_size=inner, state_size=state, num_hidden_layers=1,
        time_step_rank=w["dt_proj.weight"].shape[1], conv_kernel=w["conv1d.weight"].shape[2],
    )  # fmt: skip
    mixer = load(MambaMixer(config, 0), w)

    def back_and_forth(x):
        return mixer(x[None])[0] + mixer(x.flip(0)[None])[0].flip(0)

    total = back_and_forth(u)
    if directions == 4:
        rows, columns = grid
        turned = u.reshape(rows, columns, -1).transpose(0, 1).reshape(u.shape)
        turned = back_and_forth(turned)
        total = total + turned.reshape(columns, rows, -1).transpose(0, 1).reshape(u.shape)
    return total / (directions if how == "mean" else 1)


def normalize(w, x, epsilon):
    if "norm.bias" in w:
        return F.layer_norm(x, x.shape[-1:], w["norm.weight"], w["norm.bias"], epsilon)
    return F.rms_norm(x, x.shape[-1:], w["norm.weight"], epsilon)


def connect(w, config, features):
    """Image embeddings [n, D_lm] of features [n, D_v]."""
    linear = lambda name, x: F.linear(x, w[name + ".weight"], w[name + ".bias"])
    kind = config["mm_projector_type"]
    if kind == "linear":
        return F.linear(features, w["weight"], w["bias"])
    if kind == "mlp2x_gelu":
        return linear("2", F.gelu(linear("0", features)))
    scan_weights = {k[4:]: v for k, v in w.items() if k.startswith("vss.")}
    scan = {"ss2d": grid_scan, "mamba": shared_mixer_scan}[config.get("mm_vss_impl", "ss2d")]
    directions = {"bsm": 2, "csm": 4}[config["mm_vss_scan"]]
    choices = directions, config["mm_grid"], config.get("mm_vss_merge", "sum")
    hidden = linear("linear_1", features) if kind == "vss_l2" else features
    inputs = F.gelu(hidden) if kind == "vss_l2" else hidden
    x = hidden + scan(scan_weights, inputs, *choices)
    x = normalize(w, x, config["mm_vss_norm_eps"])
    if kind == "vss_l2":
        return linear("linear_2", x)
    return linear("mlp.2", F.gelu(linear("mlp.0", x)))


def vision_language(parts, config, pixels, input_ids):
    """Features, image embeddings and text logits; `parts` are (tower, connector, model)."""
    tower, connector, model = parts
    vision = config["vision_config"]
    build = {"siglip_vision_model": siglip, "clip_vision_model": clip}[vision["model_type"]]
    streams = build(tower, vision)(pixels[None], output_hidden_states=True).hidden_states
    features = streams[config["mm_vision_select_layer"]][0]
    if build is clip and config["mm_vision_select_feature"] == "patch":
        features = features[1:]
    image = connect(connector, config, features)
    return {
        "vision_features": features,
        "connector_output": image,
        "logits": text_logits(model, image, input_ids),
    }


def text_logits(model, image, input_ids):
    """Logits at the text positions after the embeddings of an image."""
    text = model.backbone.embeddings(input_ids.long())
    return model(inputs_embeds=torch.cat([image, text])[None]).logits[0, len(image) :]
