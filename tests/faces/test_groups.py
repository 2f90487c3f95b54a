"""A softmax for each group of outputs, as users of a NeuralNetwork meet it: created, trained, inspected, saved."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet
from glassnet import DataError, NeuralNetwork, Softmax, check_backprop
from tests.faces.refusals import refused

GROUPS = (3, 5, 2)
ENDS = np.cumsum(GROUPS)[:-1]
ENGINES = ("numpy", "compiled")
CROSS_ENTROPY = "categorical_cross_entropy"
Array = np.ndarray[Any, Any]


def batch(m: int = 60, seed: int = 0) -> tuple[Array, Array]:
    """x (4, m), and class numbers (3, m) that depend on x."""
    x = np.random.default_rng(seed).normal(size=(4, m))
    return x, np.stack([(x[0] > 0).astype(int) + (x[1] > 0), np.clip((2 * x[2] + 2.5).astype(int), 0, 4), x[3] > 0])


def one_hot(y: Array) -> Array:
    """Class numbers of each group as columns (Σ groups, m)."""
    return np.vstack([np.eye(size)[:, numbers.astype(int)] for size, numbers in zip(GROUPS, y, strict=True)])


def network(engine: str = "compiled", dtype: str = "float64", **options: Any) -> NeuralNetwork:
    rows = ["tanh", Softmax(groups=GROUPS)]
    return NeuralNetwork(
        [4, 7, 10], rows, cost=options.pop("cost", CROSS_ENTROPY), seed=1, dtype=dtype, engine=engine, **options
    )


def manual_gradients(weights: list[Array], biases: list[Array], x: Array, y: Array) -> tuple[list[Array], list[Array]]:
    """dw and db without glassnet: one softmax per group, and a − y."""
    a1 = np.tanh(weights[0] @ x + biases[0])
    z2 = weights[1] @ a1 + biases[1]
    a2 = np.vstack([np.exp(z) / np.exp(z).sum(axis=0) for z in np.split(z2, ENDS)])
    delta2 = a2 - y
    delta1 = weights[1].T @ delta2 * (1 - a1**2)
    m = x.shape[1]
    return [delta1 @ x.T / m, delta2 @ a1.T / m], [delta.mean(axis=1, keepdims=True) for delta in (delta1, delta2)]


# ---- numbers


@pytest.mark.parametrize("engine", ENGINES)
def test_steps_equal_a_manual_backpropagation(engine: str) -> None:
    net, (x, y) = network(engine), batch()
    weights, biases = [w.copy() for w in net.weights], [b.copy() for b in net.biases]
    for _ in range(5):
        dw, db = manual_gradients(weights, biases, x, one_hot(y))
        weights = [w - 0.3 * g for w, g in zip(weights, dw, strict=True)]
        biases = [b - 0.3 * g for b, g in zip(biases, db, strict=True)]
    net.train(x, y, batch_size=60, epochs=5, lr=0.3, verbose=0)
    for one, other in zip([*net.weights, *net.biases], [*weights, *biases], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("engine", ENGINES)
def test_each_group_is_a_distribution_and_the_cost_is_the_sum(engine: str) -> None:
    net, (x, y) = network(engine), batch()
    a = net.predict(x)
    costs = [-np.log(part[rows.astype(int), range(60)]) for part, rows in zip(np.split(a, ENDS), y, strict=True)]
    assert all(np.allclose(part.sum(axis=0), 1, atol=1e-14) for part in np.split(a, ENDS))
    assert net.cost(x, y) == pytest.approx(np.sum(costs) / 60, rel=1e-13)
    assert net.predict(x[:, :1]) == pytest.approx(a[:, :1], rel=1e-14)


def test_one_group_is_the_softmax_of_all() -> None:
    x, labels = np.random.default_rng(0).normal(size=(4, 30)), np.arange(30) % 10
    vectors = []
    for row in ("softmax", Softmax(), Softmax(groups=[10]), Softmax(np.array([10]))):
        net = NeuralNetwork([4, 7, 10], ["tanh", row], cost=CROSS_ENTROPY, seed=1)
        net.train(x, labels, epochs=3, lr=0.1, verbose=0)
        vectors.append(net.parameters.vector.tobytes())
    assert len(set(vectors)) == 1


def test_a_group_learns_like_a_separate_network() -> None:
    """Without a hidden layer nothing is shared: each group is the softmax regression of its classes."""
    x, y = batch(300)
    whole = NeuralNetwork(
        [4, 10], [Softmax(groups=GROUPS)], cost=CROSS_ENTROPY, seed=3, dtype="float64", initializer="zeros"
    )
    whole.train(x, y, batch_size=50, epochs=8, lr=0.2, optimizer="adam", verbose=0)
    parts = zip(GROUPS, y, np.split(whole.weights[0], ENDS), np.split(whole.biases[0], ENDS), strict=True)
    for size, labels, w, b in parts:
        single = NeuralNetwork([4, size], ["softmax"], cost=CROSS_ENTROPY, seed=3, dtype="float64", initializer="zeros")
        single.train(x, labels, batch_size=50, epochs=8, lr=0.2, optimizer="adam", verbose=0)
        np.testing.assert_allclose(w, single.weights[0], rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(b, single.biases[0], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bits_do_not_depend_on_the_threads(dtype: str) -> None:
    vectors = []
    for threads in (1, 2, 3):
        net, (x, y) = network(dtype=dtype), batch(500)
        net.train(x, y, batch_size=37, epochs=2, lr=0.1, optimizer="adam", threads=threads, verbose=0)
        vectors.append(net.parameters.vector.tobytes())
    assert len(set(vectors)) == 1


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_numbers_give_the_bits_of_one_hot_columns(smoothing: float) -> None:
    x, y = batch()
    vectors = []
    for targets in (y, y.astype(float), y.tolist(), one_hot(y)):
        net = network(dtype="float32", cost=glassnet.CategoricalCrossEntropy(smoothing))
        history = net.train(x, targets, epochs=3, lr=0.1, validation=(x, targets), verbose=0)
        vectors.append((net.parameters.vector.tobytes(), list(history["accuracy"]), net.cost(x, targets)))
    assert all(vector == vectors[0] for vector in vectors)


@pytest.mark.parametrize("engine", ENGINES)
def test_accuracy_counts_samples_correct_in_every_group(engine: str) -> None:
    net, (x, y) = network(engine), batch()
    history = net.train(x, y, epochs=30, lr=0.3, validation=(x, y), verbose=0)
    answers = np.stack([part.argmax(axis=0) for part in np.split(net.predict(x), ENDS)])
    right = (answers == y).all(axis=0).mean()
    assert history["accuracy"][-1] == pytest.approx(right) and 0.2 < right < (answers == y).mean()


# ---- inspected


def test_the_program_names_the_groups() -> None:
    text = str(network().program)
    assert "a2 = softmax(z2) by groups of 3, 5, 2" in text and "δ2 = a2 − y" in text
    general = str(network(cost="quadratic").program)
    assert "δ2 = a2 ⊙ (∂c/∂a2 − Σ a2·∂c/∂a2) by groups of 3, 5, 2" in general
    many = NeuralNetwork([4, 14], [Softmax((2,) * 7)], cost=CROSS_ENTROPY)
    assert "softmax(z1) by 7 groups" in str(many.program) and "14 softmax by 7 groups" in repr(many)
    assert "10 softmax by groups of 3, 5, 2" in repr(network())
    assert "softmax by groups of 3, 5, 2" in network()._repr_mimebundle_()["text/html"]


def test_a_step_shows_the_jacobian_of_each_group() -> None:
    net, (x, y) = network(), batch(5)
    explanation = net.explain_step(x, y)
    text = re.sub(r"\s+", " ", str(explanation))
    assert "shares that add up to 1 in each group" in text and "J is 0 between groups" in text
    assert "they are the same" in text
    a = explanation.trace["a2"][:, :1]
    jacobian = next(stage for stage in explanation.stages if "Jacobian" in stage.title).terms[0].values
    expected = np.zeros((10, 10))
    for rows in np.split(np.arange(10), ENDS):
        expected[np.ix_(rows, rows)] = np.diag(a[rows, 0]) - a[rows] @ a[rows].T
    np.testing.assert_allclose(jacobian, expected, atol=1e-15)
    general = network(cost="quadratic").explain_step(x, one_hot(y))
    assert "J is 0 between groups" in re.sub(r"\s+", " ", str(general))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_trace_and_a_nudge(engine: str) -> None:
    net, (x, y) = network(engine), batch(7)
    trace = net.trace(x, y)
    np.testing.assert_allclose(trace["delta2"], trace["a2"] - one_hot(y), atol=1e-15)
    for neuron in (0, 4, 9):
        assert net.nudge(x, y, f"z2[{neuron},3]").slope == pytest.approx(trace["delta2"][neuron, 3] / 7, rel=1e-6)


def test_credit_lists_samples_wrong_in_any_group() -> None:
    net, (x, y) = network(), batch(300)
    net.train(x, y, epochs=60, lr=0.3, verbose=0)
    answers = np.stack([part.argmax(axis=0) for part in np.split(net.predict(x), ENDS)], axis=1)
    credit = net.credit(x, y)
    np.testing.assert_array_equal(credit.predicted, answers)
    np.testing.assert_array_equal(credit.labels, y.T)
    wrong = (answers != y.T).any(axis=1)
    assert 0 < wrong.sum() < 300
    assert set(credit.suspicious(300)) == set(np.flatnonzero(wrong))
    assert ("labelled" in str(credit)) == bool(wrong[credit.largest()].any())


def test_diagnose_finds_a_rare_class_in_its_group() -> None:
    net, (x, y) = network(), batch(300)
    assert "imbalance" not in str(net.diagnose(x, y))
    y[2] = 0
    y[2, :3] = 1
    assert "class 1 of group 2 has 3 rows of 300" in re.sub(r"\s+", " ", str(net.diagnose(x, y)))


def test_check_backprop_names_a_softmax_without_groups() -> None:
    rows = ["tanh", Softmax(groups=GROUPS)]

    def ungrouped(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        a1 = np.tanh(weights[0] @ x + biases[0])
        z2 = weights[1] @ a1 + biases[1]
        delta2 = np.exp(z2) / np.exp(z2).sum(axis=0) - y
        delta1, m = weights[1].T @ delta2 * (1 - a1**2), x.shape[1]
        return [delta1 @ x.T / m, delta2 @ a1.T / m], [d.mean(axis=1, keepdims=True) for d in (delta1, delta2)]

    assert str(check_backprop(manual_gradients, [4, 7, 10], rows, CROSS_ENTROPY)) == "no fault found"
    assert "softmax is taken over all outputs together" in str(
        check_backprop(ungrouped, [4, 7, 10], rows, CROSS_ENTROPY)
    )
    without_result = check_backprop(lambda w, b, x, y: None, [4, 7, 10], rows, CROSS_ENTROPY)
    assert "where a pair of lists is expected" in str(without_result)


# ---- saved, drawn, refused


def test_a_model_file_stores_the_groups(tmp_path: Path) -> None:
    net, (x, y) = network(), batch()
    net.train(x, y, epochs=2, lr=0.1, verbose=0)
    net.save(tmp_path / "net.safetensors")
    again = NeuralNetwork.load(tmp_path / "net.safetensors")
    assert again.architecture == net.architecture and again.architecture.groups == GROUPS
    assert again.predict(x).tobytes() == net.predict(x).tobytes()
    assert again.cost(x, y) == net.cost(x, y)


def test_pictures_of_one_group_are_refused() -> None:
    x, y = batch()
    with pytest.raises(DataError, match="3 groups of classes per sample; a confusion matrix can show only one"):
        glassnet.plot_confusion(network(), x, y)
    flat = NeuralNetwork([2, 10], [Softmax(groups=GROUPS)], cost=CROSS_ENTROPY)
    with pytest.raises(DataError, match="3 groups of classes per sample; a decision surface can show only one"):
        glassnet.plot_predictions(flat, x[:2], y)


def softmax_of(groups: Any) -> Any:
    return lambda: Softmax(groups=groups)


@pytest.mark.parametrize(
    ("call", "kind", "phrases"),
    [
        (softmax_of("35"), TypeError, ("groups of Softmax must be whole numbers such as (3, 5, 2)", "'35'")),
        (softmax_of(np.array(3)), TypeError, ("whole numbers such as (3, 5, 2)", "not 3")),
        (softmax_of(3), TypeError, ("whole numbers such as (3, 5, 2)", "not 3")),
        (softmax_of((3, 2.0)), TypeError, ("whole numbers", "(3, 2.0)")),
        (softmax_of((3, True)), TypeError, ("whole numbers", "True")),
        (softmax_of((3, 0)), ValueError, ("at least 1", "(3, 0)")),
        (lambda: NeuralNetwork([4, 9], [Softmax((3, 5))]), ValueError, ("activations[0]", "8 outputs", "layer has 9")),
        (
            lambda: NeuralNetwork([4, 9, 8], [Softmax((3, 5)), "linear"]),
            ValueError,
            ("activations[0] has groups of 8 outputs in all, but its layer has 9",),
        ),
    ],
)
def test_invalid_groups_are_refused(call: Any, kind: type[Exception], phrases: tuple[str, ...]) -> None:
    refused(call, kind, phrases)


TWO_SHARES = one_hot(batch()[1])
TWO_SHARES[3:8, 7] = 0.4
Y_CASES: list[tuple[str, Any, tuple[str, ...]]] = [
    ("one class for all", batch()[1][0], ("(60,)", "(10, 60), or class numbers of shape (3, 60)")),
    ("transposed", batch()[1].T, ("(60, 3)", "(3, 60)", "pass y.T")),
    ("transposed columns", one_hot(batch()[1]).T, ("(60, 10)", "pass y.T")),
    ("no such class", np.where(np.arange(60) == 4, 5, batch()[1]), ("y[0, 4] is 5, but the classes are 0 to 2",)),
    ("half a class", np.vstack([batch()[1][:2], np.full(60, 0.5)]), ("y[2, 0] is not a whole number", "0 to 1")),
    ("shares", TWO_SHARES, ("y[3:8, 7] adds up to 2", "class numbers of shape (3, batch)")),
    ("fewer", batch(50)[1], ("50 samples", "x has 60")),
]


@pytest.mark.parametrize(("y", "phrases"), [case[1:] for case in Y_CASES], ids=[case[0] for case in Y_CASES])
def test_targets_that_do_not_fit_the_groups_are_refused(y: Any, phrases: tuple[str, ...]) -> None:
    x, _ = batch()
    for call in (lambda: network().train(x, y), lambda: network().cost(x, y), lambda: network().credit(x, y)):
        refused(call, ValueError, phrases)
