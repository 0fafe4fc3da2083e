"""Masked and coupling flows of zuko on the sets of `papers tabular`, for the table in docs/papers.md.

    examples/run papers tabular --export SETS
    VENV/bin/pip install torch zuko==1.6.0 numpy
    VENV/bin/python benchmarks/peers/tabular_flows.py SETS                         # MAF: seconds a set and seed
    VENV/bin/python benchmarks/peers/tabular_flows.py SETS --flow "Real NVP"       # affine couplings
    VENV/bin/python benchmarks/peers/tabular_flows.py SETS --flow "coupling NSF"   # couplings by splines: a minute

Each set is a folder NAME-seedN with train, validation, test, log_det and, where the density is known, log_prob, in
which a row is a sample. Prints a line a set and seed, and mean and range over the seeds of a set: negative
log-likelihood of the test rows in nats, in the units of the table, or divergence from the known density; by the
weights of greatest validation likelihood. Weights that a mask sets to 0 do not count. Times are of the processor."""
import argparse
import collections
import pathlib
import re
import time

import numpy as np
import torch
import zuko

FLOWS = {
    "MAF": lambda d, width: zuko.flows.MAF(d, transforms=5, hidden_features=(width, width)),
    "Real NVP": lambda d, width: zuko.flows.RealNVP(d, transforms=10, hidden_features=(width, width)),
    "coupling NSF": lambda d, width: zuko.flows.NSF(d, transforms=5, passes=2, hidden_features=(width, width)),
}


def free_weights(flow):
    """A masked layer has a buffer `mask` as large as its weights: where that is 0, what was learned does nothing."""
    count = sum(parameter.numel() for parameter in flow.parameters())
    for module in flow.modules():
        if isinstance(module, zuko.nn.MaskedLinear):
            count -= int((~module.mask.bool()).sum())
    return count


def spread(values, form):
    text = format(np.mean(values), form)
    return text if len(values) == 1 else f"{text} ({min(values):{form}} to {max(values):{form}})"


def log_prob(flow, rows):
    with torch.no_grad():
        return torch.cat([flow().log_prob(part) for part in rows.split(1000)]).double().numpy()


def train(flow, train_rows, validation_rows, options):
    """Adam with a cosine, as pathline's flows are trained; the best weights, and the seconds of training."""
    optimizer = torch.optim.Adam(flow.parameters(), lr=options.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.iterations)
    best, weights, seconds = -np.inf, None, 0.0
    for iteration in range(options.iterations):
        start = time.process_time()
        rows = train_rows[torch.randint(len(train_rows), (options.batch,))]
        loss = -flow().log_prob(rows).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(flow.parameters(), 20)
        optimizer.step()
        schedule.step()
        seconds += time.process_time() - start
        if (iteration + 1) % 100 == 0 or iteration + 1 == options.iterations:
            judged = log_prob(flow, validation_rows).mean()
            if judged > best:
                best, weights = judged, {name: value.clone() for name, value in flow.state_dict().items()}
    if weights is None:
        raise RuntimeError("no validation likelihood was a number: lower --learning-rate")
    flow.load_state_dict(weights)
    return seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", type=pathlib.Path)
    parser.add_argument("--only", default="", help="part of the names of the sets")
    parser.add_argument("--flow", choices=FLOWS, default="MAF")
    parser.add_argument("--iterations", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.sets.is_dir():
        parser.error(f"no folder {options.sets}: `examples/run papers tabular --export {options.sets}` makes it")
    folders = sorted(
        folder
        for folder in options.sets.iterdir()
        if re.fullmatch(r".+-seed\d+", folder.name) and options.only in folder.name
    )
    if not folders:
        parser.error(f"no folder NAME-seedN in {options.sets}: `examples/run papers tabular --export` makes them")
    scores, seconds_of, kinds = collections.defaultdict(list), collections.defaultdict(list), {}
    for folder in folders:
        name, seed = folder.name.rsplit("-seed", 1)
        read = lambda file: np.load(folder / f"{file}.npy")
        train_rows, validation_rows, test_rows = (
            torch.from_numpy(read(file)).float() for file in ("train", "validation", "test")
        )
        truth = read("log_prob").ravel() if (folder / "log_prob.npy").exists() else 0.0
        torch.manual_seed(int(seed))
        flow = FLOWS[options.flow](train_rows.shape[1], options.width)
        seconds = train(flow, train_rows, validation_rows, options)
        score = truth - (log_prob(flow, test_rows) + read("log_det").ravel())
        scores[name].append(score.mean())
        seconds_of[name].append(seconds)
        kinds[name] = "KL" if np.ndim(truth) else "NLL"
        print(
            f"{folder.name}  {options.flow}  {kinds[name]} {score.mean():.4f} ± "
            f"{score.std(ddof=1) / np.sqrt(len(score)):.4f} nats, {free_weights(flow)} weights, {seconds:.1f} s",
            flush=True,
        )
    for name, of_seeds in scores.items():
        print(
            f"{name}  {options.flow}  {options.iterations} iterations  {kinds[name]} {spread(of_seeds, '.3f')} nats, "
            f"{spread(seconds_of[name], '.1f')} s"
        )


if __name__ == "__main__":
    main()
