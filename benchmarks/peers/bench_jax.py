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


def train(name, variant, n, parameters, loss_of):
    """Times forward solve, loss, gradient and Adam; so small a rate leaves the weights where they are.

    loss_of(parameters, counting)."""
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
    forward = evaluations_of(lambda p: loss_of(p, True), parameters)
    both = evaluations_of(jax.value_and_grad(lambda p: loss_of(p, True)), parameters)

    def run():
        state[0], state[1], value, _ = step(*state)
        value.block_until_ready()

    timing = common.measure(run, args.seconds) if args.seconds else {}
    common.report(name, FRAMEWORK, variant, n, timing, forward, both - forward, float(loss), norm,
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


common.run(args, ffjord, node_fwd, node_train)
