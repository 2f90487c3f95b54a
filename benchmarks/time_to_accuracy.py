"""Seconds to 98.0 % accuracy on MNIST's test images, 784-128-10, one thread: glassnet and the usual PyTorch loops.

Each contestant trains epoch by epoch until the test images reach the goal, with Adam and one cycle of the learning
rate. Each has the settings with which all of three seeds reach it soonest, from a grid: batches of 32, 64 or 128, rates
of 0.003, 0.006 or 0.01, 3 to 7 epochs. The median of the seeds counts. `python -m benchmarks.time_to_accuracy NAME`
measures one contestant.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.processes import OPENBLAS_OVERRIDES
from benchmarks.workloads import Array

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "mnist"
GOAL, SEEDS = 0.98, 3
Data = tuple[Array, Array, Array, Array]
Stop = Callable[[float], bool]


class Settings(NamedTuple):
    """The settings of a contestant: batch size, the peak of the learning rate, and the epochs of its cycle."""

    batch: int
    rate: float
    epochs: int


OURS, THEIRS = Settings(128, 0.01, 4), Settings(64, 0.006, 5)


def load() -> Data:
    """Load the training and test images, (samples, 784) float32 from 0 to 1, and their class numbers."""
    from glassnet.data.idx import read_idx

    x, y, test_x, test_y = (
        read_idx(FOLDER / f"{half}-{what}.gz")
        for half in ("train", "t10k")
        for what in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    x, test_x = (images.reshape(len(images), -1).astype(np.float32) / np.float32(255) for images in (x, test_x))
    return x, y.astype(np.int64), test_x, test_y.astype(np.int64)


def glassnet(data: Data, seed: int) -> Callable[[Stop], None]:
    """One training; a callback scores the test images after each epoch and may end the training."""
    from glassnet import NeuralNetwork, OneCycle

    x, y, test_x, test_y = data
    net = NeuralNetwork([784, 128, 10], ["relu", "softmax"], cost="categorical_cross_entropy", seed=seed)

    def run(stop: Stop) -> None:
        net.train(
            x.T,
            y,
            batch_size=OURS.batch,
            epochs=OURS.epochs,
            lr=OURS.rate / 25,
            optimizer="adam",
            schedule=OneCycle(peak=OURS.rate),
            threads=1,
            verbose=0,
            callbacks=[lambda _: stop(float(np.mean(net.predict(test_x.T).argmax(0) == test_y)))],
        )

    return run


def pytorch(data: Data, seed: int, use_loader: bool = False) -> Callable[[Stop], None]:
    """Eager mode, fused Adam; batches from indexed copies or from a DataLoader."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y, test_x, test_y = (torch.from_numpy(array) for array in data)
    model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=THEIRS.rate, fused=True)
    steps = THEIRS.epochs * -(-len(x) // THEIRS.batch)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, THEIRS.rate, steps)  # starts at a 25th of it, as glassnet's
    loader: Any = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, y), batch_size=THEIRS.batch, shuffle=True
    )

    def indexed() -> Any:
        return ((x[indices], y[indices]) for indices in torch.randperm(len(x)).split(THEIRS.batch))

    def run(stop: Stop) -> None:
        for _ in range(THEIRS.epochs):
            for batch, classes in loader if use_loader else indexed():
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(batch), classes).backward()
                optimizer.step()
                cycle.step()
            with torch.inference_mode():
                accuracy = float((model(test_x).argmax(1) == test_y).float().mean())
            if stop(accuracy):
                return

    return run


CONTESTANTS: dict[str, Callable[..., Any]] = {
    "glassnet": glassnet,
    "PyTorch, indexed": pytorch,
    "PyTorch, DataLoader": lambda data, seed: pytorch(data, seed, use_loader=True),
}


def race(name: str) -> dict[str, list[float]]:
    """Wall seconds, processor seconds and epochs of each seed, after a short warm-up training."""
    data, results = load(), {"wall": [], "cpu": [], "epochs": []}
    CONTESTANTS[name](tuple(array[:640] for array in data), 99)(lambda _: True)  # imports and compiles
    for seed in range(SEEDS):
        run, scores = CONTESTANTS[name](data, seed), []
        wall, cpu = time.perf_counter(), time.process_time()
        run(lambda accuracy, scores=scores: scores.append(accuracy) or accuracy >= GOAL)
        results["wall"].append(time.perf_counter() - wall)
        results["cpu"].append(time.process_time() - cpu)
        results["epochs"].append(len(scores) if scores[-1] >= GOAL else float("inf"))
    return results


def report() -> str:
    """A Markdown table of medians, or a sentence if MNIST is not there."""
    if not FOLDER.is_dir():
        return f"Skipped: there is no folder {FOLDER.name} of IDX files in ../shared/data."
    lines = ["| | epochs | seconds | processor seconds | times glassnet |", "| --- | --- | --- | --- | --- |"]
    ours = 0.0
    for name in CONTESTANTS:
        print(f"to 98 %: {name}", file=sys.stderr, flush=True)
        medians = {key: statistics.median(values) for key, values in run_process(name).items()}
        ours = ours or medians["cpu"]
        times = f"{medians['wall']:.2f} | {medians['cpu']:.2f} | {medians['cpu'] / ours:.2f}"
        lines.append(f"| {name} | {medians['epochs']:g} | {times} |")
    return "\n".join(lines)


def run_process(name: str) -> dict[str, list[float]]:
    """Run race(name) in a process of its own, pinned to one processor."""
    core = min(os.sched_getaffinity(0))
    environment = {key: value for key, value in os.environ.items() if key not in OPENBLAS_OVERRIDES}
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.time_to_accuracy", name],
        env=environment | {"OMP_NUM_THREADS": "1"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    return json.loads(run.stdout)


if __name__ == "__main__":
    print(json.dumps(race(sys.argv[1])))
