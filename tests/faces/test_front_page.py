"""What the front page claims in words and figures is what the program has and what was measured."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from pathlib import Path

import pytest

from glassnet.check.exercise.template import STEPS
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS
from glassnet.tables.layers import LAYERS
from glassnet.tables.optimizers import OPTIMIZERS
from glassnet.tables.schedules import SCHEDULES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
LESSONS = ROOT / "src" / "glassnet" / "play" / "lessons.json"
# A network of the front page, its row in benchmarks.csv, and who is in the table, in its order.
ROWS = {
    "2-10-1 sigmoid": "2-10-1",
    "20-64-64-1 relu": "20-64-64-1",
    "784-128-10 relu": "784-128-10",
    "784-512-512-10 relu": "784-512-512-10",
    "4-4-1 tanh": "4-4-1, batch 1",
}
CONTESTANTS = ("glassnet", "JAX", "PyTorch", "scikit-learn")
MIXED_ROWS = ("784-128-10", "784-256-256-10 tanh", "784-512-512-10", "1024-2048-2048-1000")
MIXED_CONTESTANTS = ("glassnet", "glassnet mixed", "JAX bfloat16", "PyTorch bfloat16")


@pytest.mark.parametrize(
    ("heading", "entries"),
    [("Activations", ACTIVATIONS), ("Optimisers", OPTIMIZERS), ("Schedules", SCHEDULES)],
)
def test_the_lists_name_every_entry_of_a_table(heading: str, entries: dict[str, type]) -> None:
    listed = re.search(rf"\*\*{heading}\*\* ([^.(]*)", README)
    assert listed
    assert {name for name in re.findall(r"\w+", listed[1]) if name != "and"} == set(entries)
    assert all(name in CHINESE for name in entries)


def test_every_cost_and_layer_is_there() -> None:
    costs = re.search(r"\*\*Costs\*\* (.*?)your own", README, re.DOTALL)
    assert costs
    words = (
        costs[1]
        .lower()
        .replace("binary and categorical cross-entropy", "binary_cross_entropy categorical_cross_entropy")
    )
    words = words.replace("poisson and its deviance", "poisson poisson_deviance")
    assert {name for name in COSTS if name not in re.findall(r"\w+", words)} == set()
    for text in (README, CHINESE):
        assert [entry.__name__ for entry in LAYERS.values() if entry.__name__ not in text] == []


def test_numbers_in_words_are_counts() -> None:
    lessons = len(json.loads(LESSONS.read_text(encoding="utf-8")))
    numbers = {7: ("seven", "七"), 9: ("nine", "九")}
    assert f"{numbers[lessons][0]} lessons" in README
    assert f"{numbers[lessons][1]}节课" in CHINESE
    assert f"in {numbers[STEPS][0]} steps" in README


def test_the_versions_of_python_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = re.findall(r":: (3\.\d+)", " ".join(project["classifiers"]))
    for text in (README, CHINESE):
        sentence = next(line for line in text.splitlines() if "Linux x86-64" in line)
        assert re.findall(r"\b3\.\d+", sentence) == versions
    assert project["requires-python"] == f">={versions[0]}"


@pytest.mark.parametrize("text", [README, CHINESE], ids=["English", "Chinese"])
@pytest.mark.parametrize(
    ("table", "rows", "contestants"),
    [
        ("scikit-learn |", ROWS, CONTESTANTS),
        ("bfloat16 |", {name: name for name in MIXED_ROWS}, MIXED_CONTESTANTS),
    ],
    ids=["float32", "mixed"],
)
def test_the_times_are_those_that_were_measured(
    text: str, table: str, rows: dict[str, str], contestants: tuple[str, ...]
) -> None:
    with (ROOT / "docs" / "benchmarks.csv").open(encoding="utf-8", newline="") as file:
        one_thread = [row for row in csv.DictReader(file) if (row["part"], row["threads"]) == ("training", "1")]
    measured = {(row["workload"], row["contestant"]): float(row["cpu"]) for row in one_thread}
    lines = text.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("| ") and line.endswith(table))
    for number, (network, workload) in enumerate(rows.items(), head + 2):
        name, *cells = (cell.strip() for cell in lines[number].strip("|").split("|"))
        assert name.startswith(network)
        for contestant, cell in zip(contestants, cells, strict=True):
            assert float(cell.replace(",", "")) == pytest.approx(1e6 * measured[workload, contestant], rel=0.01)


def test_the_speed_of_a_fit_is_what_was_measured() -> None:
    with (ROOT / "docs" / "benchmarks.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["part"] == "estimators"]
    times = {(row["workload"], row["contestant"]): float(row["cpu"]) for row in rows}
    for dtype in ("float64", "float32"):
        ratios = [
            times[workload, "scikit-learn"] / time
            for (workload, contestant), time in times.items()
            if contestant == "glassnet" and workload.endswith(dtype)
        ]
        assert f"{min(ratios):.1f} to {max(ratios):.1f} times" in README.replace("\n", " ")
        assert f"{min(ratios):.1f} 到 {max(ratios):.1f} 倍" in CHINESE
