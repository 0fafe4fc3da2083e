#!/usr/bin/env python3
"""Makes the files in this folder: weights of PyTorch modules, and what those modules compute.

    python3 -m venv venv && venv/bin/pip install torch safetensors
    venv/bin/python tests/data/torch/make.py

NAME.safetensors is what safetensors.torch.save_file(module.state_dict(), ...) writes. NAME.outputs.safetensors has the
inputs and outputs in double: z and the side inputs (n rows), f(t, z) at one time a row, its trace, and the flow of the
field from t = 0 to 1 by 8 equal steps of RK4: the end points and log-densities under a standard normal base. The trace
is that of the Jacobian by autograd. Its metadata says how the module is read.

The modules have the parameter names and the formulas of rtqichen/ffjord (lib/layers) and EmoryMLIP/OT-Flow (src/Phi.py).
"""

import math
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

STEPS, SAMPLES = 8, 5
ACTIVATIONS = {"tanh": torch.tanh, "softplus": nn.functional.softplus, "silu": nn.functional.silu}


class Stack(nn.Module):
    """Linear layers in a ModuleList, each of which may be wrapped: layers.0._layer.weight."""

    def __init__(self, layers, activation):
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.activation = ACTIVATIONS[activation]

    def forward(self, s, x):
        for i, layer in enumerate(self.layers):
            x = layer(s, x)
            if i + 1 < len(self.layers):
                x = self.activation(x)
        return x


class Concat(nn.Module):
    """The side inputs before or after the others."""

    def __init__(self, inputs, outputs, side, first):
        super().__init__()
        self._layer = nn.Linear(side + inputs, outputs)
        self.first = first

    def forward(self, s, x):
        return self._layer(torch.cat([s, x] if self.first else [x, s], 1))


class ConcatSquash(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self._layer = nn.Linear(inputs, outputs)
        self._hyper_bias = nn.Linear(1, outputs, bias=False)
        self._hyper_gate = nn.Linear(1, outputs)

    def forward(self, s, x):
        return self._layer(x) * torch.sigmoid(self._hyper_gate(s)) + self._hyper_bias(s)


class Once(nn.Module):
    """A plain nn.Sequential that sees the time once, after the other inputs."""

    def __init__(self, *modules):
        super().__init__()
        self.net = nn.Sequential(nn.Identity(), *modules)  # counts as the module that appends the time

    def forward(self, s, x):
        return self.net(torch.cat([x, s], 1))


class Autonomous(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, s, x):
        return self.net(x)


class ResidualNetwork(nn.Module):
    def __init__(self, d, m, layers):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(d + 1, m)] + [nn.Linear(m, m) for _ in range(layers - 1)])

    def forward(self, q):
        sigma = lambda a: torch.logaddexp(a, -a)  # log(e^a + e^-a)
        u = sigma(self.layers[0](q))
        for layer in self.layers[1:]:
            u = u + sigma(layer(u)) / (len(self.layers) - 1)
        return u


class Phi(nn.Module):
    """OT-Flow's potential. The field is minus its gradient in space, here by autograd."""

    def __init__(self, d, m, layers, rank):
        super().__init__()
        self.A = nn.Parameter(torch.empty(rank, d + 1).uniform_(-1, 1))
        self.c = nn.Linear(d + 1, 1)
        self.w = nn.Linear(m, 1, bias=False)
        self.N = ResidualNetwork(d, m, layers)

    def potential(self, s, x):
        q = torch.cat([x, s], 1)
        return self.w(self.N(q)) + 0.5 * (q @ self.A.T).pow(2).sum(1, keepdim=True) + self.c(q)

    def forward(self, s, x):
        return -torch.autograd.grad(self.potential(s, x).sum(), x, create_graph=True)[0]


class Diffeq(nn.Module):  # where FFJORD keeps its layers: chain.0.odefunc.diffeq.layers.0._layer.weight
    def __init__(self, net):
        super().__init__()
        block = nn.Module()
        block.odefunc = nn.Module()
        block.odefunc.diffeq = net
        block.odefunc.register_buffer("_num_evals", torch.tensor(0.0))
        block.register_parameter("sqrt_end_time", nn.Parameter(torch.tensor(1.0)))
        self.chain = nn.ModuleList([block])

    def forward(self, s, x):
        return self.chain[0].odefunc.diffeq(s, x)


class MovingBatchNorm(nn.Module):
    """FFJORD's MovingBatchNorm1d in evaluation."""

    def __init__(self, d):
        super().__init__()
        self.weight, self.bias = nn.Parameter(0.3 * torch.randn(d)), nn.Parameter(torch.randn(d))
        self.register_buffer("running_mean", torch.randn(d))
        self.register_buffer("running_var", 0.5 + torch.rand(d))
        self.register_buffer("step", torch.zeros(1))

    def forward(self, x):
        log_scale = self.weight - 0.5 * torch.log(self.running_var + 1e-4)
        return (x - self.running_mean) * torch.exp(log_scale) + self.bias, log_scale.sum()


