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
EVALUATIONS = [0]  # counted in a run of its own, which is not timed


def array(a):
    return jnp.asarray(np.ascontiguousarray(a), dtype=DTYPE)


def count_if(counting):
    if counting:
        jax.debug.callback(lambda: EVALUATIONS.__setitem__(0, EVALUATIONS[0] + 1))


def evaluations_of(function, *arguments):
    EVALUATIONS[0] = 0
    jax.block_until_ready(jax.jit(function)(*arguments))
    jax.effects_barrier()
    return EVALUATIONS[0]


def parameters_of(name, time_input, gain=1.0):
    weights = common.mlp_weights(common.sizes_of(name), time_input, gain)
    return [(array(w), jnp.zeros(w.shape[0], DTYPE)) for w in weights]


def mlp(parameters, t, y, time_input):
    """tanh between the layers; with time_input every layer sees [t; y]."""
    for i, (w, b) in enumerate(parameters):
        if time_input:
            y = jnp.concatenate((jnp.full((y.shape[0], 1), t, DTYPE), y), 1)
        y = y @ w.T + b
        if i + 1 < len(parameters):
            y = jnp.tanh(y)
    return y


def train(name, variant, n, parameters, loss_of, evaluations=None):
    """Times forward solve, loss, gradient and Adam; so small a rate leaves the weights where they are.

    loss_of(parameters, counting). evaluations: forward and added by the gradient, where they are known beforehand."""
    adam = optax.adam(1e-8)

    @jax.jit
    def step(parameters, state):
        loss, gradient = jax.value_and_grad(lambda p: loss_of(p, False))(parameters)
        updates, state = adam.update(gradient, state)
        return optax.apply_updates(parameters, updates), state, loss, gradient

    state = [parameters, adam.init(parameters)]
    start = time.perf_counter()
    _, _, loss, gradient = jax.block_until_ready(step(*state))
    first = time.perf_counter() - start
    norm = math.sqrt(sum(float((np.asarray(g, np.float64) ** 2).sum()) for g in jax.tree.leaves(gradient)))
    if evaluations is None:
        forward = evaluations_of(lambda p: loss_of(p, True), parameters)
        both = evaluations_of(jax.value_and_grad(lambda p: loss_of(p, True)), parameters)
        evaluations = forward, both - forward

    def run():
        state[0], state[1], value, _ = step(*state)
        value.block_until_ready()

    timing = common.measure(run, args.seconds) if args.seconds else {}
    common.report(name, FRAMEWORK, variant, n, timing, *evaluations, float(loss), norm,
                  seconds_first_call=round(first, 2))


def gradient_methods(name, n, parameters, loss_by, rtol, atol, max_steps):
    """loss_by(parameters, counting, diffeqsolve's options) -> loss; max_steps: also tried, beside diffrax's 4096."""
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
            train(name, variant, n, parameters, lambda p, counting: loss_by(p, counting, options))
        except Exception as error:  # a solve that fails; the other variants still count
            print("# %s, %s: %s" % (name, variant, str(error).splitlines()[0][:200]), flush=True)


def ffjord(name, n):
    tolerance, hard = args.tolerance or 1e-5, name == "ffjord_hard"
    y0 = jnp.pad(array(common.inputs(2, n)), ((0, 0), (0, 1)))

    def loss_by(parameters, counting, options):
        def rhs(t, y, p):
            """d/dt [z, l] = [f, tr df/dz], the trace by d products."""
            count_if(counting)
            dz, pullback = jax.vjp(lambda z: mlp(p, t, z, True), y[:, :2])
            trace = sum(pullback(jnp.zeros((n, 2), DTYPE).at[:, i].set(1))[0][:, i] for i in range(2))
            return jnp.concatenate((dz, trace[:, None]), 1)

        solution = diffrax.diffeqsolve(diffrax.ODETerm(rhs), diffrax.Dopri5(), 0.0, 1.0, None, y0, parameters, **options)
        y = solution.ys[-1]
        return (0.5 * (y[:, :2] ** 2).sum(1) + math.log(2 * math.pi) - y[:, 2]).mean()

    gradient_methods(name, n, parameters_of(name, True, 4.0 if hard else 1.0), loss_by, tolerance, tolerance,
                     128 if hard else 64)


def otflow(name, n):
    """E + 30 NLL + R by eight steps of the classical Runge-Kutta method, plain JAX; docs/maths.md, section 10."""
    d, m, steps = 2, 32, 8
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

    def loss_of(p, _):
        h = 1 / steps

        def step(y, i):
            t = i * h
            k1 = rate(p, t, y)
            k2 = rate(p, t + h / 2, y + h / 2 * k1)
            k3 = rate(p, t + h / 2, y + h / 2 * k2)
            k4 = rate(p, t + h, y + h * k3)
            return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

        y = jax.lax.scan(step, jnp.pad(x, ((0, 0), (0, 3))), jnp.arange(steps, dtype=DTYPE))[0]
        nll = (0.5 * (y[:, :d] ** 2).sum(1) + 0.5 * d * math.log(2 * math.pi) - y[:, d]).mean()
        return y[:, d + 1].mean() + 30 * nll + y[:, d + 2].mean()

    train(name, "jitted scan", n, parameters, loss_of, (4 * steps, 0))


def node_train(name, n):
    z0, times = array(common.inputs(2, n)), jnp.linspace(0, 0.25, 10, dtype=DTYPE)

    def loss_by(parameters, counting, options):
        def rhs(t, z, p):
            count_if(counting)
            return mlp(p, t, z ** 3, False)

        solution = diffrax.diffeqsolve(diffrax.ODETerm(rhs), diffrax.Dopri5(), 0.0, 0.25, None, z0, parameters,
                                       saveat=diffrax.SaveAt(ts=times), **options)
        return (solution.ys ** 2).mean()

    gradient_methods(name, n, parameters_of(name, False), loss_by, args.tolerance or 1e-7, args.tolerance or 1e-9, 64)


def node_fwd(name, n):
    tolerance = args.tolerance or 1e-6
    parameters, z0 = parameters_of(name, False), array(common.inputs(2, n))

    def solve(z0, parameters, counting=False):
        def rhs(t, z, p):
            count_if(counting)
            return mlp(p, t, z, False)

        return diffrax.diffeqsolve(diffrax.ODETerm(rhs), diffrax.Dopri5(), 0.0, 1.0, None, z0, parameters,
                                   stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance)).ys[-1]

    compiled = jax.jit(solve)
    value = float((compiled(z0, parameters) ** 2).mean())
    evaluations = evaluations_of(lambda z, p: solve(z, p, True), z0, parameters)
    timing = common.measure(lambda: compiled(z0, parameters).block_until_ready(), args.seconds) if args.seconds else {}
    common.report(name, FRAMEWORK, "no gradient", n, timing, evaluations, 0, value)


common.run(args, ffjord, otflow, node_fwd, node_train)
