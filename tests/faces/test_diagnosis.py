"""A diagnosis finds what is wrong with a network, with numbers as evidence, and nothing in a healthy one."""

from __future__ import annotations

import copy
import pickle
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from glassnet import NeuralNetwork
from glassnet.batches.sources import checked_sources
from glassnet.errors import ParameterError
from glassnet.see import data_rules, learning_rules
from glassnet.see.diagnosis import RULES
from glassnet.see.evidence import Evidence, examine, reference_costs
from glassnet.see.wording import COMMAND
from glassnet.tables.costs import Absolute, BinaryCrossEntropy, CategoricalCrossEntropy, Poisson, Quadratic
from glassnet.training.history import History, Report

from .broken_networks import BROKEN, blobs, classifier, trained
from .healthy_networks import HEALTHY

ALSO_FOUND = {  # findings that a case rightly has as well
    "noise in the targets": {"duplicate rows"},
    "a column a thousand times wider": {"rate too high"},
    "targets near 2000": {"saturated units"},
}
MISCOUNTED = re.compile(
    r"(?<!column )\b0 (of|units?|rows?|epochs?|steps?)\b|\b1 [a-z ]*(units|rows|epochs|steps|layers|samples|values)\b"
)
COUNTING = {"constant columns", "imbalance", "duplicate rows"}  # findings that need all samples, not some of them


def examined(net: NeuralNetwork, x: Any, y: Any) -> Evidence:
    """The evidence of a diagnosis by x and y."""
    return examine(net.model, net.history, checked_sources(net.architecture, net.dtype, x, y))


@pytest.mark.parametrize("case", BROKEN)
def test_each_broken_network_has_its_finding_and_no_other(case: str) -> None:
    name, make = BROKEN[case]
    net, x, y = make()
    before = net.parameters.vector.copy()
    diagnosis = net.diagnose(x, y)
    assert name in diagnosis.names, str(diagnosis)
    assert set(diagnosis.names) - {name} <= ALSO_FOUND.get(case, set()), str(diagnosis)
    of_run = net.diagnose()
    assert (name in of_run.names) is (name not in COUNTING), str(of_run)
    assert set(of_run.names) - {name} <= ALSO_FOUND.get(case, set()), str(of_run)
    assert (net.parameters.vector == before).all()
    for finding in diagnosis.findings:
        assert any(letter.isdigit() for letter in finding.evidence), finding.evidence
        assert finding.equation.split()[0].rstrip(":,") in ("BP1", "BP2", "BP3", "BP4", "forward", "cost", "update")
        assert finding.change.endswith(".") and finding.expected.endswith(".")
    assert not MISCOUNTED.search(str(diagnosis)) and not MISCOUNTED.search(str(of_run))


def test_every_rule_has_a_case() -> None:
    """But the one about texts, which only a table has (test_cli.py)."""
    assert len({name for name, _ in BROKEN.values()}) == len(RULES) - 1


@pytest.mark.parametrize("case", HEALTHY)
def test_healthy_networks_have_no_findings(case: str) -> None:
    net, x, y = HEALTHY[case]()
    for diagnosis in (net.diagnose(x, y), net.diagnose()):
        assert diagnosis.names == (), str(diagnosis)


@pytest.mark.parametrize(
    ("case", "options"),
    [
        ("rate 0.00002", {"optimizer": "adam", "lr": 0.01}),
        ("ten sigmoid layers", {"optimizer": "adam", "lr": 0.003}),
    ],
)
def test_the_proposed_change_removes_the_finding(case: str, options: dict[str, object]) -> None:
    name, make = BROKEN[case]
    net, x, y = make()
    assert name in net.diagnose(x, y).names
    changed = classifier([8] * 10, "relu") if "sigmoid" in case else net
    trained(changed, x, y, **options)
    assert name not in changed.diagnose(x, y).names


