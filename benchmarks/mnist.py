"""MNIST with `glassnet train`: python benchmarks/mnist.py ../shared/data/mnist, the folder of IDX files as published.

Two networks, each from several seeds. Learning rate, schedule, batch size and epochs were chosen by the accuracy on a
validation tenth of train-*, which also chooses the weights of each run; t10k-* is used here only, for the final score.

`--network noise` trains a third one, in Python, on all of train-*, to the last of 60 epochs: the supervised baseline of
Rasmus et al., Semi-supervised Learning with Ladder Networks (2015), with batch normalisation and Gaussian noise.
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

import numpy as np

from glassnet import BatchNorm, GaussianNoise, NeuralNetwork, OneCycle
from glassnet.cli.stored_model import load_model
from glassnet.data.idx import Samples, read_idx_folder
from glassnet.training.history import Report

COMMON = {"--optimizer": "adam", "--schedule": "one_cycle", "--validation": "0.1"}
NETWORKS = {
    "128": {"--hidden": "128", "--epochs": "10", "--lr": "0.0005", "--batch-size": "64"},
    "512-512": {"--hidden": "512,512", "--dropout": "0.2", "--epochs": "12", "--lr": "0.0003", "--batch-size": "128"},
}
NOISE_WIDTHS, NOISE_EPOCHS = (1000, 500, 250, 250, 250), 60
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


def as_columns(samples: Samples) -> Samples:
    """Images as columns with pixels from 0 to 1, and their labels."""
    images, labels = samples
    return (images.reshape(len(images), -1) / 255).astype(np.float32).T, labels.astype(np.int64)


def train_with_noise(folder: Path, epochs: int) -> None:
    """Train the network with noise on one thread; print the test accuracy after every fifth epoch and the last one."""
    train, test = read_idx_folder(folder)
    assert train and test
    (x, y), (test_x, test_y) = map(as_columns, (train, test))
    layers: list[object] = [len(x), GaussianNoise(0.3)]
    for width in NOISE_WIDTHS:
        layers += [width, BatchNorm(before_activation=True), GaussianNoise(0.3)]
    activations = ["relu"] * len(NOISE_WIDTHS) + ["softmax"]
    network = NeuralNetwork([*layers, 10], activations, "categorical_cross_entropy", seed=1)
    started = time.process_time()

    def score(epoch: Report) -> None:
        if epoch.epoch % 5 == 0 or epoch.epoch == epochs:
            accuracy = (network.predict(test_x).argmax(axis=0) == test_y).mean()
            seconds = time.process_time() - started
            print(f"  epoch {epoch.epoch}  test {accuracy:.2%}  {seconds:.0f} s of processor time", flush=True)

    options = {"optimizer": "adam", "lr": 0.002, "schedule": OneCycle(peak=0.002), "threads": 1, "verbose": 0}
    network.train(x, y, batch_size=100, epochs=epochs, callbacks=[score], **options)


def main() -> None:
    """Run the networks that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    choices = [*NETWORKS, "noise"]
    parser.add_argument("--network", choices=choices, help="one of the networks (default: those of the command)")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=NOISE_EPOCHS, help="of the network with noise")
    options = parser.parse_args()
    if options.network == "noise":
        train_with_noise(options.folder, options.epochs)
        return
    for network in [options.network] if options.network else NETWORKS:
        report(options.folder, network, options.seeds)


if __name__ == "__main__":
    main()