class Stacked(nn.Module):
    """FFJORD's SequentialFlow: a normalisation, and then blocks of a field and a normalisation each."""

    def __init__(self, d, fields):
        super().__init__()
        chain = [MovingBatchNorm(d)]
        for field in fields:
            chain += [Diffeq(field).chain[0], MovingBatchNorm(d)]
        self.chain = nn.ModuleList(chain)

    def flow(self, z):
        change = torch.zeros_like(z[:, 0])
        for i, link in enumerate(self.chain):
            if i % 2 == 0:
                z, log_det = link(z)
                change = change + log_det
            else:
                z, log_det = solve(link.odefunc.diffeq, z[:, :0], z)
                change = change + log_det
        return z.detach(), (change + log_normal(z)).detach()


def field_and_trace(module, s, z):
    z = z.detach().requires_grad_(True)
    f = module(s, z)
    rows = [torch.autograd.grad(f[:, i].sum(), z, retain_graph=True)[0][:, i] for i in range(z.shape[1])]
    return f.detach(), sum(rows)


def log_normal(z):
    return -0.5 * z.pow(2).sum(1) - 0.5 * z.shape[1] * math.log(2 * math.pi)


def solve(module, context, z):
    """End points and the integral of the trace; the time is the first side input, context follows."""

    def rates(t, z):
        return field_and_trace(module, torch.cat([torch.full_like(z[:, :1], t), context], 1), z)

    h, change = 1.0 / STEPS, torch.zeros_like(z[:, 0])
    for step in range(STEPS):
        t = step * h
        k1, l1 = rates(t, z)
        k2, l2 = rates(t + h / 2, z + h / 2 * k1)
        k3, l3 = rates(t + h / 2, z + h / 2 * k2)
        k4, l4 = rates(t + h, z + h * k3)
        z = z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        change = change + h / 6 * (l1 + 2 * l2 + 2 * l3 + l4)
    return z, change


def write(name, module, dim, context=0, double=False, metadata={}):
    folder = pathlib.Path(__file__).parent
    module = module.double() if double else module.float()
    save_file(module.state_dict(), folder / f"{name}.safetensors")
    module = module.double()  # of the same numbers
    z = torch.randn(SAMPLES, dim, dtype=torch.double)
    s = torch.cat([torch.rand(SAMPLES, 1, dtype=torch.double), torch.randn(SAMPLES, context, dtype=torch.double)], 1)
    f, trace = field_and_trace(module, s, z)
    z1, change = solve(module, s[:, 1:], z)
    outputs = {"z": z, "s": s, "f": f, "trace": trace, "z1": z1, "log_prob": change + log_normal(z1)}
    save_file(outputs, folder / f"{name}.outputs.safetensors", metadata)


def write_stacked(name, module, dim, metadata):
    """Of several blocks the end points and log-densities alone."""
    folder = pathlib.Path(__file__).parent
    save_file(module.state_dict(), folder / f"{name}.safetensors")
    z = torch.randn(SAMPLES, dim, dtype=torch.double)
    z1, log_prob = module.double().flow(z)
    save_file({"z": z, "z1": z1, "log_prob": log_prob}, folder / f"{name}.outputs.safetensors", metadata)


def main():
    torch.manual_seed(16)
    tanh = nn.Tanh
    write(
        "sequential",
        Autonomous(nn.Sequential(nn.Linear(2, 8), tanh(), nn.Linear(8, 8), tanh(), nn.Linear(8, 2))),
        2,
        metadata={"module": "linear", "prefix": "net.", "time": "none", "activation": "tanh"},
    )
    # Numbers of two digits: 11 comes after 9.
    deep = [nn.Linear(4, 5), nn.SiLU()]
    for _ in range(4):
        deep += [nn.Linear(5, 5), nn.SiLU()]
    write(
        "time_once",
        Once(*deep, nn.Linear(5, 3)),
        3,
        metadata={"module": "linear", "prefix": "net.", "time": "last_column_once", "activation": "silu"},
    )
    widths = [2, 8, 6, 2]
    write(
        "concat",
        Diffeq(Stack([Concat(i, o, 1, True) for i, o in zip(widths, widths[1:])], "softplus")),
        2,
        metadata={
            "module": "linear",
            "prefix": "chain.0.odefunc.diffeq.",
            "time": "first_column",
            "activation": "softplus",
        },
    )
    write(
        "concat_context",
        Stack([Concat(i, o, 3, False) for i, o in zip(widths, widths[1:])], "tanh"),
        2,
        context=2,
        double=True,
        metadata={"module": "linear", "prefix": "", "time": "last_column", "activation": "tanh"},
    )
    write(
        "concat_squash",
        Diffeq(Stack([ConcatSquash(i, o) for i, o in zip(widths, widths[1:])], "tanh")),
        2,
        metadata={"module": "concat_squash", "prefix": "chain.0.odefunc.diffeq.", "activation": "tanh"},
    )
    write("ot_flow", Phi(2, 8, 3, 3), 2, metadata={"module": "potential", "prefix": ""})
    write("ot_flow_rank", Phi(3, 6, 2, 2), 3, metadata={"module": "potential", "prefix": ""})
    fields = [Stack([ConcatSquash(2, 6), ConcatSquash(6, 2)], "tanh") for _ in range(2)]
    write_stacked("stacked", Stacked(2, fields), 2, {"module": "stacked", "prefix": "", "activation": "tanh"})


if __name__ == "__main__":
    main()
