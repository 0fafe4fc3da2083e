"""Masked and coupling flows of zuko on the sets of `papers tabular`, for the table in docs/papers.md.

    examples/run papers tabular --export SETS
    VENV/bin/pip install torch zuko numpy
    VENV/bin/python benchmarks/peers/tabular_flows.py SETS                         # MAF: seconds a set
    VENV/bin/python benchmarks/peers/tabular_flows.py SETS --flow "coupling NSF"   # longer

Each set is a folder with train, validation, test, log_det and, where the density is known, log_prob, in which a row is a
sample. Prints a line a set and seed: negative log-likelihood of the test rows in nats, in the units of the table,
or divergence from the known density; by the weights of greatest validation likelihood. Times are of the processor."""
import argparse
import pathlib
import time

import numpy as np
import torch
import zuko

FLOWS = {
    "MAF": lambda d, width: zuko.flows.MAF(d, transforms=5, hidden_features=(width, width)),
    "coupling NSF": lambda d, width: zuko.flows.NSF(d, transforms=5, passes=2, hidden_features=(width, width)),
}


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
    folders = sorted(folder for folder in options.sets.iterdir() if options.only in folder.name)
    if not folders:
        parser.error(f"no set in {options.sets}")
    for folder in folders:
        read = lambda name: np.load(folder / f"{name}.npy")
        train_rows, validation_rows, test_rows = (
            torch.from_numpy(read(name)).float() for name in ("train", "validation", "test")
        )
        truth = read("log_prob").ravel() if (folder / "log_prob.npy").exists() else 0.0
        torch.manual_seed(int(folder.name.rsplit("seed", 1)[1]))
        flow = FLOWS[options.flow](train_rows.shape[1], options.width)
        seconds = train(flow, train_rows, validation_rows, options)
        score = truth - (log_prob(flow, test_rows) + read("log_det").ravel())
        count = sum(parameter.numel() for parameter in flow.parameters())
        print(
            f"{folder.name}  {options.flow}  {'KL' if np.ndim(truth) else 'NLL'} {score.mean():.4f} ± "
            f"{score.std(ddof=1) / np.sqrt(len(score)):.4f} nats, {count} weights, {seconds:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
