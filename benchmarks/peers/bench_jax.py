"""The workloads of README.md in JAX, solved by diffrax. One thread:

    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1" taskset -c 0 \\
      python3 bench_jax.py --only ffjord_toy
"""

import argparse
import math
import time

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import optax

import common

args = common.arguments(argparse.ArgumentParser(description=__doc__,
                                                formatter_class=argparse.RawDescriptionHelpFormatter))
jax.config.update("jax_enable_x64", args.f64)
DTYPE = jnp.float64 if args.f64 else jnp.float32
FRAMEWORK = "diffrax %s, jax %s" % (diffrax.__version__, jax.__version__)


def array(a):
    return jnp.asarray(np.ascontiguousarray(a), dtype=DTYPE)


def evaluations(solution):
    """Of the forward solve: Dormand-Prince's last stage is the next step's first."""
    return 6 * solution.stats["num_steps"] + 1


def parameters_of(name, time_input, gain=1.0):
    weights = common.mlp_weights(common.sizes_of(name), time_input, gain)
    return [(array(w), jnp.zeros(w.shape[0], DTYPE)) for w in weights]


def mlp(parameters, t, y, time_input, sigma=jnp.tanh):
    """sigma between the layers; with time_input every layer sees [t; y]."""
    for i, (w, b) in enumerate(parameters):
        if time_input:
            y = jnp.concatenate((jnp.full((y.shape[0], 1), t, DTYPE), y), 1)
        y = y @ w.T + b
        if i + 1 < len(parameters):
            y = sigma(y)
    return y


def train(name, variant, n, parameters, loss_of):
    """Times forward solve, loss, gradient and Adam; so small a rate leaves the weights where they are.

    loss_of(parameters) -> loss, evaluations of the forward solve."""
    adam = optax.adam(1e-8)

    @jax.jit
    def step(parameters, state):
        (loss, evaluations), gradient = jax.value_and_grad(loss_of, has_aux=True)(parameters)
        updates, state = adam.update(gradient, state)
        return optax.apply_updates(parameters, updates), state, loss, gradient, evaluations

    state = [parameters, adam.init(parameters)]
    start = time.perf_counter()
    _, _, loss, gradient, evaluations = jax.block_until_ready(step(*state))
    first = time.perf_counter() - start
    norm = math.sqrt(sum(float((np.asarray(g, np.float64) ** 2).sum()) for g in jax.tree.leaves(gradient)))

    def run():
        state[0], state[1], value, *_ = step(*state)
        value.block_until_ready()

    timing = common.measure(run, args.seconds) if args.seconds else {}
    common.report(name, FRAMEWORK, variant, n, timing, int(evaluations), float(loss), norm,
                  seconds_first_call=round(first, 2))


def gradient_methods(name, n, parameters, loss_by, rtol, atol, max_steps):
    """loss_by(parameters, diffeqsolve's options) -> loss, evaluations; max_steps: also tried, beside diffrax's 4096."""
    control = diffrax.PIDController(rtol=rtol, atol=atol)  # its default is an I controller
    seminorm = diffrax.PIDController(rtol=rtol, atol=atol, norm=diffrax.adjoint_rms_seminorm)

    def backsolve(c):
        return diffrax.BacksolveAdjoint(solver=diffrax.Dopri5(), stepsize_controller=c)

    checkpointed = diffrax.RecursiveCheckpointAdjoint()
    for variant, adjoint, steps in (("RecursiveCheckpointAdjoint", checkpointed, 4096),
                                    ("RecursiveCheckpointAdjoint, max_steps %d" % max_steps, checkpointed, max_steps),
                                    ("BacksolveAdjoint", backsolve(control), 4096),
                                    ("BacksolveAdjoint, seminorm", backsolve(seminorm), 4096)):
        if steps != 4096 and args.tolerance:
            continue  # chosen for the workload's own tolerance
        options = dict(stepsize_controller=control, adjoint=adjoint, max_steps=steps)
        try:
            train(name, variant, n, parameters, lambda p: loss_by(p, options))
        except Exception as error:  # a solve that fails; the other variants still count
            print("# %s, %s: %s" % (name, variant, str(error).splitlines()[0][:200]), flush=True)


