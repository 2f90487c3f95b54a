"""NeuralNetwork.evaluate: the cost with accuracy or R², against scikit-learn's scores and the network's own cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import r2_score

from glassnet import DataError, NeuralNetwork, Softmax
from glassnet.execution.evaluation import Evaluation
from glassnet.execution.executor import ENGINES

engines = pytest.mark.parametrize("engine", ENGINES)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 9001))  # more than one block


def network(outputs: int, last: str = "linear", **options: Any) -> NeuralNetwork:
    return NeuralNetwork([3, 5, outputs], ["tanh", last], **{"seed": 1, "l2": 0.1, **options})


@engines
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("samples", [2, 300, 9001])
def test_quantities_get_the_r2_of_sklearn(outputs: int, weighted: bool, samples: int, engine: str) -> None:
    """With targets far from 0, on scales that differ, and weights of which some are 0."""
    x, net = X[:, :samples], network(outputs, dtype="float64", engine=engine)
    y = np.arange(1, outputs + 1)[:, None] * (net.predict(x) + np.random.default_rng(2).normal(size=(outputs, samples)))
    y += 1000 * np.arange(outputs)[:, None]
    weights = np.where(np.arange(samples) % 5 == 3, 0, np.arange(samples) + 1.0) if weighted else None
    result = net.evaluate(x, y, weights)
    assert result.cost == net.cost(x, y, weights) and result.accuracy is None
    assert result.r2 == pytest.approx(r2_score(y.T, net.predict(x).T, sample_weight=weights), rel=1e-10, abs=1e-12)
    assert repr(result) == str(result) == f"cost {result.cost:.6g}, R² {result.r2:.4f}"


def test_the_sums_are_float64_in_a_float32_network() -> None:
    net = network(1)
    y = (1e4 + RNG.normal(size=(1, 9001))).astype(np.float32)  # as the network stores it
    net.biases[1][...] = 1e4
    a = net.feedforward(X)[1][-1].astype(np.float64)
    assert net.evaluate(X, y).r2 == pytest.approx(r2_score(y[0].astype(np.float64), a[0]), abs=1e-9)


def test_integer_targets_count_as_numbers() -> None:
    y = RNG.integers(0, 256, (1, 9001)).astype(np.uint8)
    a = network(1).feedforward(X)[1][-1].astype(np.float64)
    assert network(1).evaluate(X, y).r2 == pytest.approx(r2_score(y[0].astype(np.float64), a[0]), rel=1e-9)


@pytest.mark.parametrize("constant", [0.1, 1e8 / 3, 0.0])
def test_constant_targets_have_no_r2(constant: float) -> None:
    """Also where the rounded mean differs from the constant, or only one output is constant."""
    for rows in ([0, 1], [1]):
        y = RNG.normal(size=(2, 9001))
        y[rows] = constant
        result = network(2, dtype="float64").evaluate(X, y)
        assert result.r2 is None and result.cost == network(2, dtype="float64").cost(X, y)
        assert repr(result) == f"cost {result.cost:.6g}, no R² (the targets of an output are constant)"
    assert network(2, dtype="float64").evaluate(X[:, :1], np.ones((2, 1))).r2 is None


def test_targets_of_weight_0_do_not_make_the_others_vary() -> None:
    y, weights = np.full((1, 9001), 0.1), np.ones(9001)
    y[0, 17], weights[17] = 5, 0
    assert network(1, dtype="float64").evaluate(X, y, weights).r2 is None
    assert network(1, dtype="float64").evaluate(X, y).r2 is not None


@engines
def test_classes_get_the_accuracy(engine: str) -> None:
    labels = RNG.integers(0, 4, 9001)
    net = network(4, "softmax", cost="categorical_cross_entropy", engine=engine)
    result, right = net.evaluate(X, labels), (net.predict(X).argmax(axis=0) == labels).mean()
    assert result == Evaluation(net.cost(X, labels), float(right), None)
    assert repr(result) == f"cost {result.cost:.6g}, accuracy {right:.2%}"
    assert net.evaluate(X, np.eye(4)[labels].T).accuracy == right
    weights = RNG.random(9001)
    assert net.evaluate(X, labels, weights) == (net.cost(X, labels, weights), right, None)


def test_one_output_and_groups_get_the_accuracy() -> None:
    net, y = network(1, "sigmoid", cost="bce"), RNG.integers(0, 2, (1, 9001))
    assert net.evaluate(X, y).accuracy == ((net.predict(X) > 0.5) == y).mean()
    grouped = NeuralNetwork([3, 5], [Softmax(groups=(2, 3))], cost="categorical_cross_entropy", seed=0)
    labels, a = RNG.integers(0, 2, (2, 9001)), grouped.predict(X)
    right = (a[:2].argmax(axis=0) == labels[0]) & (a[2:].argmax(axis=0) == labels[1])
    assert grouped.evaluate(X, labels).accuracy == right.mean()


def test_bad_data_are_refused_as_in_cost() -> None:
    with pytest.raises(DataError, match=r"pass x\.T"):
        network(1).evaluate(X.T, np.zeros((1, 9001)))
