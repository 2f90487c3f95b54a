"""The benchmarks: every contestant does the requested work, and a missing one is reported."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import contestants, drop_in, growth, inference, monitor_cost
from benchmarks.comparison import Measurement, factors, table
from benchmarks.workloads import SIZES, WORKLOADS
from glassnet.training import layer_monitor

ROOT = Path(__file__).resolve().parents[2]


def answers(name: str, *tasks: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of a worker to some tasks."""
    lines = "".join(json.dumps(task | {"seconds": 0.02}) + "\n" for task in tasks)
    command = [sys.executable, "-m", "benchmarks.worker", name, "1"]
    worker = subprocess.run(command, input=lines, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert worker.returncode == 0, worker.stderr
    return [json.loads(line) for line in worker.stdout.splitlines()]


NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.stem not in ("__init__", "__main__"))


@pytest.mark.peer
@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_can_be_imported(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")


@pytest.mark.peer
@pytest.mark.parametrize("name", contestants.CONTESTANTS)
def test_every_contestant_trains(name: str) -> None:
    tasks = [{"part": "training", "workload": workload} for workload in ("2-10-1", "20-64-64-1")]
    assert [sorted(answer) for answer in answers(name, *tasks)] == [["cpu", "wall"]] * 2


@pytest.mark.peer
@pytest.mark.parametrize("name", inference.CONTESTANTS)
def test_every_contestant_predicts(name: str) -> None:
    tasks = [{"part": "inference", "workload": "20-64-64-1", "rows": rows} for rows in (1, 1000)]
    assert [sorted(answer) for answer in answers(name, *tasks)] == [["cpu", "wall"]] * 2


@pytest.mark.parametrize("name", drop_in.MODULES)
def test_both_libraries_fit(name: str) -> None:
    tasks = [{"part": "estimators", "workload": f"{workload}, float32"} for workload in ("diabetes (100,)",)]
    assert [sorted(answer) for answer in answers(name, *tasks)] == [["cpu", "wall"]]


def test_a_run_is_measured_with_and_without_its_layer_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_monitor, "TIME_SHARE", 1e9)
    run = monitor_cost.Run(WORKLOADS["2-10-1"])
    counts = []
    for monitored in (True, False):
        assert run(2, monitored=monitored) > 0 and run.net.history is not None
        counts.append(len(run.net.history.layers))
    assert counts == [len(run.monitor.layers), 0] and counts[0] > 0


def test_glassnet_trains_and_has_a_limit() -> None:
    step, limit = answers(
        "glassnet", {"part": "training", "workload": "2-10-1"}, {"part": "limits", "workload": "20-64-64-1"}
    )
    assert step["cpu"] > 0 and limit["step"] > 0


def test_operations_of_a_fit_are_counted() -> None:
    """442 samples of 10 columns, 100 units: 1,100 weights forward and in BP4, 100 in BP2; each a product and a sum."""
    epoch = 442 * 2 * (2 * 1100 + 100)
    assert drop_in.fit_operations("diabetes (100,), float64") == 200 * epoch
    fits = [1797 * 2 * (2 * (64 * h + h * 10) + h * 10) for h in (50, 100)]
    assert drop_in.fit_operations("24 fits on digits, float32") == 30 * 12 * 2 / 3 * sum(fits)


def test_a_fit_is_compared_with_its_products() -> None:
    (limit,) = answers("glassnet", {"part": "limits", "workload": "diabetes (100,), float64"})
    assert limit["step"] > 0
    ours = Measurement("estimators", "a", "glassnet", 1, 2.0, 2.0, 1.0)
    theirs = ours._replace(contestant="scikit-learn", cpu=8.0, limit=0.0)
    assert drop_in.table([ours, theirs]).splitlines()[-1] == "| a | 8 | 2 | 4.0 | 8.0 |"


def test_factors_are_times_relative_to_glassnet() -> None:
    ours = Measurement("training", "a", "glassnet", 1, 2.0, 9.0, 1.0)
    peers = [ours._replace(contestant=name, cpu=cpu, limit=0.0) for name, cpu in (("slow", 8.0), ("best", 3.0))]
    assert factors([peers[0], ours, peers[1]]) == {"a": {"slow": 4.0, "glassnet": 1.0, "best": 1.5}}
    assert table([ours, *peers]).splitlines()[-1].endswith("| 1.50 | 2.00 |")


def test_every_width_from_8_to_320_is_measured_and_outliers_are_named() -> None:
    widths = {int(name.split()[-1]) for name in SIZES if name.startswith("any width")}
    assert widths >= {*range(8, 321, 8), 50, 100, 300}
    ratios = {8: 2.0, 16: 2.0, 24: 3.0, 32: 2.0, 40: 2.2}
    curves = {"any width": [growth.Point(size, ratio * 1e-6, 1e-6) for size, ratio in ratios.items()]}
    assert growth.outliers(curves) == 'Of "any width", 24 stands out most: 50% above the mean of its neighbours.'
