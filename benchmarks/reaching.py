"""Seconds to 98.0 % of MNIST's test images, 784-128-10, on one thread: glassnet and the usual PyTorch loops.

All make an epoch, look at the test images, and go on until they are there: Adam in one cycle of the rate. Each has what
brought it there soonest from all of three seeds, of a grid: batches of 32, 64 or 128, rates of 0.003, 0.006 or 0.01, 3
to 7 epochs. The median of the seeds counts. `python -m benchmarks.reaching NAME` is one process of it.
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

from benchmarks.processes import SLOW
from benchmarks.workloads import Array

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "mnist"
GOAL, SEEDS = 0.98, 3
Halves = tuple[Array, Array, Array, Array]
Stop = Callable[[float], bool]


class Settings(NamedTuple):
    """How a contestant trains: samples a step, the rate at the top of the cycle, epochs of the cycle."""

    batch: int
    rate: float
    epochs: int


OURS, THEIRS = Settings(128, 0.01, 4), Settings(64, 0.006, 5)


def halves() -> Halves:
    """Images (samples, 784) float32 between 0 and 1 and class numbers, to train on and to test on."""
    from glassnet.data.idx import read_idx

    x, y, test_x, test_y = (
        read_idx(FOLDER / f"{half}-{what}.gz")
        for half in ("train", "t10k")
        for what in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    x, test_x = (images.reshape(len(images), -1).astype(np.float32) / np.float32(255) for images in (x, test_x))
    return x, y.astype(np.int64), test_x, test_y.astype(np.int64)


def glassnet(data: Halves, seed: int) -> Callable[[Stop], None]:
    """One training; a callback looks at the test images after each epoch and may end it."""
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


def pytorch(data: Halves, seed: int, loads: bool = False) -> Callable[[Stop], None]:
    """Eager, fused Adam; batches by indexed copies, or by a DataLoader."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y, test_x, test_y = (torch.from_numpy(part) for part in data)
    model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=THEIRS.rate, fused=True)
    steps = THEIRS.epochs * -(-len(x) // THEIRS.batch)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, THEIRS.rate, steps)  # from a 25th of it, as ours
    loader: Any = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, y), batch_size=THEIRS.batch, shuffle=True
    )

    def indexed() -> Any:
        return ((x[places], y[places]) for places in torch.randperm(len(x)).split(THEIRS.batch))

    def run(stop: Stop) -> None:
        for _ in range(THEIRS.epochs):
            for rows, classes in loader if loads else indexed():
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(rows), classes).backward()
                optimizer.step()
                cycle.step()
            with torch.inference_mode():
                accuracy = float((model(test_x).argmax(1) == test_y).float().mean())
            if stop(accuracy):
                return

    return run


WAYS: dict[str, Callable[..., Any]] = {
    "glassnet": glassnet,
    "PyTorch, indexed": pytorch,
    "PyTorch, DataLoader": lambda data, seed: pytorch(data, seed, loads=True),
}


def race(name: str) -> dict[str, list[float]]:
    """Wall seconds, processor seconds and epochs of each seed, after the imports and a first look at the data."""
    data, found = halves(), {"wall": [], "cpu": [], "epochs": []}
    WAYS[name](tuple(part[:640] for part in data), 99)(lambda _: True)  # compiles, imports
    for seed in range(SEEDS):
        run, seen = WAYS[name](data, seed), []
        wall, cpu = time.perf_counter(), time.process_time()
        run(lambda accuracy, seen=seen: seen.append(accuracy) or accuracy >= GOAL)
        found["wall"].append(time.perf_counter() - wall)
        found["cpu"].append(time.process_time() - cpu)
        found["epochs"].append(len(seen) if seen[-1] >= GOAL else float("inf"))
    return found


def report() -> str:
    """A table of medians; a sentence where there is no MNIST."""
    if not FOLDER.is_dir():
        return f"Left out: there is no folder {FOLDER.name} of IDX files in ../shared/data."
    lines = ["| | epochs | seconds | processor seconds | times glassnet |", "| --- | --- | --- | --- | --- |"]
    ours = 0.0
    for name in WAYS:
        print(f"to 98 %: {name}", file=sys.stderr, flush=True)
        found = {word: statistics.median(values) for word, values in process(name).items()}
        ours = ours or found["cpu"]
        times = f"{found['wall']:.2f} | {found['cpu']:.2f} | {found['cpu'] / ours:.2f}"
        lines.append(f"| {name} | {found['epochs']:g} | {times} |")
    return "\n".join(lines)


def process(name: str) -> dict[str, list[float]]:
    """What one process of its own, on one processor, says."""
    core = min(os.sched_getaffinity(0))
    environment = {word: value for word, value in os.environ.items() if word not in SLOW} | {"OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.reaching", name],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    return json.loads(run.stdout)


if __name__ == "__main__":
    print(json.dumps(race(sys.argv[1])))
