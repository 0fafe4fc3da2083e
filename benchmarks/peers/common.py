"""Weights, inputs, operation counts and timing, shared by bench_torch.py and bench_jax.py; stated in README.md."""

import json
import time

import numpy as np


WORKLOADS = ("ffjord_toy,ffjord_hard,ffjord_wide_64,ffjord_wide_128,ffjord_wide_256,ffjord_wide_512,ffjord_wide_1024,"
             "otflow_toy,otflow_wide,inference_log_prob,inference_sample,wide_log_prob,wide_log_prob_probe,wide_sample,"
             "node_fwd,node_train")


def sizes_of(name):
    """Rows of the network from input to output; `ffjord_wide_128` is that of width 128."""
    if name.startswith("ffjord_wide_"):
        h = int(name.rsplit("_", 1)[1])
        return [16, h, h, 16]
    for start, sizes in (("ffjord", [2, 64, 64, 64, 2]), ("inference", [2, 64, 64, 64, 2]), ("wide", [32, 256, 256, 32]),
                         ("node_fwd", [2, 64, 64, 2]), ("node_train", [2, 50, 2])):
        if name.startswith(start):
            return sizes
    raise KeyError(name)


def batches_of(name):
    for start, batches in (("ffjord_wide", (1000,)), ("ffjord", (100, 1024)), ("otflow_toy", (4096,)), ("otflow_wide", (1024,)),
                           ("inference", (20000,)), ("wide", (500,)), ("node_fwd", (1, 1024)), ("node_train", (20,))):
        if name.startswith(start):
            return batches
    raise KeyError(name)


def mlp_weights(sizes, time_input, gain=1.0):
    """One matrix a layer, out x (in + 1) with time in column 0, or out x in. Weight k is gain sin(k^2) / sqrt(columns)."""
    matrices, first = [], 1
    for inputs, rows in zip(sizes[:-1], sizes[1:]):
        columns = inputs + (1 if time_input else 0)
        k = np.arange(first, first + rows * columns, dtype=np.int64)
        first += rows * columns
        w = gain * np.sin((k * k).astype(np.float64)) / np.sqrt(columns)
        matrices.append(w.reshape((rows, columns), order="F"))
    return matrices


def potential_weights(d, m):
    """K0 (m x (d + 1), time in the last column), K1 (m x m), A (r x (d + 1)); k runs over them in this order."""
    matrices, first = [], 1
    for rows, columns in ((m, d + 1), (m, m), (min(10, d + 1), d + 1)):
        k = np.arange(first, first + rows * columns, dtype=np.int64)
        first += rows * columns
        scale = np.sqrt(6 / (rows + columns)) if len(matrices) == 2 else 1 / np.sqrt(columns)
        matrices.append((scale * np.sin((k * k).astype(np.float64))).reshape((rows, columns), order="F"))
    return matrices


def inputs(d, n):
    """Input k is 1.5 cos(k^2); n x d, a row per sample, so the same memory as pathline's d x n."""
    k = np.arange(1, d * n + 1, dtype=np.int64)
    return 1.5 * np.cos((k * k).astype(np.float64)).reshape(n, d)


def signs(d, n):
    """Sign k is that of bit 16 of 2654435761 k mod 2^32, a one is positive; n x d."""
    k = np.arange(1, d * n + 1, dtype=np.uint64)
    bit = ((k * np.uint64(2654435761)) % np.uint64(2**32)) >> np.uint64(16) & np.uint64(1)
    return np.where(bit, 1.0, -1.0).reshape(n, d)


def measure(step, seconds):
    """Calls step, which has been called before, for about `seconds`; minimum of the single calls. A call's time is that of
    the clock, or that of the processor where it is less: one thread on a machine with other work to do is interrupted."""
    at_least = 2 if seconds >= 1 else 1
    times, start = [], time.perf_counter()
    while len(times) < at_least or time.perf_counter() - start < seconds:
        process, before = time.process_time(), time.perf_counter()
        step()
        after = time.perf_counter()
        times.append(min(after - before, time.process_time() - process))
    return dict(ms_min=round(1e3 * min(times), 5), iterations=len(times))


def report(name, framework, variant, n, timing, evaluations, value, gradient_norm=None, **more):
    """One line of JSON. Evaluations: calls of the field by the forward solve."""
    row = dict(name=name, framework=framework, variant=variant, n=n, **timing, evaluations=evaluations,
               value=float("%.9g" % value))
    if gradient_norm is not None:
        row["gradient_norm"] = float("%.7g" % gradient_norm)
    print(json.dumps({**row, **more}), flush=True)


def arguments(parser):
    parser.add_argument("--only", default=WORKLOADS, help="workloads, by comma")
    parser.add_argument("--n", default="", help="batch sizes, by comma, instead of all")
    parser.add_argument("--f64", action="store_true", help="double instead of float")
    parser.add_argument("--tolerance", type=float, default=0, help="rtol = atol instead of the workload's own")
    parser.add_argument("--short", action="store_true", help="leave out variants that are slow and never fastest")
    parser.add_argument("--seconds", type=float, default=4, help="time spent on each variant; 0: values only")
    return parser.parse_args()


def run(args, workloads):
    """Calls the workloads that were asked for: workloads has a function(name, n) for each start of a name."""
    wanted = [int(n) for n in args.n.split(",") if n]
    for name in args.only.split(","):
        start = max((s for s in workloads if name.startswith(s)), key=len)
        for n in batches_of(name):
            if not wanted or n in wanted:
                workloads[start](name, n)
