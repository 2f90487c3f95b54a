"""MNIST with `glassnet train`: python benchmarks/mnist.py ../shared/data/mnist, the folder of IDX files as published.

Two networks, each from several seeds. Learning rate, schedule, batch size and epochs were chosen by the accuracy on a
validation tenth of train-*, which also chooses the weights of each run; t10k-* is used here only, for the final score.
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
    """The result of one seed: accuracy on the validation and test images, the best epoch, and the time in seconds."""

    validation: float
    test: float
    best_epoch: int
    seconds: float
    processor: float


def run(folder: Path, network: str, seed: int) -> Result:
    """Run one `glassnet train`, including reading the files and writing the model."""
    options = COMMON | NETWORKS[network] | {"--seed": str(seed)}
    before, started = os.times(), time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        out = str(Path(temporary) / "model.safetensors")
        arguments = [text for option in options.items() for text in option]
        subprocess.run(
            [*COMMAND, str(folder), "--out", out, "--quiet", *arguments], check=True, stdout=subprocess.DEVNULL
        )
        training = load_model(out).training
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    accuracies = training["scores"]["accuracy"], training["test scores"]["accuracy"]
    return Result(*accuracies, training["best epoch"], time.perf_counter() - started, used)


def report(folder: Path, network: str, seeds: int) -> None:
    """Print one line per seed, then the medians."""
    options = COMMON | NETWORKS[network]
    print(f"784-{network}-10: {' '.join(f'{option} {value}' for option, value in options.items())}")
    results = []
    for seed in range(seeds):
        results.append(result := run(folder, network, seed))
        accuracies = f"validation {result.validation:.2%}  test {result.test:.2%}"
        times = f"{result.seconds:.1f} s, {result.processor:.1f} s of processor time"
        print(f"  seed {seed}  {accuracies}  best epoch {result.best_epoch}  {times}", flush=True)
    validation, test = (
        statistics.median(getattr(result, name) for result in results) for name in ("validation", "test")
    )
    print(f"  median of {seeds}: validation {validation:.2%}, test {test:.2%}\n", flush=True)


def main() -> None:
    """Run the networks that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", choices=NETWORKS, help="one of the networks (default: both)")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    for network in [options.network] if options.network else NETWORKS:
        report(options.folder, network, options.seeds)


if __name__ == "__main__":
    main()
