"""Runs an unpacked checkpoint with transformers and writes or compares its outputs.

    reload_unpacked.py DIRECTORY INPUTS.safetensors --write OUT.safetensors
    reload_unpacked.py DIRECTORY INPUTS.safetensors --compare EXPECTED.safetensors --bound 1e-4

INPUTS holds `input_ids` [T], `pixel_values` [3, H, W] or both. A comparison prints the largest
relative error of each output and ends with exit code 1 if one is above the bound or none was
compared. `vl_mamba`, which transformers does not know, runs as its Mamba and SigLIP classes
with the connector of torch_models.py.
"""

import argparse
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

import checkpoint
import references


def open_model(directory, loader):
    """A transformers model in float32, which must use every tensor and miss none."""
    model, info = loader.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[problem]:
            sys.exit(f"{directory}: {problem} {sorted(map(str, info[problem]))}")
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
