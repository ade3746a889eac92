"""Runs an unpacked checkpoint with transformers and writes or compares its outputs.

    reload_unpacked.py DIRECTORY INPUTS.safetensors --write OUT.safetensors
    reload_unpacked.py DIRECTORY INPUTS.safetensors --compare EXPECTED.safetensors --bound 1e-4

INPUTS holds `input_ids` [T], `pixel_values` [3, H, W] or both. A comparison prints the largest
relative error of each output and ends with exit code 1 if one is above the bound or none was
compared. What transformers does not know, `vl_mamba` for one, runs as in references.py.
"""

import argparse
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

import checkpoint
import references
import torch_vision


def open_model(directory, loader, others=()):
    """A transformers model in float32, which must miss no tensor and use all but the `others`."""
    model, info = loader.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        names = [name for name in map(str, info[problem]) if not name.startswith(tuple(others))]
        if names:
            sys.exit(f"{directory}: {problem} {sorted(names)}")
    return model.eval()


def outputs(directory, inputs):
    config, tensors = checkpoint.read(directory)
    model_type = config.get("model_type")
    if model_type == "vl_mamba":
        return references.torch_outputs(config, tensors, inputs)
    if model_type in ("siglip", "siglip_vision_model"):
        classifies = model_type == "siglip"
        name = "SiglipForImageClassification" if classifies else "SiglipVisionModel"
        return references.siglip_outputs(
            open_model(directory, getattr(transformers, name)), inputs
        )
    if model_type in torch_vision.CLASSES:
        name = torch_vision.CLASSES[model_type]
        model = open_model(directory, getattr(transformers, name), torch_vision.OTHER_PARTS)
        return torch_vision.model_outputs(model, inputs["pixel_values"])
    if model_type is None:
        sys.exit(f"{directory}: transformers reads no config without a model_type")
    model = open_model(directory, transformers.AutoModelForCausalLM)
    return references.mamba_outputs(model, inputs)


def compare(results, expected, bound):
    names = sorted(set(results) & set(expected))
    errors = {n: references.relative_error(results[n], expected[n]) for n in names}
    for name, error in errors.items():
        print(f"{name} {error:.3e}")
    return bool(errors) and all(error <= bound for error in errors.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory")
    parser.add_argument("inputs")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write")
    action.add_argument("--compare")
    parser.add_argument("--bound", type=float, default=1e-4)
    arguments = parser.parse_args()
    inputs = load_file(arguments.inputs)
    with torch.no_grad():
        results = outputs(arguments.directory, inputs)
    if arguments.write:
        save_file(checkpoint.contiguous(results), arguments.write)
    elif not compare(results, load_file(arguments.compare), arguments.bound):
        sys.exit(1)


if __name__ == "__main__":
    main()
