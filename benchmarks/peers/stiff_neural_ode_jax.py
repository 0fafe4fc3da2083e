"""The training run of examples/stiff_neural_ode in JAX, by diffrax with Kvaerno5. One thread:

    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1" taskset -c 0 \\
      python3 stiff_neural_ode_jax.py --pi --iterations 300
"""

import argparse
import math
import time

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import optax

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--iterations", type=int, default=3000, help="those that are run; the learning rate is that of 3000")
parser.add_argument("--parameters", default="", help="a text file to start from: that of the example's --save")
parser.add_argument("--step-to-outputs", action="store_true", help="end a step at each output, as the example does")
parser.add_argument("--max-steps", type=int, default=4096, help="by which diffrax sizes its checkpoints")
parser.add_argument("--pi", action="store_true", help="a PI controller, as diffrax advises for stiff problems")
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()
jax.config.update("jax_enable_x64", True)

times = jnp.asarray(10.0 ** np.linspace(-5, 5, 50))
start = jnp.array([1.0, 0.0, 0.0])
rates = jnp.array([1e-6, 1e3, 1e-6])
sizes, total, first_rate = (3, 10, 10, 3), 3000, 4e-2


def reaction(t, y, _):
    slow, back, fast = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return jnp.stack((back - slow, slow - back - fast, fast))


def solve(field, parameters, rtol, atol, max_steps, step_to_outputs):
    control = diffrax.PIDController(rtol=rtol, atol=atol, **(dict(pcoeff=0.3, icoeff=0.4) if args.pi else {}))
    if step_to_outputs:
        control = diffrax.ClipStepSizeController(control, step_ts=times)
    solution = diffrax.diffeqsolve(diffrax.ODETerm(field), diffrax.Kvaerno5(), 0.0, 1e5, None, start, parameters,
                                   saveat=diffrax.SaveAt(ts=times), stepsize_controller=control, max_steps=max_steps)
    return solution.ys, solution.stats


def field(t, u, parameters):
    """rate sinh(network(u) - u). Newton's method tries states at which sinh overflows, and diffrax gives up there."""
    z = u
    for i, (w, b) in enumerate(parameters):
        z = w @ z + b
        if i + 1 < len(parameters):
            z = jnp.tanh(z)
    return rates * jnp.sinh(jnp.clip(z - u, -30, 30))


def initial_parameters():
    """Uniform on +-1 / sqrt(inputs), as pathline's; or W (column by column) and b of each layer from a file."""
    rng, result, offset = np.random.default_rng(args.seed), [], 0
    theta = np.loadtxt(args.parameters) if args.parameters else None
    for columns, rows in zip(sizes[:-1], sizes[1:]):
        count = rows * (columns + 1)
        part = rng.uniform(-1, 1, count) / math.sqrt(columns) if theta is None else theta[offset:offset + count]
        offset += count
        result.append((jnp.asarray(part[:rows * columns].reshape((rows, columns), order="F")),
                       jnp.asarray(part[rows * columns:])))
    return result


amounts, _ = solve(reaction, None, 1e-10, 1e-14, 100000, False)
data = amounts / amounts.max(0).at[0].set(1)  # in units of each substance's largest amount
rate = optax.cosine_decay_schedule(first_rate, total, alpha=1 / 400)
optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))


def loss_of(parameters):
    states, stats = solve(field, parameters, 1e-5, 1e-6, args.max_steps, args.step_to_outputs)
    return ((states - data) ** 2).mean(), (jnp.abs(states - data).max(0), stats)


@jax.jit
def iteration(parameters, state):
    (loss, more), gradient = jax.value_and_grad(loss_of, has_aux=True)(parameters)
    updates, state = optimizer.update(gradient, state)
    return optax.apply_updates(parameters, updates), state, loss, more, optax.global_norm(gradient)


parameters = initial_parameters()
state = optimizer.init(parameters)
before = time.perf_counter()
jax.block_until_ready(iteration(parameters, state))
print("compiled in %.1f s by diffrax %s, jax %s" % (time.perf_counter() - before, diffrax.__version__, jax.__version__),
      flush=True)
spent = []
for i in range(args.iterations):
    # Time of the processor where it is less than the clock's: one thread on a machine with other work is interrupted.
    clock, process = time.perf_counter(), time.process_time()
    parameters, state, loss, (worst, stats), norm = jax.block_until_ready(iteration(parameters, state))
    spent.append(1e3 * min(time.perf_counter() - clock, time.process_time() - process))
    if i % 50 == 0 or i + 1 == args.iterations:
        print("%5d  loss %.4e  |gradient| %.4e  %d + %d steps  least of the last 50: %.2f ms"
              % (i, loss, norm, stats["num_accepted_steps"], stats["num_rejected_steps"], min(spent[-50:])), flush=True)
print("largest errors %s of the largest amount; median %.2f ms an iteration, %.1f s in all"
      % (np.asarray(worst).round(5), np.median(spent), sum(spent) / 1e3))
