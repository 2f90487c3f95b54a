"""Exercises: a person's own numbers, and the equation they slipped in. Each slip is planted as a person makes it."""

import re

import numpy as np
import pytest

from glassnet.errors import ParameterError
from glassnet.network import NeuralNetwork
from glassnet.see.answers import fits, judged_answer
from glassnet.see.slips import Slips

X = np.random.default_rng(4).normal(size=(3, 5))


def step(layers=(3, 4, 3, 2), activations=("tanh", "sigmoid", "sigmoid"), cost="quadratic", **options):
    """A network, its trace on five samples, and its y."""
    network = NeuralNetwork(layers, list(activations), cost, dtype="float64", seed=5, **options)
    for number, biases in enumerate(network.biases):
        network.biases[number] = biases + 0.3 + 0.1 * np.arange(len(biases))[:, np.newaxis]
    classes = np.arange(5) % layers[-1]
    y = classes if cost == "categorical_cross_entropy" else np.eye(layers[-1])[:, classes] * 0.8 + 0.1
    return network, network.trace(X, y), np.eye(layers[-1])[:, classes] if y.ndim == 1 else y


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def told(network, trace, quantity, values):
    """What a person is told who writes their numbers with four digits."""
    written = [float(f"{value:.4g}") for value in np.ravel(values)]
    verdict = judged_answer(network.architecture, trace, quantity, written)
    assert not verdict.right
    return verdict.sentence


NETWORK, T, Y = step()
W1, W2, W3 = NETWORK.weights
A0, A1, A2, A3 = (T[f"a{layer}"] for layer in range(4))
Z1, Z2, Z3 = (T[f"z{layer}"] for layer in range(1, 4))
D1, D2, D3 = (T[f"delta{layer}"] for layer in range(1, 4))
B2 = NETWORK.biases[1]
G1, G2, G3 = 1 - A1**2, A2 * (1 - A2), A3 * (1 - A3)


@pytest.mark.parametrize(
    "quantity", [name for name in T if name[:-1] in ("z", "a", "delta", "dw", "db") or name == "C"]
)
@pytest.mark.parametrize("digits", [3, 4, 17])
def test_right_numbers_are_right(quantity, digits) -> None:
    values = [float(f"{value:.{digits}g}") for value in T[quantity].ravel()]
    verdict = judged_answer(NETWORK.architecture, T, quantity, values)
    assert verdict.right and all(verdict.cells) and verdict.sentence.startswith("Right")


SLIPS = {
    "the bias is left out": ("z2", W2 @ A1, "left out the bias"),
    "the bias is subtracted": ("z2", W2 @ A1 - B2, "subtracted"),
    "z in place of a": ("z2", W2 @ Z1 + B2, "z1 where a1 belongs"),
    "already a": ("z2", A2, "already a"),
    "no activation": ("a1", Z1, "left out the activation"),
    "the slope in place of the activation": ("a1", G1, "tanh'(z), the slope"),
    "another activation": ("a1", sigmoid(Z1), "this is sigmoid(z)"),
    "the activation twice": ("a2", sigmoid(A2), "applied twice"),
    "the activation of -z": ("a2", sigmoid(-Z2), "of −z"),
    "the sum of the costs": ("C", T["C"] * 5, "the sum over the samples"),
    "no half in the cost": ("C", T["C"] * 2, "left out the ½"),
    "divided by the outputs": ("C", T["C"] / 2, "divided by the number of outputs"),
    "the first sample's cost": ("C", T["c"][:, :1], "the first sample alone"),
    "the sign of the output's error": ("delta3", -D3, "sign"),
    "no slope at the output": ("delta3", A3 - Y, "left out sigmoid'(z)"),
    "the slope twice at the output": ("delta3", D3 * G3, "multiplied in twice"),
    "the output's error over m": ("delta3", D3 / 5, "no 1/m"),
    "twice the output's error": ("delta3", 2 * D3, "the ½"),
    "the mean error": ("delta3", np.broadcast_to(D3.mean(axis=1, keepdims=True), D3.shape), "mean over the samples"),
    "no gate": ("delta2", W3.T @ D3, "left out sigmoid'(z2), the gate"),
    "the gate twice": ("delta2", W3.T @ D3 * G2 * G2, "multiplied in twice"),
    "the slope at a": ("delta2", W3.T @ D3 * sigmoid(A2) * (1 - sigmoid(A2)), "sigmoid' at a2"),
    "z in the formula of the slope": ("delta1", W2.T @ D2 * (1 - Z1**2), "put z1 into the formula"),
    "a in place of the slope": ("delta2", W3.T @ D3 * A2, "multiplied by a2"),
    "another activation's slope": ("delta1", W2.T @ D2 * sigmoid(Z1) * (1 - sigmoid(Z1)), "the slope of sigmoid"),
    "the sign of a hidden error": ("delta2", -D2, "sign"),
    "no weights": ("delta2", np.ones_like(W3).T @ D3 * G2, "without the weights W3"),
    "the gate alone": ("delta2", G2, "left out δ3"),
    "a slip of the layer above": (
        "delta1",
        W2.T @ (W3.T @ D3) * G1,
        "already in δ2, on which this builds, you left out",
    ),
    "two layers above": ("delta1", W2.T @ (W3.T @ (A3 - Y) * G2) * G1, "already in δ3"),
    "the sum of the gradients": ("dw2", D2 @ A1.T, "the sum over the samples"),
    "divided twice": ("dw2", D2 @ A1.T / 25, "divided by m twice"),
    "z in place of a in the gradient": ("dw2", D2 @ Z1.T / 5, "z1 where a1 belongs"),
    "the first sample's gradient": ("dw2", D2[:, :1] @ A1[:, :1].T, "the first sample alone"),
    "the product of the means": ("dw2", D2.mean(axis=1)[:, None] * A1.mean(axis=1), "product of the means"),
    "no a in the gradient": ("dw2", D2.mean(axis=1)[:, None] * np.ones(4), "left out a1"),
    "the sign of the gradient": ("dw1", -T["dw1"], "sign"),
    "a gradient of an error without its gate": ("dw2", (W3.T @ D3) @ A1.T / 5, "already in δ2"),
    "the sum of db": ("db2", D2.sum(axis=1), "the sum over the samples"),
    "db of the first sample": ("db2", D2[:, 0], "first sample alone"),
    "db of an error without its gate": ("db1", (W2.T @ D2).mean(axis=1), "already in δ1"),
}