def ffjord(name, n):
    tolerance, hard = args.tolerance or 1e-5, name == "ffjord_hard"
    y0 = jnp.pad(array(common.inputs(2, n)), ((0, 0), (0, 1)))

    def loss_by(parameters, options):
        def rhs(t, y, p):
            """d/dt [z, l] = [f, tr df/dz], the trace by d products."""
            dz, pullback = jax.vjp(lambda z: mlp(p, t, z, True), y[:, :2])
            trace = sum(pullback(jnp.zeros((n, 2), DTYPE).at[:, i].set(1))[0][:, i] for i in range(2))
            return jnp.concatenate((dz, trace[:, None]), 1)

        solution = diffrax.diffeqsolve(diffrax.ODETerm(rhs), diffrax.Dopri5(), 0.0, 1.0, None, y0, parameters, **options)
        y = solution.ys[-1]
        return negative_log_likelihood(y, 2), evaluations(solution)

    gradient_methods(name, n, parameters_of(name, True, 4.0 if hard else 1.0), loss_by, tolerance, tolerance,
                     128 if hard else 64)


def rk4(rate, y, steps, remake):
    """The classical Runge-Kutta method in equal steps from 0 to 1; remake: each step again on the way back."""
    h = 1 / steps

    def step(y, i):
        t = i * h
        k1 = rate(t, y)
        k2 = rate(t + h / 2, y + h / 2 * k1)
        k3 = rate(t + h / 2, y + h / 2 * k2)
        k4 = rate(t + h, y + h * k3)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

    return jax.lax.scan(jax.checkpoint(step) if remake else step, y, jnp.arange(steps, dtype=DTYPE))[0]


def negative_log_likelihood(y, d):
    return (0.5 * (y[:, :d] ** 2).sum(1) + 0.5 * d * math.log(2 * math.pi) - y[:, d]).mean()


def ffjord_wide(name, n):
    """One probe of stated signs, eight steps of the classical Runge-Kutta method."""
    d, steps = 16, 8
    y0, noise = jnp.pad(array(common.inputs(d, n)), ((0, 0), (0, 1))), array(common.signs(d, n))

    def loss_by(remake):
        def loss_of(p):
            def rate(t, y):
                dz, pullback = jax.vjp(lambda z: mlp(p, t, z, True, jax.nn.softplus), y[:, :d])
                return jnp.concatenate((dz, (pullback(noise)[0] * noise).sum(1, keepdims=True)), 1)

            return negative_log_likelihood(rk4(rate, y0, steps, remake), d), 4 * steps

        return loss_of

    scans(name, n, parameters_of(name, True), loss_by, True)


def scans(name, n, parameters, loss_by, remade_is_faster):
    """loss_by(remake) -> loss_of. What has never been faster is left out in short."""
    for variant, remake in (("jitted scan", False), ("jitted scan, steps remade", True)):
        if remake == remade_is_faster or not args.short:
            train(name, variant, n, parameters, loss_by(remake))


def otflow(name, n):
    """E + 30 NLL + R by eight steps of the classical Runge-Kutta method, plain JAX; docs/maths.md, section 10."""
    d, m, steps = (2, 32, 8) if name == "otflow_toy" else (32, 256, 8)
    K0, K1, A = map(array, common.potential_weights(d, m))
    parameters = dict(K0=K0, K1=K1, A=A, w=jnp.ones(m, DTYPE), b0=jnp.zeros(m, DTYPE), b1=jnp.zeros(m, DTYPE),
                      b=jnp.zeros(d + 1, DTYPE))
    x = array(common.inputs(d, n))

    def rate(p, t, y):
        q = jnp.concatenate((y[:, :d], jnp.full((n, 1), t, DTYPE)), 1)
        a0 = q @ p["K0"].T + p["b0"]
        tanh0, u0 = jnp.tanh(a0), jnp.abs(a0) + jnp.log1p(jnp.exp(-2 * jnp.abs(a0)))
        tanh1 = jnp.tanh(u0 @ p["K1"].T + p["b1"])
        z1 = p["w"] + (tanh1 * p["w"]) @ p["K1"]
        gradient = (tanh0 * z1) @ p["K0"] + (q @ p["A"].T) @ p["A"] + p["b"]
        E = p["K0"][:, :d]
        P1 = (tanh0[:, None, :] * E.T[None]) @ p["K1"].T  # n x d x m
        trace = (((1 - tanh0 ** 2) * z1) @ (E ** 2).sum(1) + ((1 - tanh1 ** 2) * p["w"] * (P1 ** 2).sum(1)).sum(1)
                 + (p["A"][:, :d] ** 2).sum())
        energy = 0.5 * (gradient[:, :d] ** 2).sum(1)
        return jnp.concatenate((-gradient[:, :d], jnp.stack((-trace, energy, jnp.abs(gradient[:, d] - energy)), 1)), 1)

    def loss_by(remake):
        def loss_of(p):
            y = rk4(lambda t, y: rate(p, t, y), jnp.pad(x, ((0, 0), (0, 3))), steps, remake)
            return y[:, d + 1].mean() + 30 * negative_log_likelihood(y, d) + y[:, d + 2].mean(), 4 * steps

        return loss_of

    scans(name, n, parameters, loss_by, name == "otflow_wide")


