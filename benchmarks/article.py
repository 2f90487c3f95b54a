"""The article's two experiments, by plain SGD through the public class: python benchmarks/article.py.

sin(x) on 1-100-1 (sigmoid, linear) and XOR on 2-10-1 (sigmoid), from several seeds. It prints what each seed reached
and how many succeeded; data, settings and what counts as success stand in the two functions.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from glassnet import NeuralNetwork

SINE_ERROR = 0.05
XOR_ERROR = 0.1


class Result(NamedTuple):
    """What one seed reached: C on the training data, the root mean square and the largest error, and success."""

    cost: float
    rmse: float
    largest: float
    success: bool


def sine(seed: int, engine: str) -> Result:
    """sin(x) from 200 points of [0, 2π], x as it is; success: RMSE ≤ 0.05 on 1,001 points of [0, 2π]."""
    x, grid = np.linspace(0, 2 * np.pi, 200).reshape(1, -1), np.linspace(0, 2 * np.pi, 1001).reshape(1, -1)
    network = NeuralNetwork([1, 100, 1], ["sigmoid", "linear"], seed=seed, engine=engine)
    network.train(x, np.sin(x), batch_size=10, epochs=4000, lr=0.2, verbose=0)
    errors = network.predict(grid) - np.sin(grid)
    rmse = float(np.sqrt(np.mean(errors**2)))
    return Result(network.cost(x, np.sin(x)), rmse, float(np.abs(errors).max()), rmse <= SINE_ERROR)


def xor(seed: int, engine: str) -> Result:
    """The four rows of XOR; success: every output within 0.1 of its target."""
    x, y = np.array([[0, 0, 1, 1], [0, 1, 0, 1]]), np.array([[0, 1, 1, 0]])
    network = NeuralNetwork([2, 10, 1], ["sigmoid", "sigmoid"], seed=seed, engine=engine)
    network.train(x, y, batch_size=1, epochs=1000, lr=5.0, verbose=0)
    errors = np.abs(network.predict(x) - y)
    rmse = float(np.sqrt(np.mean(errors**2)))
    return Result(network.cost(x, y), rmse, float(errors.max()), float(errors.max()) <= XOR_ERROR)


def report(title: str, experiment: Callable[[int, str], Result], seeds: int, engine: str) -> None:
    """Run an experiment from every seed and print a line for each, then the success rate."""
    print(f"{title}: {experiment.__doc__}")
    results = []
    for seed in range(seeds):
        started = time.perf_counter()
        results.append(found := experiment(seed, engine))
        seconds = time.perf_counter() - started
        numbers = f"cost {found.cost:.2e}  RMSE {found.rmse:.4f}  largest error {found.largest:.4f}"
        print(f"  seed {seed:2}  {numbers}  {'success' if found.success else 'failure'}  {seconds:.1f} s", flush=True)
    print(f"  {sum(found.success for found in results)} of {seeds} seeds succeed\n")


def main() -> None:
    """Read the words of the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--engine", default="compiled", choices=("compiled", "numpy"))
    words = parser.parse_args()
    report("sine", sine, words.seeds, words.engine)
    report("XOR", xor, words.seeds, words.engine)


if __name__ == "__main__":
    main()
