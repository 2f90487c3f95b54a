"""What the number of lanes costs in accuracy, on MNIST: `python -m benchmarks.lanes` prints tables of docs/scale.md.

Each run trains for the same number of epochs, in lanes that this process computes one after the other, so that one
machine simulates any number; a cluster gives the same bits. One process trains as `train` does. The accuracy is that on
the test images after the last epoch. `--network` chooses the smaller or the larger network, `--part` the comparison;
`--part model` prints what the model of the time predicts for many machines.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

from benchmarks.time_to_accuracy import Data, load
from glassnet import NeuralNetwork
from glassnet.scale import fit
from glassnet.scale.round_length import StateSize, communication_seconds, step_seconds, steps_per_round

LANES = (1, 2, 4, 8, 16, 32, 64)
BATCH = 64  # of the model of the time


class Workload(NamedTuple):
    """Widths, training images, epochs, batch size and numbers of lanes of a comparison."""

    widths: tuple[int, ...]
    images: int
    epochs: int
    batch_size: int
    lanes: tuple[int, ...]


WORKLOADS = {
    "small": Workload((784, 128, 10), 60_000, 10, 64, LANES),
    "large": Workload((784, 1024, 1024, 10), 20_000, 4, 64, (1, 8, 32)),
}
OPTIMIZERS = {"momentum": 0.03, "adam": 0.001}  # with the learning rates that suit one process


class Result(NamedTuple):
    """The accuracy on the test images in percent, the settings that the run chose, and the seconds that it took."""

    accuracy: float
    settings: dict[str, float]
    seconds: float


def run(data: Data, workload: Workload, optimizer: str, lanes: int, **options: Any) -> Result:
    """One training; with lanes=0 in one process without lanes."""
    x, y, test_x, test_y = data
    x, y = x[: workload.images], y[: workload.images]
    hidden = len(workload.widths) - 2
    network = NeuralNetwork(workload.widths, ["relu"] * hidden + ["softmax"], "categorical_cross_entropy", seed=0)
    common = {"batch_size": workload.batch_size, "epochs": workload.epochs, "lr": OPTIMIZERS[optimizer], "verbose": 0}
    started = time.perf_counter()
    if lanes:
        fit(network, x, y, client=False, lanes=lanes, optimizer=optimizer, **common, **options)
    else:
        network.train(x.T, y, optimizer=optimizer, **common)
    seconds = time.perf_counter() - started
    accuracy = float((network.predict(test_x.T).argmax(axis=0) == test_y).mean())
    assert network.history is not None
    return Result(100 * accuracy, network.history.lanes, seconds)


def table(data: Data, workload: Workload) -> Iterator[str]:
    """The accuracy for each number of lanes: with the rate as it is, and with the factor that lanes have by default."""
    yield "| lanes | steps of a lane per epoch | factor on the rate | momentum, factor 1 | momentum | Adam |"
    yield "|---|---|---|---|---|---|"
    alone = [run(data, workload, optimizer, 0).accuracy for optimizer in OPTIMIZERS]
    steps = -(-workload.images // workload.batch_size)
    yield f"| one process | {steps:,} | 1 | {alone[0]:.2f} | {alone[0]:.2f} | {alone[1]:.2f} |"
    for lanes in workload.lanes:
        plain = run(data, workload, "momentum", lanes, rate_factor=1.0)
        results = [run(data, workload, optimizer, lanes) for optimizer in OPTIMIZERS]
        accuracies = " | ".join(f"{result.accuracy:.2f}" for result in (plain, *results))
        factor, steps = results[0].settings["rate_factor"], -(-workload.images // lanes // workload.batch_size)
        yield f"| {lanes} | {steps:,} | {factor:g} | {accuracies} |"


def rounds(data: Data, workload: Workload) -> Iterator[str]:
    """The accuracy of 8 lanes for several lengths of a round."""
    yield "| steps per round, 8 lanes | momentum | Adam |"
    yield "|---|---|---|"
    for steps in (5, 20, 60, 10_000):
        results = [run(data, workload, optimizer, 8, steps_per_round=steps) for optimizer in OPTIMIZERS]
        name = f"{results[0].settings['steps_per_round']:g}"
        yield f"| {name} | {results[0].accuracy:.2f} | {results[1].accuracy:.2f} |"


def model() -> Iterator[str]:
    """How many rows per epoch keep machines busy, each with one thread and one lane, and their speed with fewer."""
    yield "| parameters | machines | rows per epoch for 10 % communication | speed, 1 M rows per epoch | 100 M rows |"
    yield "|---|---|---|---|---|"
    for name, parameters in (("100 thousand", 100_000), ("2 million", 2_000_000), ("20 million", 20_000_000)):
        size = StateSize(parameters, 3, 4)
        for machines in (2, 8, 32, 128, 1000):
            rows = machines * BATCH * communication_seconds(size, machines) * 9 / step_seconds(size, BATCH)
            speeds = " | ".join(f"{speed(size, machines, total):.3g} ×" for total in (10**6, 10**8))
            yield f"| {name} | {machines:,} | {rounded(rows):,} | {speeds} |"


def rounded(number: float) -> int:
    """A number with two significant digits."""
    unit = 10 ** max(math.floor(math.log10(number)) - 1, 0)
    return round(number / unit) * unit


def speed(size: StateSize, machines: int, rows: int) -> float:
    """Rows per second, relative to one machine, with rounds of the length that `fit` chooses."""
    batches = -(-rows // machines // BATCH)
    steps = steps_per_round(size, BATCH, machines, batches)
    computing = steps * step_seconds(size, BATCH)
    return machines * computing / (computing + communication_seconds(size, machines))


def main() -> None:
    """Print the comparison that the command line names, line by line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=WORKLOADS, default="small")
    parser.add_argument("--part", choices=("lanes", "rounds", "model"), default="lanes")
    parser.add_argument("--lanes", type=int, nargs="*", help="other numbers of lanes than the table's")
    parser.add_argument("--epochs", type=int, help="another number of epochs than the table's")
    options = parser.parse_args()
    workload = WORKLOADS[options.network]
    workload = workload._replace(lanes=options.lanes or workload.lanes, epochs=options.epochs or workload.epochs)
    if options.part == "model":
        print("\n".join(model()))
        return
    data, started = load(), time.process_time()
    for line in (table if options.part == "lanes" else rounds)(data, workload):
        print(line, flush=True)
    layers, minutes = "-".join(map(str, workload.widths)), (time.process_time() - started) / 60
    print(f"\n{layers}, {workload.images:,} images, {workload.epochs} epochs, {minutes:.1f} minutes of processor time")


if __name__ == "__main__":
    warnings.simplefilter("ignore", RuntimeWarning)
    main()
