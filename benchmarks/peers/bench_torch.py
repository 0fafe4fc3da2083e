"""The workloads of README.md in PyTorch, solved by torchdiffeq. One thread:

    OMP_NUM_THREADS=1 taskset -c 0 python3 bench_torch.py --only ffjord_toy
"""

import argparse
import math

import numpy as np
import torch
from torch import nn
from torch.nn.functional import pad
from torchdiffeq import odeint, odeint_adjoint

import common

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--threads", type=int, default=1)
args = common.arguments(parser)
torch.set_num_threads(args.threads)
DTYPE = torch.float64 if args.f64 else torch.float32
torch.set_default_dtype(DTYPE)
FRAMEWORK = "torchdiffeq, torch %s" % torch.__version__.split("+")[0]


def tensor(a):
    return torch.tensor(np.ascontiguousarray(a), dtype=DTYPE)


class Mlp(nn.Module):
    """tanh between the layers; with time_input every layer sees [t; y]. Counts its evaluations."""

    def __init__(self, name, time_input, gain=1.0):
        super().__init__()
        self.time_input, self.evaluations = time_input, 0
        self.layers = nn.ModuleList()
        for w in common.mlp_weights(common.sizes_of(name), time_input, gain):
            layer = nn.Linear(w.shape[1], w.shape[0])
            with torch.no_grad():
                layer.weight.copy_(tensor(w))
                layer.bias.zero_()
            self.layers.append(layer)

    def forward(self, t, y):
        self.evaluations += 1
        for i, layer in enumerate(self.layers):
            if self.time_input:
                y = torch.cat((torch.ones_like(y[:, :1]) * t, y), 1)
            y = layer(y)
            if i + 1 < len(self.layers):
                y = torch.tanh(y)
        return y


class Flow(nn.Module):
    """d/dt [z, l] = [f, tr df/dz], the trace by d products as in FFJORD's divergence_bf."""

    def __init__(self, field):
        super().__init__()
        self.field = field

    def forward(self, t, state):
        with torch.enable_grad():
            z = state[:, :2] if state.requires_grad else state[:, :2].requires_grad_(True)
            dz = self.field(t, z)
            trace = sum(torch.autograd.grad(dz[:, i].sum(), z, create_graph=True)[0][:, i] for i in range(2))
            return torch.cat((dz, trace.unsqueeze(1)), 1)


class Potential(nn.Module):
    """OT-Flow's potential with one residual layer: gradient in (z, t) and the trace of its Hessian in z, in closed form
    (docs/maths.md, section 10)."""

    def __init__(self, d, m):
        super().__init__()
        self.d, self.evaluations = d, 0
        self.K0, self.K1, self.A = (nn.Parameter(tensor(w)) for w in common.potential_weights(d, m))
        self.w, self.b = nn.Parameter(torch.ones(m)), nn.Parameter(torch.zeros(d + 1))
        self.b0, self.b1 = nn.Parameter(torch.zeros(m)), nn.Parameter(torch.zeros(m))

    def forward(self, t, z):
        self.evaluations += 1
        q = torch.cat((z, torch.full_like(z[:, :1], t)), 1)
        a0 = q @ self.K0.T + self.b0
        tanh0, u0 = torch.tanh(a0), a0.abs() + torch.log1p(torch.exp(-2 * a0.abs()))
        tanh1 = torch.tanh(u0 @ self.K1.T + self.b1)
        z1 = self.w + (tanh1 * self.w) @ self.K1
        gradient = (tanh0 * z1) @ self.K0 + (q @ self.A.T) @ self.A + self.b
        E = self.K0[:, :self.d]
        P1 = (tanh0.unsqueeze(1) * E.T.unsqueeze(0)) @ self.K1.T  # n x d x m
        trace = (((1 - tanh0 ** 2) * z1) @ (E ** 2).sum(1) + ((1 - tanh1 ** 2) * self.w * (P1 ** 2).sum(1)).sum(1)
                 + (self.A[:, :self.d] ** 2).sum())
        return gradient, trace


class CubeThenMlp(nn.Module):
    def __init__(self, field):
        super().__init__()
        self.field = field

    def forward(self, t, z):
        return self.field(t, z ** 3)


