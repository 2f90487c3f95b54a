"""MNIST by `glassnet train`: python benchmarks/mnist.py ../shared/data/mnist, the folder of IDX files as published.

Two networks, each from several seeds. Rate, schedule, batch size and epochs were chosen by the accuracy on the tenth of
train-* that is held out; the same tenth chooses the weights of a run; t10k-* is only looked at here, at the end.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from glassnet.cli.trained_model import load_model

COMMON = {"--optimizer": "adam", "--schedule": "one_cycle", "--validation": "0.1"}
NETWORKS = {
    "128": {"--hidden": "128", "--epochs": "10", "--lr": "0.0005", "--batch-size": "64"},
    "512-512": {"--hidden": "512,512", "--dropout": "0.2", "--epochs": "12", "--lr": "0.0003", "--batch-size": "128"},
}
COMMAND = [sys.executable, "-c", "from glassnet.cli import main; main()", "train"]


class Result(NamedTuple):
    """What one seed reached: accuracy on the rows held out and on the test set, the epoch kept, and the time."""

    held_out: float
    test: float
    best_epoch: int
    seconds: float
    processor: float


def run(folder: Path, network: str, seed: int) -> Result:
    """One `glassnet train` from start to end, reading the files and writing the model included."""
    words = COMMON | NETWORKS[network] | {"--seed": str(seed)}
    before, started = os.times(), time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        out = str(Path(place) / "model.safetensors")
        flat = [word for pair in words.items() for word in pair]
        subprocess.run([*COMMAND, str(folder), "--out", out, "--quiet", *flat], check=True, stdout=subprocess.DEVNULL)
        found = load_model(out).training
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    accuracies = found["scores"]["accuracy"], found["test scores"]["accuracy"]
    return Result(*accuracies, found["best epoch"], time.perf_counter() - started, used)


def report(folder: Path, network: str, seeds: int) -> None:
    """A line for each seed, then the medians."""
    words = COMMON | NETWORKS[network]
    print(f"784-{network}-10: {' '.join(f'{word} {value}' for word, value in words.items())}")
    results = []
    for seed in range(seeds):
        results.append(found := run(folder, network, seed))
        accuracies = f"held out {found.held_out:.2%}  test {found.test:.2%}"
        times = f"{found.seconds:.1f} s, {found.processor:.1f} s of processor"
        print(f"  seed {seed}  {accuracies}  epoch {found.best_epoch} kept  {times}", flush=True)
    held, test = (statistics.median(getattr(found, name) for found in results) for name in ("held_out", "test"))
    print(f"  median of {seeds}: held out {held:.2%}, test {test:.2%}\n", flush=True)


def main() -> None:
    """Read the words of the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", choices=NETWORKS, help="one of the networks; both if not said")
    parser.add_argument("--seeds", type=int, default=5)
    words = parser.parse_args()
    for network in [words.network] if words.network else NETWORKS:
        report(words.folder, network, words.seeds)


if __name__ == "__main__":
    main()