def test_rules_find_nothing_once_the_cost_has_fallen() -> None:
    """δ vanishes and units are saturated, but the cost has come down."""
    for case, rule in (
        ("ten sigmoid layers", learning_rules.vanishing),
        ("weights sixty times as large", learning_rules.saturated),
    ):
        evidence = examined(*BROKEN[case][1]())
        assert rule(evidence) is not None
        assert rule(replace(evidence, reached=evidence.least)) is None


def test_a_cost_that_falls_and_rises_is_not_a_rate_too_low() -> None:
    evidence = examined(*BROKEN["rate 0.00002"][1]())
    assert evidence.history is not None and learning_rules.rate_too_low(evidence) is not None
    falling = evidence.costs
    zigzag = falling + 0.004 * (np.arange(len(falling)) % 2)
    reports = [report._replace(cost=cost) for report, cost in zip(evidence.history, zigzag, strict=True)]
    assert learning_rules.rate_too_low(replace(evidence, history=History(reports))) is None


@pytest.mark.parametrize(
    ("costs", "expected"),
    [([1.0, 5.0], True), ([1.0, 0.5], False), ([1.0, 0.3, 0.9, 1.5, 1.6], True), ([1.0, 0.5, 0.52, 0.5, 0.51], False)],
)
def test_a_cost_that_rose_is_a_rate_too_high(costs: list[float], expected: bool) -> None:
    net = classifier([4])
    history = History([Report(number, number, cost, 0.1) for number, cost in enumerate(costs, 1)])
    assert (learning_rules.rate_too_high(Evidence(net.model, history, None)) is not None) is expected


def test_units_that_a_few_samples_leave_inactive_are_not_dead() -> None:
    net, x, y = BROKEN["biases of -8"][1]()
    assert "dead units" in net.diagnose(x[:, :20], y[:20]).names
    assert "dead units" not in net.diagnose(x[:, :19], y[:19]).names


@pytest.mark.parametrize(("size", "expected"), [(20.0, False), (40.0, True)])
def test_columns_of_tens_are_accepted(size: float, expected: bool) -> None:
    x, y = blobs()
    evidence = examined(classifier([4]), size * x / np.sqrt((x**2).mean(axis=1, keepdims=True)), y)
    assert (data_rules.unscaled(evidence) is not None) is expected


def test_the_best_constant_prediction_of_each_cost() -> None:
    y = np.array([[0.0], [0.0], [0.0], [1.0], [1.0]])
    entropy = -(0.4 * np.log(0.4) + 0.6 * np.log(0.6))
    assert reference_costs(Quadratic(), y)[0] == pytest.approx(0.5 * 0.24)
    assert reference_costs(BinaryCrossEntropy(), y) == pytest.approx((entropy, 0))
    assert reference_costs(CategoricalCrossEntropy(), np.hstack([y, 1 - y])) == pytest.approx((entropy, 0))
    assert reference_costs(Absolute(), y)[0] == pytest.approx(0.4)
    assert reference_costs(Poisson(), y)[0] == pytest.approx(0.4 - 0.4 * np.log(0.4))


def test_arguments_and_text_of_a_diagnosis() -> None:
    net = classifier([4])
    with pytest.raises(ParameterError, match=r"no record of a training.*pass x and y"):
        net.diagnose()
    x, y = blobs()
    with pytest.raises(ParameterError, match="together"):
        net.diagnose(x)
    trained(net, x, y)
    assert str(net.diagnose(x, y)) == "no findings in 2 layers, 30 epochs, 600 samples"
    symmetric = NeuralNetwork([2, 5, 3], initializer="zeros", seed=0)
    assert str(net.diagnose()) == "no findings in 2 layers, 30 epochs, 256 training samples"
    assert str(pickle.loads(pickle.dumps(net)).diagnose()) == "no findings in 30 epochs"
    text = str(symmetric.diagnose(x, np.eye(3)[y].T))
    assert text.startswith("1 finding in 2 layers, 600 samples\n\nsymmetric start: all 5 units of layer 1")
    assert ">1 finding" in symmetric.diagnose(x, np.eye(3)[y].T)._repr_html_()