@pytest.mark.parametrize(("quantity", "values", "expected"), SLIPS.values(), ids=SLIPS.keys())
def test_a_planted_slip_is_named(quantity, values, expected) -> None:
    assert expected in told(NETWORK, T, quantity, values)


def test_slips_of_a_square_network() -> None:
    network, t, _ = step((3, 3, 3, 3), ("tanh", "tanh", "sigmoid"))
    w2, a1, b2 = network.weights[1], t["a1"], network.biases[1]
    gate = 1 - t["a1"] ** 2
    assert "W2 transposed" in told(network, t, "z2", w2.T @ a1 + b2)
    assert "its transpose belongs" in told(network, t, "delta1", w2 @ t["delta2"] * gate)
    assert "left out W2" in told(network, t, "delta1", t["delta2"] * gate)
    assert "you took W1" in told(network, t, "delta1", network.weights[0].T @ t["delta2"] * gate)
    assert "δ3, the error of the output" in told(network, t, "delta1", w2.T @ t["delta3"] * gate)
    assert "the error of the wrong layer" in told(network, t, "delta1", t["delta2"])
    assert "the slope at z2, of the wrong layer" in told(network, t, "delta1", w2.T @ t["delta2"] * (1 - t["a2"] ** 2))
    assert "dW2 transposed" in told(network, t, "dw2", t["dw2"].T)
    assert "comes after these weights" in told(network, t, "dw2", t["delta2"] @ t["a2"].T / 5)
    assert "you took δ3" in told(network, t, "dw2", t["delta3"] @ t["a1"].T / 5)
    assert "you took δ1" in told(network, t, "db2", t["delta1"].mean(axis=1))


def test_slips_of_a_pair() -> None:
    network, t, y = step((3, 4, 2), ("tanh", "sigmoid"), "binary_cross_entropy")
    gate = t["a2"] * (1 - t["a2"])
    assert "once more" in told(network, t, "delta2", (t["a2"] - y) * gate)
    assert "sign" in told(network, t, "delta2", y - t["a2"])
    assert "base 10" in told(network, t, "C", t["C"] / np.log(10))


def test_slips_of_softmax() -> None:
    network, t, y = step((3, 4, 3), ("tanh", "softmax"), "categorical_cross_entropy")
    a, z = t["a2"], t["z2"]
    assert "its derivative is a matrix" in told(network, t, "delta2", -y / a * a * (1 - a))
    assert "Jacobian: this is ∂c/∂a" in told(network, t, "delta2", -y / a)
    assert "division by the sum" in told(network, t, "a2", np.exp(z))
    assert "over the outputs of each sample" in told(network, t, "a2", np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))


