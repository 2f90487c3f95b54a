"""gradient_check on networks as they start: no false alarm, and a fault of 3 % in part of one gradient is seen.

At the start biases are 0, so that a sample whose inputs are all 0 has a z on relu's kink.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from glassnet.check.gradient_check import gradient_check
from glassnet.network import NeuralNetwork
from glassnet.program.equations import EQUATIONS
from glassnet.see.slope import AGREES, KINK, SMALL, STEEP, WRONG, compare
from glassnet.tables.layers import LayerNorm

from .planting import kind
from .problems import problem
from .starts import STARTS, XOR, exclusive_or, fault, planted

SEEDS = 200 if settings.get_current_profile_name() == "more" else 10  # 200 with make soak
MAX_UNSEEN = 0.01  # of the planted faults


def unseen(name: str, seeds: range, patch: pytest.MonkeyPatch, directions: int = 3) -> tuple[int, list[str]]:
    """How many faults were planted, and those that the check does not see."""
    missed, count = [], 0
    for seed in seeds:
        problem = STARTS[name](seed)
        fault = planted(problem, np.random.default_rng(seed))
        if fault is None:
            continue
        count += 1
        with patch.context() as local:
            fault.plant(local)
            if problem.check(directions=directions).ok:
                missed.append(f"{name}, seed {seed}: {fault.description}")
    return count, missed


@pytest.mark.parametrize("name", STARTS)
def test_some_starts_have_no_false_alarm_and_hide_no_fault(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(2):
        report = STARTS[name](seed).check(directions=1)
        assert report.ok and len(report.unjudged) < len(report.findings) / 4, f"\n{report}"
    count, missed = unseen(name, range(2), monkeypatch, directions=1)
    assert count == 2 and not missed


@pytest.mark.slow
@pytest.mark.parametrize("name", STARTS)
def test_starts_have_no_false_alarm(name: str) -> None:
    reports = {seed: STARTS[name](seed).check() for seed in range(SEEDS)}
    wrong = [f"seed {seed}\n{report}" for seed, report in reports.items() if not report.ok]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", STARTS)
def test_starts_hide_no_fault(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    count, missed = unseen(name, range(SEEDS), monkeypatch)
    assert count > 0.9 * SEEDS and len(missed) <= max(1, MAX_UNSEEN * count), missed


# ---- where differences cannot follow


def at_a_kink() -> tuple[NeuralNetwork, np.ndarray]:
    """A network and an x whose first sample has every z of layer 1 at exactly 0."""
    case = problem([2, 3, 2], ["relu", "linear"])
    case.net.biases[0][...] = 0
    case.x[:, 0] = 0
    return case.net, case.x


def test_a_kink_is_judged_on_a_nudged_copy_and_the_report_says_so() -> None:
    net, x = at_a_kink()
    before = net.parameters.vector.copy()
    report = gradient_check(net, x, np.ones((2, 6)))
    nudged = {finding.quantity for finding in report.findings if finding.nudged == KINK}
    assert report.ok and not report.unjudged and nudged == {"δ1", "db1"}
    text = " ".join(str(report).split())
    assert "δ1 *" in text and "dW1 *" not in text
    assert "* judged on a copy whose biases were nudged by 0.05·normal" in text and "6 at a kink" in text
    assert (net.parameters.vector == before).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_doubled_bias_gradient_at_a_kink_is_wrong(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fault("db2", (slice(None), slice(None)), 2.0).plant(monkeypatch)
    report = exclusive_or(seed).check(directions=1)
    assert not report.ok and report.worst.quantity == "db2" and report.worst.verdict == "wrong"


@pytest.mark.parametrize("name", ["dw1", "db1"])
@pytest.mark.parametrize("size", [1e-9, 1e-6, 1e6])
def test_inputs_of_any_size_are_judged(size: float, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = problem([3, 5, 2], ["relu", "linear"])
    case.x[0] *= size  # one column beside others of size 1
    assert case.check().ok and not case.check().unjudged
    fault(name, (slice(None), slice(0, 1)), 1.03).plant(monkeypatch)
    assert not problem([3, 5, 2], ["relu", "linear"])._replace(x=case.x).check().ok


def test_constant_columns_under_stacked_norms_are_too_steep() -> None:
    layers = [2, 4, LayerNorm(), 4, LayerNorm(), 4, LayerNorm(), 4, LayerNorm(), 1]
    net = NeuralNetwork(layers, ["tanh"] * 4 + ["sigmoid"], seed=1, engine="numpy")
    report = gradient_check(net, XOR, np.array([[0, 1, 1, 0.0]]), directions=1)
    steep = {finding.quantity for finding in report.findings if finding.nudged == STEEP}
    assert report.ok and {"δ1", "db1", "δ2", "db2"} <= steep and not {"δ5", "dW5", "db5"} & steep, f"\n{report}"
    assert "too steep to judge" in " ".join(str(report).split())


@pytest.mark.parametrize(
    ("cost", "slope", "verdict"),
    [
        (lambda h: 1 + np.tanh(1e12 * h), 1e12, STEEP),
        (lambda h: 1 + 1e-20 * h, 2e-13, SMALL),
        (lambda h: 1 + abs(h), 0.5, KINK),
        (lambda h: 1 + np.maximum(h, 0), 0.0, KINK),
        (lambda h: 1 + np.maximum(h, -1e-5), 1.0, AGREES),
        (lambda h: np.exp(h), 1.0, AGREES),
        (lambda h: np.exp(h), 1.0001, WRONG),
        (lambda h: np.exp(h), 0.0, WRONG),
        (lambda h: 1.0, 1e-3, WRONG),
        (lambda h: 1.0, 0.0, AGREES),
        (lambda h: 1 + h * h, 0.0, AGREES),
        (lambda h: np.nan, 1.0, STEEP),
        (lambda h: np.exp(h), np.nan, WRONG),
        (lambda h: np.exp(h), -np.inf, WRONG),
    ],
)
def test_verdict_of_one_slope(cost: Any, slope: float, verdict: str) -> None:
    assert compare(slope, cost, cost(0.0), 1e-6).verdict == verdict


def test_saturated_softmax_is_too_small() -> None:
    net = NeuralNetwork([2, 5, 3], ["sigmoid", "softmax"], seed=3, engine="numpy")
    net.weights[1][...] *= 100
    report = gradient_check(net, XOR, np.eye(3)[:, [0, 1, 2, 0]])
    small = [finding for finding in report.unjudged if finding.verdict == SMALL]
    assert report.ok and small and len(small) == len(report.unjudged)
    text = " ".join(str(report).split())
    assert f"every gradient that can be judged agrees: {18 - len(small)} of 18 comparisons" in text
    assert f"not judged: {len(small)} too small to judge" in text and "← too small to judge" in text


def test_a_gradient_of_nothing_judged_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0)
    mean_cost = EQUATIONS["mean_cost"]
    plant = kind("mean_cost", lambda *a, **options: mean_cost(*a, **options) * (1 + 1e-3 * noise.standard_normal()))
    case = problem([3, 4, 2], ["tanh", "linear"])
    plant(monkeypatch)
    report = case.check()
    assert not report.ok and len(report.unjudged) == len(report.findings) == 18
    assert {finding.verdict for finding in report.findings} <= {STEEP, SMALL, KINK}
    assert "no gradient could be judged: 0 of 18 comparisons" in str(report)
