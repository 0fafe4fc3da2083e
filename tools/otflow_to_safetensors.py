#!/usr/bin/env python3
"""Converts a checkpoint of OT-Flow's code (EmoryMLIP/OT-Flow, *_checkpt.pth) for pathline's io::load_torch.

    python3 -m venv venv && venv/bin/pip install torch safetensors
    venv/bin/python tools/otflow_to_safetensors.py NAME_checkpt.pth FILE.safetensors

The tensors keep their names. That code moves samples by minus the gradient of Phi divided by alph[0], pathline by minus
the gradient of Phi: where alph[0] is not 1, w, c and A are scaled so that both are the same. Data that the code scales
before training (its large data sets) must be scaled alike before they reach the flow.
"""

import argparse
import math
import pathlib
import re
import sys

import torch
from safetensors.torch import save_file


def load(path):
    """The tensors and the settings of training; a bare state_dict has none. Runs no code from the file."""
    with torch.serialization.safe_globals([argparse.Namespace]):
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    if "state_dict" not in checkpoint:
        return checkpoint, argparse.Namespace()
    return checkpoint["state_dict"], checkpoint.get("args", argparse.Namespace())


def check_names(tensors):
    layers = sum(re.fullmatch(r"N\.layers\.\d+\.weight", name) is not None for name in tensors)
    expected = {"A", "w.weight", "c.weight", "c.bias"}
    expected |= {f"N.layers.{i}.{kind}" for i in range(layers) for kind in ("weight", "bias")}
    if layers < 2 or set(tensors) != expected:
        sys.exit(f"not a potential of OT-Flow: missing {sorted(expected - set(tensors))}, unknown {sorted(set(tensors) - expected)}")
    return layers


def divide_potential(tensors, factor):
    """Phi / factor: A enters it squared, all of w and c once."""
    divisors = {"A": math.sqrt(factor), "w.weight": factor, "c.weight": factor, "c.bias": factor}
    return {name: tensor / divisors.get(name, 1) for name, tensor in tensors.items()}


def main():
    parser = argparse.ArgumentParser(description="OT-Flow's checkpoint as safetensors")
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    options = parser.parse_args()
    tensors, settings = load(options.checkpoint)
    layers = check_names(tensors)
    if getattr(settings, "nTh", layers) != layers:
        sys.exit(f"nTh is {settings.nTh}, but there are {layers} layers")
    alpha = float(getattr(settings, "alph", [1.0])[0])
    if not alpha > 0:
        sys.exit(f"alph[0] is {alpha}, expected a positive number")
    if alpha != 1:
        tensors = divide_potential(tensors, alpha)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, options.output, {"format": "pt"})
    rank, columns = tensors["A"].shape
    width = tensors["w.weight"].shape[1]
    scalar = {torch.float32: "float", torch.float64: "double"}[tensors["A"].dtype]
    print(f"{options.output}: d = {columns - 1}, A has {rank} rows, alph[0] = {alpha:g}")
    print(f"Network field(Potential<{scalar}>({columns - 1}, {width}, {layers - 1}), rng);")


if __name__ == "__main__":
    main()