def solve_without_gradient(name, variant, n, rhs, y0, t0, t1, tolerance, value_of, time_input=True):
    """rhs(t, y, parameters). Reports value_of(y at t1)."""
    parameters = parameters_of(name, time_input)
    control = diffrax.PIDController(rtol=tolerance, atol=tolerance)

    @jax.jit
    def solve(y0, p):
        solution = diffrax.diffeqsolve(diffrax.ODETerm(rhs), diffrax.Dopri5(), t0, t1, None, y0, p,
                                       stepsize_controller=control)
        return solution.ys[-1], evaluations(solution)

    y, count = solve(y0, parameters)
    timing = common.measure(lambda: jax.block_until_ready(solve(y0, parameters)), args.seconds) if args.seconds else {}
    common.report(name, FRAMEWORK, variant, n, timing, int(count), float(value_of(y)))


def log_prob(name, n):
    """The mean log-density of the inputs; the trace exact, or by one probe of stated signs."""
    d = common.sizes_of(name)[0]
    y0, noise = jnp.pad(array(common.inputs(d, n)), ((0, 0), (0, 1))), array(common.signs(d, n))

    def one_by_one(pullback):
        return sum(pullback(jnp.zeros((n, d), DTYPE).at[:, i].set(1))[0][:, i] for i in range(d))

    def at_once(pullback):
        rows = jnp.broadcast_to(jnp.eye(d, dtype=DTYPE)[:, None, :], (d, n, d))
        return jnp.einsum("ini->n", jax.vmap(pullback)(rows)[0])

    def by_probe(pullback):
        return (pullback(noise)[0] * noise).sum(1)

    traces = ((("one probe", by_probe),) if name.endswith("probe")
              else (("exact trace, products one by one", one_by_one), ("exact trace, products at once", at_once)))
    for variant, trace in traces:
        def rhs(t, y, p):
            dz, pullback = jax.vjp(lambda z: mlp(p, t, z, True), y[:, :d])
            return jnp.concatenate((dz, trace(pullback)[:, None]), 1)

        solve_without_gradient(name, variant, n, rhs, y0, 0.0, 1.0, args.tolerance or 1e-5,
                               lambda y: -negative_log_likelihood(y, d))


def sample(name, n):
    """The inputs, taken as base points, back to data: the mean of all squares."""
    def rhs(t, z, p):
        return mlp(p, t, z, True)

    z0 = array(common.inputs(common.sizes_of(name)[0], n))
    solve_without_gradient(name, "no gradient", n, rhs, z0, 1.0, 0.0, args.tolerance or 1e-5, lambda z: (z ** 2).mean())


def node_train(name, n):
    z0, times = array(common.inputs(2, n)), jnp.linspace(0, 0.25, 10, dtype=DTYPE)

    def loss_by(parameters, options):
        def rhs(t, z, p):
            return mlp(p, t, z ** 3, False)

        solution = diffrax.diffeqsolve(diffrax.ODETerm(rhs), diffrax.Dopri5(), 0.0, 0.25, None, z0, parameters,
                                       saveat=diffrax.SaveAt(ts=times), **options)
        return (solution.ys ** 2).mean(), evaluations(solution)

    gradient_methods(name, n, parameters_of(name, False), loss_by, args.tolerance or 1e-7, args.tolerance or 1e-9, 64)


def node_fwd(name, n):
    def rhs(t, z, p):
        return mlp(p, t, z, False)

    solve_without_gradient(name, "no gradient", n, rhs, array(common.inputs(2, n)), 0.0, 1.0, args.tolerance or 1e-6,
                           lambda z: (z ** 2).mean(), False)


common.run(args, {"ffjord": ffjord, "ffjord_wide": ffjord_wide, "otflow": otflow, "inference_log_prob": log_prob,
                  "wide_log_prob": log_prob, "inference_sample": sample, "wide_sample": sample, "node_fwd": node_fwd,
                  "node_train": node_train})
