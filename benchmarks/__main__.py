"""`make bench` and `make bench-quick`: run every comparison and write its tables, a CSV file and pictures to docs/."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

from benchmarks import (
    contestants,
    drop_in,
    growth,
    inference,
    many_networks,
    memory,
    monitor_cost,
    picture,
    startup,
    time_to_accuracy,
)
from benchmarks.comparison import Measurement, compare, table, tables
from benchmarks.processes import Process
from benchmarks.workloads import GROWTH, SIZES, TINY, VARIANTS, WORKLOADS

PARTS = (
    "training",
    "variants",
    "two threads",
    "one sample",
    "blocks",
    "many networks",
    "estimators",
    "startup",
    "memory",
    "layer monitor",
    "growth",
    "sizes",
    "to 98 %",
    "verify",
)
QUICK_PARTS = ("training", "one sample")
DOCS = Path("docs")
WIDE = [name for name, workload in WORKLOADS.items() if workload.parameters > 5000]
FAST = [name for name in contestants.CONTESTANTS if name != "scikit-learn"]
# Comparisons of a training step: title, contestants, threads, workloads, and the time for each as a share of the usual.
STEPS: dict[str, tuple[str, list[str], int, list[str], float]] = {
    "training": ("A training step", list(contestants.CONTESTANTS), 1, [*WORKLOADS, TINY.name], 1.0),
    "variants": ("Other layers and sample weights", FAST, 1, list(VARIANTS), 0.5),
    "two threads": ("A training step", FAST, 2, WIDE, 1.0),
}
BFLOAT16_PEERS = """
Mixed precision, `precision="mixed_bfloat16"`, has peers of its own. PyTorch bfloat16 runs forward pass and cost under
`torch.autocast("cpu", torch.bfloat16)`. JAX bfloat16 rounds the operands of every product to bfloat16, forward and
backward, and adds in float32; its rules for the backward products (`jax.custom_vjp`) are faster than those that JAX
derives. The limit of mixed precision differs from that of float32 by the speed of the products.
"""


def main() -> None:
    """Measure the requested parts, print them, and write the results of a whole run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three short rounds of the main parts; writes nothing")
    known = ", ".join(PARTS).replace("%", "%%")
    parser.add_argument("--only", help=f"the parts to run, separated by commas: {known}")
    parser.add_argument("--out", type=Path, help="folder for the tables and pictures (default: docs, for a whole run)")
    options = parser.parse_args()
    parts = options.only.split(",") if options.only else QUICK_PARTS if options.quick else PARTS
    rounds, seconds = (3, 0.3) if options.quick else (5, 1.0)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)  # before something is measured for an hour
    measurements: list[Measurement] = []
    sections = []
    for part in parts:
        title, measured, body = run_part(part.strip(), rounds, seconds, options.out or DOCS)
        measurements += measured
        sections.append(f"## {title}\n\n{body}\n")
        print(f"\n{sections[-1]}", flush=True)
    if options.out or not (options.quick or options.only):
        write_results(measurements, sections, options.out or DOCS)


def run_part(part: str, rounds: int, seconds: float, folder: Path) -> tuple[str, list[Measurement], str]:
    """Return the title, the measurements and the text of one part."""
    if part == "verify":
        from benchmarks import verify  # imports the peers

        return "Do the peers compute the same?", [], verify.report()
    if part == "to 98 %":
        return "Time to 98.0 % accuracy on MNIST's test images: 784-128-10, one thread", [], time_to_accuracy.report()
    if part == "growth":
        names = contestants.of_this_machine(contestants.OURS_IN_BOTH)
        curves = growth.measure(names, GROWTH, max(3, rounds - 2), seconds)
        growth.draw(curves, folder / "growth.png")
        return (
            "Growth of the time per training step: one thread",
            [],
            f"{growth.table(curves)}\n\n![The three curves](growth.png)",
        )
    if part == "sizes":
        curves = growth.measure([contestants.OURS], SIZES, rounds, seconds / 4)
        growth.draw_ratios(curves[contestants.OURS], folder / "sizes.png")
        return (
            "Networks 64-n-n-10 of any width, and batches of any size: one thread, processor time",
            [],
            f"{growth.outliers(curves[contestants.OURS])}\n\n![The two curves](sizes.png)\n\n{growth.table(curves)}",
        )
    if part in STEPS:
        title, names, threads, workloads, share = STEPS[part]
        names = contestants.of_this_machine(names)
        measured = run_contestants(names, threads, "training", workloads, rounds, share * seconds)
        clock = "one thread, processor time" if threads == 1 else "two threads, wall time"
        return f"{title}: {clock}", measured, tables(measured)
    if part == "many networks":
        return "Sixteen networks 20-64-64-1 on two threads", [], many_networks.report()
    if part == "estimators":
        measured = run_contestants(list(drop_in.MODULES), 1, part, drop_in.WORKLOADS, rounds, seconds)
        return "Fits of the estimators: one thread, processor time", measured, drop_in.table(measured)
    if part == "startup":
        return "Startup of a process", [], startup.report()
    if part == "memory":
        return "Peak memory of a training", [], memory.report()
    if part == "layer monitor":
        return "Cost of the layer monitor: one thread, processor time", [], monitor_cost.report(rounds)
    if part in ("one sample", "blocks"):
        title = "predict, one sample" if part == "one sample" else "predict, blocks of 10,000 samples, per sample"
        rows = 1 if part == "one sample" else 10000
        names = list(inference.CONTESTANTS)
        measured = run_contestants(names, 1, "inference", list(WORKLOADS), rounds, seconds / 4, rows=rows)
        return f"{title}: one thread, processor time", measured, table(measured)
    raise SystemExit(f"unknown part {part!r}; choose from: {', '.join(PARTS)}")


def run_contestants(
    names: Sequence[str], threads: int, part: str, workloads: Sequence[str], rounds: int, seconds: float, **task: int
) -> list[Measurement]:
    """Start one process per contestant, compare them on the workloads, and end the processes."""
    processes = [Process(name, threads) for name in names]
    try:
        return compare(processes, part, workloads, rounds, seconds=seconds, **task)
    finally:
        for process in processes:
            process.close()


def write_results(measurements: Sequence[Measurement], sections: Sequence[str], folder: Path) -> None:
    """Write benchmarks.csv, benchmarks.md and benchmarks.png."""
    with (folder / "benchmarks.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Measurement._fields)
        writer.writerows(measurements)
    head = "# Benchmarks\n\nMedians of interleaved rounds on one machine, random data; see `benchmarks/`.\n"
    head += BFLOAT16_PEERS
    head += "\n![Time per training step of JAX, PyTorch and scikit-learn, relative to glassnet](benchmarks.png)\n"
    (folder / "benchmarks.md").write_text("\n".join([head, *sections]), encoding="utf-8")
    float32 = [m for m in measurements if m.part == "training" and m.contestant in contestants.FLOAT32]
    steps = [m for m in float32 if m.threads == 1 and m.workload in WORKLOADS]
    if steps:
        picture.draw(steps, folder / "benchmarks.png")


if __name__ == "__main__":
    main()
