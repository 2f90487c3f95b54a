"""Backpropagation of whole networks against central differences of the cost that is reported.

Every activation with every cost that it fits, both engines, every layer in every position. A new entry of a table is
checked automatically.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from glassnet.check.gradient_check import gradient_check
from glassnet.check.gradient_report import GradientReport
from glassnet.errors import ParameterError
from glassnet.network import NeuralNetwork
from glassnet.program.architecture import fits
from glassnet.program.equations import bp1, bp2, bp3, bp4
from glassnet.tables import costs
from glassnet.tables.activations import ACTIVATIONS, ELU, LeakyReLU, Softmax, activation
from glassnet.tables.costs import COSTS, BinaryCrossEntropy, CategoricalCrossEntropy, Huber, Quantile, cost, custom_cost
from glassnet.tables.custom_activation import custom_activation
from glassnet.tables.layers import LAYERS, BatchNorm, Dropout, LayerNorm, Scaling

from .by_hand import check_pass, check_steps, same
from .problems import Problem, problem

ENGINES = ("numpy", "compiled")
CUBIC = custom_activation("cubic", lambda z: z + 0.1 * z**3, lambda z: 1 + 0.3 * z**2)
SINE = custom_activation("sine", np.sin, lambda z, a: np.cos(z), -1, 1)
FOURTH = custom_cost("fourth", lambda a, y: (a - y) ** 4, lambda a, y: 4 * (a - y) ** 3)

OUTPUTS = [*map(activation, ACTIVATIONS), CUBIC]
CHARGES = [*map(cost, COSTS), FOURTH]
MORE_OUTPUTS = [*OUTPUTS, LeakyReLU(0.3), ELU(0.5), SINE]
MORE_CHARGES = [*CHARGES, Huber(0.3), Quantile(0.9), BinaryCrossEntropy(0.2), CategoricalCrossEntropy(0.2)]
FITTING = [(last, row) for last in OUTPUTS for row in CHARGES if fits(row, last)]
MORE_FITTING = [(last, row) for last in MORE_OUTPUTS for row in MORE_CHARGES if fits(row, last)]
PAIRED = [(name, row, n) for row in MORE_CHARGES for name in row.pairs for n in (1, 3) if (name, n) != ("softmax", 1)]
PAIRED += [(Softmax((2, 1)), row, 3) for row in MORE_CHARGES if "softmax" in row.pairs]
PENALTY = {"l1": 0.01, "l2": 0.1}


def assert_right(report: GradientReport) -> None:
    """Every gradient agrees to 1e-6, or to what rounding allows, and was judged at the network itself."""
    assert report.ok and report.tolerance <= 1e-6 and not report.unjudged, f"\n{report}"
    judged = (f.difference <= max(report.tolerance, f.limit) <= 1e-3 and not f.nudged for f in report.findings)
    assert all(judged), f"\n{report}"
    assert len(report.findings) >= 4


# ---- activations with costs


def test_every_row_is_in_the_table() -> None:
    assert {last.name for last, _ in FITTING} >= set(ACTIVATIONS)
    assert {row.name for _, row in FITTING} >= set(COSTS)
    pairs = {("sigmoid", "binary_cross_entropy"), ("softmax", "categorical_cross_entropy"), ("exp", "poisson")}
    assert {(last, row.name) for last, row, _ in PAIRED} >= pairs


@pytest.mark.parametrize("penalty", [{}, PENALTY], ids=["", "penalty"])
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weights"])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(("last", "row"), FITTING, ids=str)
def test_gradients_are_those_of_the_cost(last: Any, row: Any, outputs: int, weighted: bool, penalty: Any) -> None:
    if isinstance(last, Softmax) and outputs == 1:
        return  # it is refused
    case = problem([2, 4, outputs], [last, last], row, batch=5, weighted=weighted, **penalty)
    assert_right(case.check(directions=1))


@pytest.mark.parametrize(("last", "row"), MORE_FITTING, ids=str)
def test_compiled_gradients_are_those_of_the_cost(last: Any, row: Any) -> None:
    case = problem([2, 4, 3], [last, last], row, batch=5, weighted=True, engine="compiled", **PENALTY)
    assert_right(case.check(directions=1))


@pytest.mark.parametrize("row", MORE_CHARGES, ids=str)
@pytest.mark.parametrize("penalty", [{}, PENALTY], ids=["", "penalty"])
@pytest.mark.parametrize("engine", ENGINES)
def test_cost_is_the_weighted_mean_of_the_table_and_the_penalty(row: Any, penalty: Any, engine: str) -> None:
    for last in (last for last, fitting in MORE_FITTING if fitting is row):
        net, x, y, options = problem([2, 4, 3], ["tanh", last], row, weighted=True, engine=engine, **penalty)
        s, y_seen = options["sample_weight"], row.smoothed(y, (3,))
        expected = (s * row.value(net.predict(x), y_seen).sum(axis=0)).sum() / s.sum()
        if penalty:
            expected += sum(0.01 * abs(w).sum() + 0.05 * (w**2).sum() for w in net.weights)
        assert net.cost(x, y, sample_weight=s) == pytest.approx(expected, rel=1e-12, abs=1e-14)


# ---- pairs


def errors_of_output(case: Problem) -> tuple[list[Any], list[Any]]:
    """δ of the last layer and C, each sample by itself: with one sample ∂C/∂b is δ."""
    deltas, values = [], []
    for sample in range(case.x.shape[1]):
        x, y = case.x[:, [sample]], case.y[:, [sample]]
        deltas.append(case.net.backpropagation(y, *case.net.feedforward(x))[1][-1])
        values.append(case.net.cost(x, y))
    return deltas, values


@pytest.mark.parametrize(("last", "row", "outputs"), PAIRED, ids=str)
@pytest.mark.parametrize("engine", ENGINES)
def test_pair_equals_the_general_rows(
    last: Any, row: Any, outputs: int, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def solved() -> tuple[str, tuple[list[Any], list[Any]]]:
        case = problem([2, 4, outputs], ["tanh", last], row, engine=engine)
        return str(case.net.program), errors_of_output(case)

    shortcut, (deltas, values) = solved()
    monkeypatch.setattr(type(row), "pairs", {})
    general, (expected_deltas, expected_values) = solved()
    assert "∂c/∂a2" in general and "∂c/∂a2" not in shortcut
    same(deltas, expected_deltas)
    same(values, expected_values)


# ---- layers between


def positions(name: str) -> list[tuple[str, list[Any]]]:
    """A network with a layer on x itself, after an activation, before one, and behind the output."""
    kind = LAYERS[name]
    row = kind()
    if row.on_inputs:
        return [("x", [3, row, 4, 2]), ("some of x", [5, kind(inputs=(3, 0)), kind(inputs=(1,)), Scaling(), 4, 2])]
    layouts = [("x", [3, row, 4, 2]), ("after", [3, 4, row, 2]), ("output", [3, 4, 2, row])]
    if "before_activation" in {field.name for field in fields(kind)}:
        before: Any = kind(before_activation=True)
        layouts += [
            ("before", [3, 4, before, 2]),
            ("before output", [3, 4, 2, before]),
            ("twice", [3, 4, before, row, 2]),
        ]
    return layouts


PLACED = [pytest.param(layers, id=f"{name}-{where}") for name in LAYERS for where, layers in positions(name)]


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("layers", PLACED)
@pytest.mark.parametrize("engine", ENGINES)
def test_layers_pass_the_error_on(layers: list[Any], training: bool, engine: str) -> None:
    case = problem(layers, ["tanh", "linear"], training=training, weighted=True, engine=engine, **PENALTY)
    assert_right(case.check(directions=2))


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize(("last", "row"), [(last, row) for last, row, outputs in PAIRED if outputs == 3], ids=str)
@pytest.mark.parametrize("engine", ENGINES)
def test_layer_before_a_paired_output(last: Any, row: Any, training: bool, engine: str) -> None:
    layers = [3, Dropout(0.2), 4, LayerNorm(), 3, BatchNorm(before_activation=True)]
    assert_right(problem(layers, ["gelu", last], row, training=training, engine=engine).check())


@pytest.mark.parametrize("engine", ENGINES)
def test_all_layers_at_once(engine: str) -> None:
    before: list[Any] = [BatchNorm(before_activation=True), Scaling(before_activation=True)]
    layers = [3, BatchNorm(), 5, *before, Dropout(0.3), LayerNorm(), 4, LayerNorm(before_activation=True), Scaling(), 2]
    case = problem(layers, ["silu", "softmax", "linear"], "huber", batch=9, training=True, weighted=True, engine=engine)
    assert_right(case.check(entries=True))


def test_dropout_is_left_out_of_inference_and_not_of_training() -> None:
    reports = [problem([3, 8, Dropout(0.5), 2], ["tanh", "linear"], training=t).check() for t in (False, True)]
    assert reports[0].worst.analytic != reports[1].worst.analytic


@pytest.mark.parametrize("outer", ["quadratic", "poisson", "categorical_cross_entropy"])
def test_softmax_in_a_hidden_layer(outer: str) -> None:
    assert_right(problem([3, 4, 5, 3], ["softmax", "softmax", "softmax"], outer, weighted=True).check())


@pytest.mark.parametrize("penalty", [{}, PENALTY], ids=["", "penalty"])
@pytest.mark.parametrize("row", [*COSTS, CategoricalCrossEntropy(0.2)], ids=str)
@pytest.mark.parametrize("engine", ENGINES)
def test_softmax_by_groups(row: Any, penalty: Any, engine: str) -> None:
    if not fits(cost(row), Softmax()):
        return
    layers, rows = [3, 6, 20, 6], ["tanh", Softmax((17, 1, 2)), Softmax((1, 3, 2))]
    case = problem(layers, rows, row, weighted=True, engine=engine, **penalty)
    case.y[0] = 1  # the output of a group of one is 1 whatever z is, and another target may cost infinitely much
    assert_right(case.check(directions=2))


# ---- a plain network, by hand


@pytest.mark.parametrize("penalty", [{}, {"l2": 0.1}, PENALTY], ids=["", "l2", "l1+l2"])
@pytest.mark.parametrize("layers", [[3, 2], [2, 5, 1], [4, 4, 4, 4]], ids=str)
@pytest.mark.parametrize("engine", ENGINES)
def test_plain_network_is_that_written_by_hand(layers: list[int], penalty: Any, engine: str) -> None:
    count = len(layers) - 1
    case = problem(layers, ["sigmoid"] * count, weighted=True, engine=engine, **penalty)
    check_pass(case.net, case.x, case.y, case.weights)


@pytest.mark.parametrize("limit", [3.0, 0.05])
@pytest.mark.parametrize("engine", ENGINES)
def test_steps_are_those_written_by_hand(limit: float, engine: str) -> None:
    case = problem([3, 4, 2], ["sigmoid", "sigmoid"], weighted=True, engine=engine, **PENALTY)
    check_steps(case.net, case.x, case.y, case.weights, limit)


# ---- the report


def test_entries_are_those_of_backpropagation() -> None:
    case = problem([3, 4, 2], ["tanh", "sigmoid"], weighted=True, **PENALTY)
    report = case.check(entries=True)
    assert_right(report)
    dw, db = case.net.backpropagation(case.y, *case.net.feedforward(case.x), sample_weight=case.weights)
    entries = {finding.quantity: finding for finding in report.findings if "[" in finding.quantity}
    assert len(entries) == case.net.parameters.count
    expected = {f"dW{n}[{i}, {j}]": g for n, d in enumerate(dw, 1) for (i, j), g in np.ndenumerate(d)}
    expected |= {f"db{n}[{i}]": g for n, d in enumerate(db, 1) for (i, _), g in np.ndenumerate(d)}
    assert entries.keys() == expected.keys()
    for name, gradient in expected.items():
        assert entries[name].analytic == pytest.approx(gradient, rel=1e-12, abs=1e-14)
        assert entries[name].equation == ("BP4" if "W" in name else "BP3") and entries[name].layer == int(name[2])


def test_every_error_and_gradient_is_compared() -> None:
    report = problem([3, 4, Scaling(), 5, 2], ["tanh", "tanh", "linear"]).check(directions=2)
    compared = [(finding.layer, finding.equation, finding.quantity) for finding in report.findings[::2]]
    assert compared[:3] == [(3, "BP1", "δ3"), (3, "BP4", "dW3"), (3, "BP3", "db3")]
    assert compared[3:6] == [(2, "BP2", "δ2"), (2, "BP4", "dW2"), (2, "BP3", "db2")]
    assert compared[6:9] == [(1, "BP2", "δ1"), (1, "BP4", "dW1"), (1, "BP3", "db1")]
    assert len(compared) == 10 and compared[9][:2] == (1, "BP3") and "gamma" in compared[9][2]


def test_report_says_what_is_wrong() -> None:
    wrong = custom_activation("wrong", np.tanh, lambda z, a: 1 - a)
    report = problem([3, 4, 2], [wrong, "linear"]).check()
    assert not report.ok and report.worst.difference > 0.01
    assert report.worst.equation in ("BP2", "BP3", "BP4") and report.worst.layer == 1
    lines = str(report).splitlines()
    assert len(lines) == 1 + 6 + 2 and lines[0].split()[:3] == ["layer", "equation", "quantity"]
    assert ["wrong" in line for line in lines[1:7]] == [False] * 3 + [True] * 3
    assert any("disagrees" in line and "18 comparisons" in line for line in lines[7:])


def test_report_says_that_all_is_right() -> None:
    report = problem([3, 4, 2], ["tanh", "linear"]).check(directions=1)
    text = str(report)
    assert "every gradient agrees: 6 comparisons, tolerance 1e-06" in text and "wrong" not in text
    assert report.worst.difference == max(finding.difference for finding in report.findings)
    exact = problem([3, 4, 2], ["tanh", "linear"]).check(tolerance=0.0)
    assert exact.ok and "(within rounding, " in str(exact)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ENGINES)
def test_check_works_in_float64_and_leaves_the_network_as_it_was(dtype: str, engine: str) -> None:
    layers = [3, 4, BatchNorm(before_activation=True), Dropout(0.5), 2]
    case = problem(layers, ["tanh", "linear"], training=True, dtype=dtype, engine=engine)
    net = case.net

    def everything() -> tuple[bytes, ...]:
        arrays = (net.parameters.vector, net.statistics.vector, net.predict(case.x))
        return (*(array.tobytes() for array in arrays), repr(net).encode(), case.x.tobytes(), case.y.tobytes())

    before = everything()
    assert_right(case.check(entries=True))
    assert everything() == before and net.parameters.vector.dtype == dtype


def test_no_direction_at_all_is_refused() -> None:
    with pytest.raises(ParameterError, match="directions is 0; it must be at least 1"):
        problem([3, 2], ["linear"]).check(directions=0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_numbers_are_checked_as_their_columns(smoothing: float) -> None:
    net, x, _, _ = problem([3, 4, 3], ["tanh", "softmax"], CategoricalCrossEntropy(smoothing))
    labels = np.array([0, 2, 1, 1, 0, 2])
    numbers, columns = gradient_check(net, x, labels), gradient_check(net, x, np.eye(3)[:, labels])
    assert_right(numbers)
    assert numbers == columns


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_numbers_of_groups_are_checked_as_their_columns(smoothing: float) -> None:
    net, x, _, _ = problem([3, 4, 5], ["tanh", Softmax((3, 2))], CategoricalCrossEntropy(smoothing))
    labels = np.array([[0, 2, 1, 1, 0, 2], [1, 1, 0, 1, 0, 0]])
    rows = np.vstack([np.eye(3)[:, labels[0]], np.eye(2)[:, labels[1]]])
    numbers, columns = gradient_check(net, x, labels), gradient_check(net, x, rows)
    assert_right(numbers)
    assert numbers == columns


def test_gradient_that_is_wrong_beside_a_kink_is_still_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    case = problem([2, 3, 2], ["relu", "linear"], "absolute")
    assert_right(case.check())
    monkeypatch.setattr(costs.Absolute, "gradient", lambda self, a, y: a - y)
    assert not problem([2, 3, 2], ["relu", "linear"], "absolute").check().ok


def test_small_slope_of_a_curve_is_not_taken_for_a_kink(monkeypatch: pytest.MonkeyPatch) -> None:
    case = problem([2, 3, 2], ["tanh", "linear"], batch=40)
    case.net.train(case.x, case.y, 40, 300, 0.5, verbose=0)
    assert_right(case.check())
    monkeypatch.setattr(costs.Quadratic, "gradient", lambda self, a, y: 1.5 * (a - y))
    again = problem([2, 3, 2], ["tanh", "linear"], batch=40)
    again.net.parameters.vector[:] = case.net.parameters.vector
    wrong = again.check().findings
    assert all(finding.difference > 0.3 for finding in wrong if abs(finding.numeric) > 1e-7)


def test_the_four_functions_give_the_numbers_of_the_step() -> None:
    net, rng = (
        NeuralNetwork([3, 5, 4, 2], ["tanh", "relu", "sigmoid"], seed=1, engine="numpy"),
        np.random.default_rng(0),
    )
    x, y = rng.normal(size=(3, 7)), rng.random((2, 7))
    step = net.trace(x, y, dtype="float64")
    slopes = [
        dense.activation.derivative(step[f"z{n}"], step[f"a{n}"]) for n, dense in enumerate(net.architecture.dense, 1)
    ]
    delta = bp1(net.architecture.cost.gradient(step["a3"], y), slopes[2])
    for layer in (3, 2, 1):
        assert np.array_equal(delta, step[f"delta{layer}"])
        assert np.array_equal(bp3(delta), step[f"db{layer}"])
        assert np.array_equal(bp4(delta, step[f"a{layer - 1}"]), step[f"dw{layer}"])
        if layer > 1:
            delta = bp2(delta, step[f"w{layer}"], slopes[layer - 2])


def test_the_report_says_what_its_numbers_are() -> None:
    net, x, y = NeuralNetwork([2, 3, 1], seed=0), np.ones((2, 2)), np.zeros((1, 2))
    said = "slopes of C along random directions; entries=True compares each entry"
    assert said in " ".join(str(gradient_check(net, x, y)).split())
    assert "random directions" not in str(gradient_check(net, x, y, entries=True))
