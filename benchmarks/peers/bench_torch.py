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
    """sigma between the layers; with time_input every layer sees [t; y]. Counts its evaluations."""

    def __init__(self, name, time_input, gain=1.0, sigma=torch.tanh):
        super().__init__()
        self.time_input, self.sigma, self.evaluations = time_input, sigma, 0
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
                y = self.sigma(y)
        return y


class Flow(nn.Module):
    """d/dt [z, l] = [f, tr df/dz]. The trace by d products one by one, as in FFJORD's divergence_bf, or all at once; or by
    the probe that is given (n x d)."""

    def __init__(self, field, d=2, noise=None, at_once=False):
        super().__init__()
        self.field, self.d, self.noise, self.at_once = field, d, noise, at_once

    def trace(self, z, dz):
        keep = torch.is_grad_enabled() and any(p.requires_grad for p in self.field.parameters())
        if self.noise is not None:
            return (torch.autograd.grad(dz, z, self.noise, create_graph=keep)[0] * self.noise).sum(1)
        if self.at_once:
            rows = torch.eye(self.d).unsqueeze(1).expand(self.d, *z.shape)
            products = torch.autograd.grad(dz, z, rows, create_graph=keep, is_grads_batched=True)[0]
            return torch.einsum("ini->n", products)
        return sum(torch.autograd.grad(dz[:, i].sum(), z, create_graph=keep, retain_graph=True)[0][:, i]
                   for i in range(self.d))

    def forward(self, t, state):
        with torch.enable_grad():
            z = state[:, :self.d] if state.requires_grad else state[:, :self.d].requires_grad_(True)
            dz = self.field(t, z)
            return torch.cat((dz, self.trace(z, dz).unsqueeze(1)), 1)


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


def negative_log_likelihood(state, d=2):
    return (0.5 * (state[:, :d] ** 2).sum(1) + 0.5 * d * math.log(2 * math.pi) - state[:, d]).mean()


def rk4(rate, y, steps):
    """The classical Runge-Kutta method in equal steps from 0 to 1."""
    h = 1 / steps
    for i in range(steps):
        t = i * h
        k1 = rate(t, y)
        k2 = rate(t + h / 2, y + h / 2 * k1)
        k3 = rate(t + h / 2, y + h / 2 * k2)
        k4 = rate(t + h, y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


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
            seen.update(value=loss.item(), norm=norm, forward=forward)
        adam.step()

    step()
    timing = common.measure(step, args.seconds) if args.seconds else {}
    common.report(name, FRAMEWORK, variant, n, timing, seen["forward"], seen["value"], seen["norm"])


def gradient_methods(name, n, make, solve_to_loss, tolerances):
    """make() -> (field for counting, right-hand side); solve_to_loss(odeint-like, right-hand side) -> loss."""
    for variant in ("backprop",) if args.short else ("backprop", "adjoint", "adjoint, seminorm"):
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
    d, m, steps = (2, 32, 8) if name == "otflow_toy" else (32, 256, 8)
    field, x = Potential(d, m), tensor(common.inputs(d, n))

    def rate(t, y):
        gradient, trace = field(t, y[:, :d])
        energy = 0.5 * (gradient[:, :d] ** 2).sum(1)
        return torch.cat((-gradient[:, :d], torch.stack((-trace, energy, (gradient[:, d] - energy).abs()), 1)), 1)

    def loss_of():
        y = rk4(rate, pad(x, (0, 3)), steps)
        return y[:, d + 1].mean() + 30 * negative_log_likelihood(y, d) + y[:, d + 2].mean()

    train(name, "backprop", n, field, loss_of)


def ffjord_wide(name, n):
    """One probe of stated signs, eight steps of the classical Runge-Kutta method."""
    d, steps = 16, 8
    field, x = Mlp(name, True, sigma=nn.functional.softplus), tensor(common.inputs(d, n))
    flow = Flow(field, d, tensor(common.signs(d, n)))
    train(name, "backprop", n, field,
          lambda: negative_log_likelihood(rk4(flow, pad(x, (0, 1)).requires_grad_(True), steps), d))


def solve_without_gradient(name, variant, n, field, rhs, y0, times, tolerance, value_of):
    for p in field.parameters():
        p.requires_grad_(False)

    def solve():
        with torch.no_grad():
            return odeint(rhs, y0, torch.tensor(times), rtol=tolerance, atol=tolerance, method="dopri5")[-1].detach()

    field.evaluations = 0
    value = value_of(solve()).item()
    evaluations = field.evaluations
    timing = common.measure(solve, args.seconds) if args.seconds else {}
    common.report(name, FRAMEWORK, variant, n, timing, evaluations, value)


def log_prob(name, n):
    """The mean log-density of the inputs; the trace exact, or by one probe of stated signs."""
    d = common.sizes_of(name)[0]
    y0 = pad(tensor(common.inputs(d, n)), (0, 1))
    variants = ((("one probe", dict(noise=tensor(common.signs(d, n)))),) if name.endswith("probe") else
                (("exact trace, products one by one", {}), ("exact trace, products at once", dict(at_once=True))))
    for variant, trace in variants:
        field = Mlp(name, True)
        solve_without_gradient(name, variant, n, field, Flow(field, d, **trace), y0, [0.0, 1.0],
                               args.tolerance or 1e-5, lambda y: -negative_log_likelihood(y, d))


def sample(name, n):
    """The inputs, taken as base points, back to data: the mean of all squares."""
    field = Mlp(name, True)
    solve_without_gradient(name, "no gradient", n, field, field, tensor(common.inputs(common.sizes_of(name)[0], n)),
                           [1.0, 0.0], args.tolerance or 1e-5, lambda z: (z ** 2).mean())


def node_train(name, n):
    tolerances = dict(rtol=args.tolerance or 1e-7, atol=args.tolerance or 1e-9)
    z, times = tensor(common.inputs(2, n)), torch.linspace(0, 0.25, 10)

    def make():
        field = Mlp(name, False)
        return field, CubeThenMlp(field)

    gradient_methods(name, n, make, lambda solve, rhs: (solve(rhs, z, times) ** 2).mean(), tolerances)


def node_fwd(name, n):
    field = Mlp(name, False)
    solve_without_gradient(name, "no gradient", n, field, field, tensor(common.inputs(2, n)), [0.0, 1.0],
                           args.tolerance or 1e-6, lambda z: (z ** 2).mean())


common.run(args, {"ffjord": ffjord, "ffjord_wide": ffjord_wide, "otflow": otflow, "inference_log_prob": log_prob,
                  "wide_log_prob": log_prob, "inference_sample": sample, "wide_sample": sample, "node_fwd": node_fwd,
                  "node_train": node_train})
