"""How much faster a step is where the whole program is one kernel: `python -m benchmarks.whole_programs`.

Processor time on one thread, medians of interleaved rounds. The bits are the same, which is checked here once more.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from benchmarks.contestants import compile_program, network
from benchmarks.workloads import LEARNING_RATE, TINY, WORKLOADS, Workload

ROUNDS, SECONDS = 7, 0.4
WORKLOADS_HERE = (
    TINY,
    WORKLOADS["2-10-1"],
    Workload("4, 8 layers of 4, 1", (4, *[4] * 8, 1), ("tanh",) * 9, 8, "sgd", 800),
    WORKLOADS["1-100-1"],
    WORKLOADS["20-64-64-1"],
    Workload("64-50-50-1", (64, 50, 50, 1), ("relu", "relu", "linear"), 100, "adam", 2000),
    Workload("30-100-1", (30, 100, 1), ("relu", "linear"), 200, "adam", 2000),
    Workload("50-300-300-1", (50, 300, 300, 1), ("relu", "relu", "linear"), 100, "adam", 2000),
    WORKLOADS["784-128-10"]._replace(samples=6400),
)


def speedup(workload: Workload) -> tuple[float, float]:
    """Microseconds per step, equation by equation and as a whole."""
    from glassnet.engine import program_kernel

    net, (x, y), limit = network(workload), workload.data(), program_kernel.MAX_WORK
    options: dict[str, Any] = {"batch_size": workload.batch, "optimizer": workload.optimizer, "lr": LEARNING_RATE}
    start = net.parameters.vector.copy()

    def train(epochs: int) -> None:
        net.train(x.T, y.T, epochs=epochs, verbose=0, threads=1, **options)

    def measure(epochs: int, max_work: int) -> tuple[float, bytes]:
        program_kernel.MAX_WORK, net.parameters.vector[:], net.runs = max_work, start, 0
        started = time.process_time()
        train(epochs)
        seconds = time.process_time() - started
        return 1e6 * seconds / (epochs * (workload.samples // workload.batch)), net.parameters.vector.tobytes()

    compile_program(train)
    once = measure(1, limit)[0] * (workload.samples // workload.batch) / 1e6
    epochs = max(1, round(SECONDS / once))
    pairs = [(measure(epochs, 0), measure(epochs, limit)) for _ in range(ROUNDS)]
    assert all(separate[1] == whole[1] for separate, whole in pairs)
    return median(separate[0] for separate, _ in pairs), median(whole[0] for _, whole in pairs)


def main() -> None:
    """Print a table."""
    print("| network, batch | equations, µs per step | whole program | ratio |\n|---|---|---|---|")
    for workload in WORKLOADS_HERE:
        separate, whole = speedup(workload)
        name = "-".join(map(str, workload.layers))
        print(f"| {name}, {workload.batch} | {separate:.3g} | {whole:.3g} | {separate / whole:.2f} |", flush=True)


if __name__ == "__main__":
    main()
