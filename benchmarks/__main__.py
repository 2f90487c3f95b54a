"""`make bench` and `make bench-quick`: all comparisons in one run; tables, a CSV and the README's picture."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

from benchmarks import contestants, diagnosis, drop_in, growth, inference, many, memory, picture, reaching, starting
from benchmarks.comparison import Measured, compared, text
from benchmarks.processes import Process
from benchmarks.workloads import TRAP, VARIANTS, WORKLOADS

PARTS = (
    "training",
    "variants",
    "two threads",
    "one sample",
    "blocks",
    "many",
    "estimators",
    "starting",
    "memory",
    "diagnosis",
    "growth",
    "to 98 %",
    "verify",
)
DOCS = Path("docs")
QUICK = ("training", "one sample")
WIDE = [name for name, workload in WORKLOADS.items() if workload.parameters > 5000]


def main() -> None:
    """Measure the parts that are asked for, print them, and write what is kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three short rounds of the main parts; writes nothing")
    parser.add_argument("--only", help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--out", type=Path, help="folder of the tables and the picture; a whole run has docs")
    words = parser.parse_args()
    chosen = words.only.split(",") if words.only else QUICK if words.quick else PARTS
    rounds, seconds = (3, 0.3) if words.quick else (5, 1.0)
    measured: list[Measured] = []
    sections = []
    for part in chosen:
        title, found, body = section(part.strip(), rounds, seconds, words.out or DOCS)
        measured += found
        sections.append(f"## {title}\n\n{body}\n")
        print(f"\n{sections[-1]}", flush=True)
    if words.out or not (words.quick or words.only):
        keep(measured, sections, words.out or DOCS)


def section(part: str, rounds: int, seconds: float, folder: Path) -> tuple[str, list[Measured], str]:
    """Title, numbers and text of one part."""
    if part == "verify":
        from benchmarks import verify  # imports the peers

        return "The same work", [], verify.report()
    if part == "to 98 %":
        return "To 98.0 % of MNIST's test images, 784-128-10, one thread", [], reaching.report()
    if part == "growth":
        curves = growth.measured(max(3, rounds - 2), seconds)
        growth.draw(curves, folder / "growth.png")
        return "Growth: a step on one thread", [], growth.text(curves)
    if part == "variants":
        found = contest(["glassnet", "JAX", "PyTorch"], 1, "training", list(VARIANTS), rounds, seconds)
        return "Other layers and sample weights: one thread, processor time", found, text(found)
    if part == "many":
        return "Sixteen networks 20-64-64-1 on two threads", [], many.report()
    if part == "estimators":
        found = contest(list(drop_in.HOMES), 1, part, drop_in.WORKLOADS, rounds, seconds)
        return "Fits by scikit-learn's words: one thread, processor time", found, drop_in.text(found)
    if part == "starting":
        return "Start of a process", [], starting.report()
    if part == "memory":
        return "Memory of a training at its peak", [], memory.report()
    if part == "diagnosis":
        return "The numbers of the layers that a run keeps: one thread, processor time", [], diagnosis.report(rounds)
    if part in ("one sample", "blocks"):
        title = "predict, one sample" if part == "one sample" else "predict, blocks of 10,000, a row"
        rows = 1 if part == "one sample" else 10000
        found = contest(list(inference.CONTESTANTS), 1, "inference", list(WORKLOADS), rounds, seconds / 4, rows=rows)
        return f"{title}: one thread, processor time", found, text(found)
    if part == "training":
        names = [*WORKLOADS, TRAP.name]
        found = contest(list(contestants.CONTESTANTS), 1, part, names, rounds, seconds)
        return "A training step: one thread, processor time", found, text(found)
    if part == "two threads":
        found = contest(["glassnet", "JAX", "PyTorch"], 2, "training", WIDE, rounds, seconds)
        return "A training step: two threads, wall time", found, text(found)
    raise SystemExit(f"there is no part {part!r}; the parts are: {', '.join(PARTS)}")


def contest(
    names: Sequence[str], threads: int, part: str, workloads: Sequence[str], rounds: int, seconds: float, **task: int
) -> list[Measured]:
    """Start the processes, compare, and end them."""
    processes = [Process(name, threads) for name in names]
    try:
        return compared(processes, part, workloads, rounds, seconds=seconds, **task)
    finally:
        for process in processes:
            process.close()


def keep(measured: Sequence[Measured], sections: Sequence[str], folder: Path) -> None:
    """Write benchmarks.csv, benchmarks.md and benchmarks.png."""
    with (folder / "benchmarks.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Measured._fields)
        writer.writerows(measured)
    head = "# Measured\n\nMedians of interleaved rounds on one machine, random data; see `benchmarks/`.\n"
    (folder / "benchmarks.md").write_text("\n".join([head, *sections]), encoding="utf-8")
    first = [one for one in measured if one.part == "training" and one.threads == 1 and one.workload in WORKLOADS]
    if first:
        picture.draw(first, folder / "benchmarks.png")


if __name__ == "__main__":
    main()