def test_a_penalty_that_is_left_out() -> None:
    network, t, _ = step(l2=0.1)
    assert "left out the penalty" in told(network, t, "dw2", t["delta2"] @ t["a1"].T / 5)
    assert "left out the penalty" in told(network, t, "C", t["c"].mean())
    summed = t["delta2"] @ t["a1"].T + 0.1 * network.weights[1]
    assert "the sum over the samples" in told(network, t, "dw2", summed)


def test_factors_and_orders_that_no_equation_explains() -> None:
    assert "half of the right one" in told(NETWORK, T, "dw1", T["dw1"] / 2)
    assert "another order" in told(NETWORK, T, "z1", T["z1"][::-1])
    assert "5 (= m) times" in told(NETWORK, T, "a1", 5 * T["a1"])


def test_numbers_that_nothing_explains_name_the_equation() -> None:
    values = T["delta1"].copy()
    values[0, 0] += 0.3
    verdict = judged_answer(NETWORK.architecture, T, "delta1", values.ravel().tolist())
    assert not verdict.right and verdict.cells.count(False) == 1 and not verdict.cells[0]
    assert verdict.sentence.startswith("δ1: 19 of 20 numbers right, and no usual slip explains it. Compute it again by")


def test_some_numbers_may_be_left_out() -> None:
    values = [None] * 20
    values[3] = float(D1.ravel()[3])
    verdict = judged_answer(NETWORK.architecture, T, "δ1", values)
    assert (
        verdict.right
        and verdict.cells.count(True) == 1
        and verdict.sentence == "Right so far: 1 of the 20 numbers of δ1."
    )
    values[4] = float((W2.T @ D2).ravel()[4])
    values[3] = float((W2.T @ D2).ravel()[3])
    assert "the gate" in judged_answer(NETWORK.architecture, T, "δ1", values).sentence


@pytest.mark.parametrize(
    ("number", "slipped", "sentence"),
    [
        (3, lambda right: -right, "the sign is wrong"),
        ([1, 7], lambda right: -right, "the sign is wrong"),
        ([0, 4], lambda right: 10 * right, "each of your numbers is ten times the right one"),
        (6, lambda right: right / 100, "your number is a hundredth of the right one"),
    ],
)
def test_a_slip_in_some_of_the_numbers_is_named_and_they_are_marked(number, slipped, sentence) -> None:
    values = D1.ravel().copy()
    values[number] = slipped(values[number])
    written = [float(f"{value:.4g}") for value in values]
    verdict = judged_answer(NETWORK.architecture, T, "delta1", written)
    assert np.flatnonzero(~np.array(verdict.cells)).tolist() == np.ravel(number).tolist()
    wrong = np.size(number)
    which = "the marked one" if wrong == 1 else f"the {wrong} marked ones"
    assert verdict.sentence.startswith(f"δ1: {20 - wrong} of 20 right. In {which}: ") and sentence in verdict.sentence


@pytest.mark.parametrize("quantity", ["dw1", "dw2", "a1"])
def test_the_transpose_is_named(quantity) -> None:
    assert re.search(r"transpose", told(NETWORK, T, quantity, T[quantity].T))


@pytest.mark.parametrize(
    ("quantity", "values", "message"),
    [
        ("w1", [0.0] * 12, "no exercise"),
        ("z1", [0.0], "20 numbers"),
        ("z1", [None] * 20, "at least one"),
        ("q", [], "q"),
    ],
)
def test_answers_that_cannot_be_judged(quantity, values, message) -> None:
    with pytest.raises(ParameterError, match=message):
        judged_answer(NETWORK.architecture, T, quantity, values)


@pytest.mark.parametrize(
    ("given", "right", "expected"),
    [
        (0.23, 0.2288, True),
        (0.2, 0.2288, False),
        (0.0012, 0.0011629, True),
        (0.001, 0.0011629, False),
        (-0.0267, -0.02668, True),
        (0.0267, -0.02668, False),
        (120, 119.6, True),
        (0, 0, True),
        (0, 1e-9, False),
        (1e-9, 0, False),
        (3.1e-9, 3.14e-9, True),
    ],
)
def test_numbers_are_compared_as_they_were_written(given, right, expected) -> None:
    assert fits(np.array([float(given)]), np.array([float(right)]))[0] == expected


def test_extra_layers_leave_only_the_slips_that_hold_with_them() -> None:
    from glassnet.tables.layers import LayerNorm

    network = NeuralNetwork([3, 4, LayerNorm(), 2], ["tanh", "sigmoid"], dtype="float64", seed=1)
    trace = network.trace(X, np.full((2, 5), 0.5))
    names = [slip.sentence for slip in Slips(network.architecture, trace).of("delta1")]
    assert names == ["the sign is wrong: this is −δ1."]
