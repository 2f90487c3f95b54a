"""The benchmarks: every contestant does the requested work, and a missing one is reported."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import contestants, drop_in, growth, inference, limits, monitor_cost, worker
from benchmarks.comparison import NO_BFLOAT16, Measurement, factors, table, tables
from benchmarks.workloads import SIZES, WORKLOADS
from glassnet.engine import cache
from glassnet.program.precision import EMULATE
from glassnet.training import layer_monitor
from tests.mixed_precision import MIXED, emulated

__all__ = ["emulated"]
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
@pytest.mark.parametrize("module", ["benchmarks", "benchmarks.tabular_parts"])
def test_the_options_are_explained(module: str) -> None:
    command = [sys.executable, "-m", module, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "--out" in done.stdout


@pytest.mark.peer
@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_can_be_imported(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")


@pytest.mark.peer
@pytest.mark.parametrize("name", contestants.CONTESTANTS)
def test_every_contestant_trains(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EMULATE, "1")
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


@pytest.mark.parametrize("name", contestants.OURS_IN_BOTH)
def test_glassnet_trains_and_has_a_limit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EMULATE, "1")
    step, limit = answers(
        name, {"part": "training", "workload": "2-10-1"}, {"part": "limits", "workload": "20-64-64-1"}
    )
    assert step["cpu"] > 0 and limit["step"] > 0


def test_the_limit_is_that_of_the_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "machine_limits", lambda precision: limits.Limits(float(precision == MIXED), 0.0, 0.0))
    monkeypatch.setattr(limits, "update", lambda workload: 0.0)
    workload = WORKLOADS["20-64-64-1"]
    for name, expected in (("glassnet", 0.0), ("glassnet mixed", workload.flops)):
        answer = worker.Worker(name, 1).answer({"part": "limits", "workload": workload.name})
        assert answer == {"step": expected}


@pytest.mark.peer
@pytest.mark.usefixtures("emulated")
def test_peers_make_the_same_steps_in_mixed_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import peer_jax, verify

    workload = WORKLOADS["784-128-10"]._replace(samples=4 * 64)
    distances = verify.distances(workload, MIXED)
    assert distances["JAX"] < distances["PyTorch"]
    monkeypatch.setattr(peer_jax, "mixed_product", peer_jax.jnp.matmul)
    with pytest.raises(SystemExit, match="JAX computes something else in mixed_bfloat16"):
        verify.distances(workload, MIXED)


def test_bfloat16_is_left_out_where_the_processor_has_no_instructions_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for has_them, names in ((True, list(contestants.CONTESTANTS)), (False, list(contestants.FLOAT32))):
        monkeypatch.setattr(cache, "has_bfloat16_products", lambda has_them=has_them: has_them)
        assert contestants.of_this_machine(contestants.CONTESTANTS) == names


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


def test_the_fastest_peer_of_each_precision_is_named() -> None:
    ours = Measurement("training", "a", "glassnet", 1, 4e-6, 9.0, 2e-6)
    times = {"JAX": 6e-6, "scikit-learn": 5e-6, "JAX bfloat16": 3e-6, "PyTorch bfloat16": 8e-6}
    peers = [ours._replace(contestant=name, cpu=cpu, limit=0.0) for name, cpu in times.items()]
    mixed = ours._replace(contestant="glassnet mixed", cpu=2e-6, limit=1e-6)
    row = "| a | 4 | 2 | scikit-learn 5 | JAX bfloat16 3 | 2.00 | 1.50 | 2.00 |"
    lines = tables([ours, *peers, mixed]).splitlines()
    assert lines[2] == "| a | 4 | 6 | 5 | 1.25 | 2.00 |" and lines[-1] == row
    assert tables([ours, mixed]).splitlines()[-1] == "| a | 4 | 2 | - | - | 2.00 | - | 2.00 |"
    assert tables([ours, *peers]).splitlines()[-1] == NO_BFLOAT16


def test_growth_has_a_column_and_a_limit_for_each_precision() -> None:
    curves = {
        name: {"depth": [growth.Point(size, 3e-6 * size / factor, 2e-6 * size / factor) for size in (1, 2)]}
        for name, factor in (("glassnet", 1), ("glassnet mixed", 2))
    }
    assert growth.table(curves).splitlines()[2:] == [
        "| depth 1 | 3 | 1.50 | 1.5 | 1.50 |",
        "| depth 2 | 6 | 1.50 | 3 | 1.50 |",
    ]


def test_every_width_from_8_to_320_is_measured_and_outliers_are_named() -> None:
    widths = {int(name.split()[-1]) for name in SIZES if name.startswith("any width")}
    assert widths >= {*range(8, 321, 8), 50, 100, 300}
    ratios = {8: 2.0, 16: 2.0, 24: 3.0, 32: 2.0, 40: 2.2}
    curves = {"any width": [growth.Point(size, ratio * 1e-6, 1e-6) for size, ratio in ratios.items()]}
    assert growth.outliers(curves) == 'Of "any width", 24 stands out most: 50% above the mean of its neighbours.'