def negative_log_likelihood(state):
    return (0.5 * (state[:, :2] ** 2).sum(1) + math.log(2 * math.pi) - state[:, 2]).mean()


def train(name, variant, n, field, loss_of):
    """Times forward solve, loss, gradient and Adam; so small a rate leaves the weights where they are."""
    parameters = list(field.parameters())
    adam = torch.optim.Adam(parameters, lr=1e-8)
    seen = {}

    def step():
        adam.zero_grad()
        field.evaluations = 0
        loss = loss_of()
        forward = field.evaluations
        loss.backward()
        if not seen:
            norm = math.sqrt(sum(float((p.grad.double() ** 2).sum()) for p in parameters if p.grad is not None))
            seen.update(value=loss.item(), norm=norm, forward=forward, backward=field.evaluations - forward)
        adam.step()

    step()
    timing = common.measure(step, args.seconds) if args.seconds else {}
    common.report(name, FRAMEWORK, variant, n, timing, seen["forward"], seen["backward"], seen["value"], seen["norm"])


def gradient_methods(name, n, make, solve_to_loss, tolerances):
    """make() -> (field for counting, right-hand side); solve_to_loss(odeint-like, right-hand side) -> loss."""
    for variant in ("backprop", "adjoint", "adjoint, seminorm"):
        field, rhs = make()
        if variant == "backprop":
            def solve(*problem): return odeint(*problem, method="dopri5", **tolerances)
        else:
            options = dict(norm="seminorm") if "seminorm" in variant else None
            def solve(*problem): return odeint_adjoint(*problem, method="dopri5", adjoint_options=options, **tolerances)
        train(name, variant, n, field, lambda: solve_to_loss(solve, rhs))


def ffjord(name, n):
    tolerance = args.tolerance or 1e-5
    state, times = pad(tensor(common.inputs(2, n)), (0, 1)), torch.tensor([0.0, 1.0])

    def make():
        field = Mlp(name, True, 4.0 if name == "ffjord_hard" else 1.0)
        return field, Flow(field)

    gradient_methods(name, n, make, lambda solve, rhs: negative_log_likelihood(
        solve(rhs, state.clone().requires_grad_(True), times)[-1]), dict(rtol=tolerance, atol=tolerance))


def otflow(name, n):
    """E + 30 NLL + R by eight steps of the classical Runge-Kutta method."""
    field, x, d, steps = Potential(2, 32), tensor(common.inputs(2, n)), 2, 8

    def rate(t, y):
        gradient, trace = field(t, y[:, :d])
        energy = 0.5 * (gradient[:, :d] ** 2).sum(1)
        return torch.cat((-gradient[:, :d], torch.stack((-trace, energy, (gradient[:, d] - energy).abs()), 1)), 1)

    def loss_of():
        y, h = pad(x, (0, 3)), 1 / steps
        for i in range(steps):
            t = i * h
            k1 = rate(t, y)
            k2 = rate(t + h / 2, y + h / 2 * k1)
            k3 = rate(t + h / 2, y + h / 2 * k2)
            k4 = rate(t + h, y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return y[:, d + 1].mean() + 30 * negative_log_likelihood(y[:, :d + 1]) + y[:, d + 2].mean()

    train(name, "backprop", n, field, loss_of)


def node_train(name, n):
    tolerances = dict(rtol=args.tolerance or 1e-7, atol=args.tolerance or 1e-9)
    z, times = tensor(common.inputs(2, n)), torch.linspace(0, 0.25, 10)

    def make():
        field = Mlp(name, False)
        return field, CubeThenMlp(field)

    gradient_methods(name, n, make, lambda solve, rhs: (solve(rhs, z, times) ** 2).mean(), tolerances)


def node_fwd(name, n):
    tolerance = args.tolerance or 1e-6
    field, z, times = Mlp(name, False), tensor(common.inputs(2, n)), torch.tensor([0.0, 1.0])

    def solve():
        with torch.no_grad():
            return odeint(field, z, times, rtol=tolerance, atol=tolerance, method="dopri5")[-1]

    value = (solve() ** 2).mean().item()
    evaluations = field.evaluations
    timing = common.measure(solve, args.seconds) if args.seconds else {}
    common.report(name, FRAMEWORK, "no gradient", n, timing, evaluations, 0, value)


common.run(args, ffjord, otflow, node_fwd, node_train)
