"""The article's two experiments, with plain SGD and the public class: python benchmarks/article.py.

sin(x) on 1-100-1 (sigmoid, linear) and XOR on 2-10-1 (sigmoid), from several seeds. Prints the result of each seed
and how many succeeded. The two functions contain the data, the settings and what counts as success.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from glassnet import NeuralNetwork

MAX_SINE_RMSE = 0.05
MAX_XOR_ERROR = 0.1


class Result(NamedTuple):
    """The result of one seed: C on the training data, the root mean square error, the largest error, and success."""

    cost: float
    rmse: float
    largest: float
    success: bool


def sine(seed: int, engine: str) -> Result:
    """sin(x) from 200 points of [0, 2π], x unscaled; success: RMSE ≤ 0.05 on 1,001 points of [0, 2π]."""
    x, grid = np.linspace(0, 2 * np.pi, 200).reshape(1, -1), np.linspace(0, 2 * np.pi, 1001).reshape(1, -1)
    network = NeuralNetwork([1, 100, 1], ["sigmoid", "linear"], seed=seed, engine=engine)
    network.train(x, np.sin(x), batch_size=10, epochs=4000, lr=0.2, verbose=0)
    errors = network.predict(grid) - np.sin(grid)
    rmse = float(np.sqrt(np.mean(errors**2)))
    return Result(network.cost(x, np.sin(x)), rmse, float(np.abs(errors).max()), rmse <= MAX_SINE_RMSE)


def xor(seed: int, engine: str) -> Result:
    """The four samples of XOR; success: every output within 0.1 of its target."""
    x, y = np.array([[0, 0, 1, 1], [0, 1, 0, 1]]), np.array([[0, 1, 1, 0]])
    network = NeuralNetwork([2, 10, 1], ["sigmoid", "sigmoid"], seed=seed, engine=engine)
    network.train(x, y, batch_size=1, epochs=1000, lr=5.0, verbose=0)
    errors = np.abs(network.predict(x) - y)
    rmse = float(np.sqrt(np.mean(errors**2)))
    return Result(network.cost(x, y), rmse, float(errors.max()), float(errors.max()) <= MAX_XOR_ERROR)


def report(title: str, experiment: Callable[[int, str], Result], seeds: int, engine: str) -> None:
    """Run an experiment from every seed; print one line per seed, then the success rate."""
    print(f"{title}: {experiment.__doc__}")
    results = []
    for seed in range(seeds):
        started = time.perf_counter()
        results.append(result := experiment(seed, engine))
        seconds = time.perf_counter() - started
        numbers = f"cost {result.cost:.2e}  RMSE {result.rmse:.4f}  largest error {result.largest:.4f}"
        print(f"  seed {seed:2}  {numbers}  {'success' if result.success else 'failure'}  {seconds:.1f} s", flush=True)
    print(f"  {sum(result.success for result in results)} of {seeds} seeds succeed\n")


def main() -> None:
    """Run both experiments with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--engine", default="compiled", choices=("compiled", "numpy"))
    options = parser.parse_args()
    report("sine", sine, options.seeds, options.engine)
    report("XOR", xor, options.seeds, options.engine)


if __name__ == "__main__":
    main()
