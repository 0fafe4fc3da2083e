#!/usr/bin/env python3
"""Checks files of weights by numpy: the outputs beside them are what the weights give.

    check.py FOLDER [OTHER]     needs numpy and safetensors, not PyTorch

Of each NAME.outputs.safetensors in FOLDER (make.py says what is in it): f(t, z) from the formulas of the modules, its
trace by complex steps, and the flow by 8 steps of RK4, all in double from the weights in NAME.safetensors. With OTHER,
the weights must also be those of OTHER/NAME.safetensors, number for number.
"""

import pathlib
import re
import sys

import numpy as np
from safetensors import safe_open


def read(path):
    with safe_open(path, "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {"tanh": np.tanh, "softplus": lambda x: np.log(1 + np.exp(x)), "silu": lambda x: x * sigmoid(x)}


def numbered(weights, ending):
    """The layers' names in the order of the numbers in them."""
    stems = [name.removesuffix(ending) for name in weights if name.endswith(ending)]
    return sorted(stems, key=lambda stem: [int(number) for number in re.findall(r"\d+", stem)])


def linear(weights, stem, x):
    return x @ weights[stem + "weight"].T + weights[stem + "bias"]


def linear_layers(weights, how, s, x):
    stems = numbered(weights, "weight")
    for i, stem in enumerate(stems):
        reads = how["time"] != "none" and (i == 0 or not how["time"].endswith("_once"))
        if reads:
            x = np.concatenate([s, x] if how["time"].startswith("first") else [x, s], 1)
        x = linear(weights, stem, x)
        if i + 1 < len(stems):
            x = ACTIVATIONS[how["activation"]](x)
    return x


def concat_squash(weights, how, s, x):
    stems = numbered(weights, "_layer.weight")
    for i, stem in enumerate(stems):
        gate = sigmoid(linear(weights, stem + "_hyper_gate.", s))
        x = linear(weights, stem + "_layer.", x) * gate + s @ weights[stem + "_hyper_bias.weight"].T
        if i + 1 < len(stems):
            x = ACTIVATIONS[how["activation"]](x)
    return x


def potential(weights, how, s, x):
    """Minus the gradient in x of w.N(q) + |A q|^2 / 2 + b.q, q = [x, s]: back through N by hand."""
    q = np.concatenate([x, s], 1)
    stems = numbered(weights, "weight")
    stems = [stem for stem in stems if stem.startswith("N.layers.")]
    h = 1 / (len(stems) - 1)
    a = linear(weights, stems[0], q)
    u, tanh_of_a = np.log(np.exp(a) + np.exp(-a)), [np.tanh(a)]
    for stem in stems[1:]:
        a = linear(weights, stem, u)
        u = u + h * np.log(np.exp(a) + np.exp(-a))
        tanh_of_a.append(np.tanh(a))
    g = np.broadcast_to(weights["w.weight"], u.shape)
    for stem, tanh in zip(stems[:0:-1], tanh_of_a[:0:-1]):
        g = g + h * (tanh * g) @ weights[stem + "weight"]
    g = (tanh_of_a[0] * g) @ weights[stems[0] + "weight"]
    g = g + q @ weights["A"].T @ weights["A"] + weights["c.weight"]
    return -g[:, : x.shape[1]]


def trace(field, s, z):
    step, total = 1e-30, np.zeros(len(z))
    for i in range(z.shape[1]):
        moved = z.astype(complex)
        moved[:, i] += step * 1j
        total += field(s.astype(complex), moved)[:, i].imag / step
    return total


def log_normal(z):
    return -0.5 * (z**2).sum(1) - 0.5 * z.shape[1] * np.log(2 * np.pi)


def solve(field, context, z, steps=8):
    def rates(t, z):
        s = np.concatenate([np.full_like(z[:, :1], t), context], 1)
        return field(s, z), trace(field, s, z)

    h, change = 1 / steps, np.zeros(len(z))
    for step in range(steps):
        t = step * h
        k1, l1 = rates(t, z)
        k2, l2 = rates(t + h / 2, z + h / 2 * k1)
        k3, l3 = rates(t + h / 2, z + h / 2 * k2)
        k4, l4 = rates(t + h, z + h * k3)
        z = z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        change = change + h / 6 * (l1 + 2 * l2 + 2 * l3 + l4)
    return z, change


def stacked(weights, how, z):
    """A normalisation, and then blocks of a field and a normalisation each."""
    change = 0
    for i in range(1 + max(int(name.split(".")[1]) for name in weights)):
        of_link = f"chain.{i}."
        link = {name.removeprefix(of_link): value for name, value in weights.items() if name.startswith(of_link)}
        if i % 2 == 0:
            log_scale = link["weight"] - 0.5 * np.log(link["running_var"] + 1e-4)
            z, log_det = (z - link["running_mean"]) * np.exp(log_scale) + link["bias"], log_scale.sum()
        else:
            z, log_det = solve(lambda s, x: concat_squash(link, how, s, x), z[:, :0], z)
        change = change + log_det
    return {"z1": z, "log_prob": change + log_normal(z)}


def expected_outputs(weights, how, inputs):
    z = inputs["z"]
    if how["module"] == "stacked":
        return stacked(weights, how, z)
    module = {"linear": linear_layers, "concat_squash": concat_squash, "potential": potential}[how["module"]]
    field, s = lambda s, x: module(weights, how, s, x), inputs["s"]
    z1, change = solve(field, s[:, 1:], z)
    return {"f": field(s, z), "trace": trace(field, s, z), "z1": z1, "log_prob": change + log_normal(z1)}


def check(folder, name, other):
    weights, _ = read(folder / f"{name}.safetensors")
    outputs, how = read(folder / f"{name}.outputs.safetensors")
    own = {key: value for key, value in weights.items() if key.startswith(how["prefix"])}
    if other:
        for key, value in read(other / f"{name}.safetensors")[0].items():
            if not key.startswith(how["prefix"]) or re.search(r"(c\.bias|_num_evals|sqrt_end_time|step)$", key):
                continue  # of another module; a number that no field has
            mine = own[key]
            if key == "A":  # rows of zeros leave A^T A as it is
                value = np.pad(value, [(0, len(mine) - len(value)), (0, 0)])
            assert mine.dtype == value.dtype and np.array_equal(mine, value), f"{name}: {key} is not as in {other}"
    own = {key.removeprefix(how["prefix"]): value.astype(float) for key, value in own.items()}
    worst = 0
    for key, value in expected_outputs(own, how, outputs).items():
        tolerance = 1e-12 if outputs[key].dtype == np.float64 else 1e-6
        difference = np.max(np.abs(outputs[key] - value) / np.maximum(1, np.abs(value)))
        assert difference < tolerance, f"{name}: {key} differs by {difference}"
        worst = max(worst, difference)
    print(f"{name}: {len(own)} tensors, outputs differ by {worst:.1e} at most")


def main():
    folder, other = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    names = sorted(path.name.removesuffix(".outputs.safetensors") for path in folder.glob("*.outputs.safetensors"))
    assert names, f"no files in {folder}"
    for name in names:
        check(folder, name, other)
    print(f"{len(names)} modules agree with numpy")


if __name__ == "__main__":
    main()