def test_columns_are_called_by_their_names() -> None:
    net, x, y = BROKEN["a column a thousand times wider"][1]()
    assert "column 1 of x has mean" in str(net.diagnose(x, y))
    assert "column 'income' of x has mean" in str(net.diagnose(x, y, columns=["age", "income"]))
    with pytest.raises(ParameterError, match="columns has 1 names, but x has 2 columns"):
        net.diagnose(x, y, columns=["age"])
    net, x, y = BROKEN["a column that never changes"][1]()
    assert "column 'flat' of x (always 0.7) never changes" in str(net.diagnose(x, y, columns=["t", "flat"]))


def test_the_recent_samples_of_a_network_are_bounded() -> None:
    """256 samples, or none where these would take more than 4 MB; a copy has none."""
    for inputs, outputs, kind, expected in (
        (2, 1, "f8", True),
        (3000, 1, "f8", False),
        (3000, 1, "u1", True),
        (2, 5000, "f8", False),
    ):
        net = NeuralNetwork([inputs, 2, outputs], seed=0)
        x = np.random.default_rng(0).random((300, inputs)).astype(kind).T  # read in place, so its dtype stays
        net.train(x, np.zeros((outputs, 300)), epochs=1)
        assert (net.recent_samples is not None) is expected and copy.deepcopy(net).recent_samples is None
        if net.recent_samples is not None:
            assert net.recent_samples.x.shape == (256, inputs) and not np.shares_memory(net.recent_samples.x, x)


def test_history_and_recent_samples_are_of_the_same_run() -> None:
    """A run that a callback breaks off with an error leaves neither."""

    def fail(report: Report) -> None:
        raise RuntimeError("from a callback")

    net, rng = NeuralNetwork([3, 4, 1], seed=0), np.random.default_rng(0)
    for _ in range(2):
        history, samples = net.history, net.recent_samples
        with pytest.raises(RuntimeError, match="from a callback"):
            net.train(rng.random((3, 20)), rng.random((1, 20)), epochs=2, callbacks=[fail])
        assert net.history is history and net.recent_samples is samples
        net.train(rng.random((3, 20)), rng.random((1, 20)), epochs=2)
        assert net.history is not history and net.recent_samples is not samples


@pytest.mark.parametrize(
    ("cost", "activation", "answer"),
    [
        ("quadratic", "sigmoid", "always answering the mean of y"),
        ("binary_cross_entropy", "sigmoid", "always answering the shares of the classes"),
        ("absolute", "sigmoid", "always answering the best constant"),
    ],
)
def test_the_constant_answer_has_the_cost_that_is_named(cost: str, activation: str, answer: str) -> None:
    x, y = np.array([[0.0, 0, 1, 1], [0, 1, 0, 1]]), np.array([[0.0, 1, 1, 1]])
    net = NeuralNetwork([2, 1], [activation], cost, seed=0)
    evidence = examined(net, x, y)
    assert evidence.constant_answer == answer
    net.weights, constant = [np.zeros((1, 2))], {"best constant": 1 - 1e-6}.get(answer.split("the ")[-1], 0.75)
    net.biases = [[[np.log(constant / (1 - constant))]]]
    assert evidence.constant == pytest.approx(net.cost(x, y), rel=1e-4)


def test_exclusive_or_is_compared_with_the_mean() -> None:
    x, y = np.array([[0.0, 0, 1, 1], [0, 1, 0, 1]]), np.array([[0.0, 1, 1, 0]])
    net = NeuralNetwork([2, 3, 1], seed=0)
    net.train(x, y, 4, 50, lr=0.1)
    assert "no better than always answering the mean of y (0.125)" in str(net.diagnose())


def test_a_constant_input_that_the_preparation_made_is_no_column_of_the_table() -> None:
    net, x, y = BROKEN["a column that never changes"][1]()
    evidence = examined(net, x, y)
    assert data_rules.constant(evidence) is not None
    assert data_rules.constant(replace(evidence, wording=COMMAND)) is None
