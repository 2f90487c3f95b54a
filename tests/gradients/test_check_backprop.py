"""check_backprop names what is wrong in an implementation, in which equation, and finds nothing in right ones."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from glassnet import check_backprop
from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.network import NeuralNetwork

from .learners import SCALED, WRONG, Article, Correct, Rows, function, wrong

LAYERS, ACTIVATIONS = [2, 5, 4, 3], ["tanh", "relu", "sigmoid"]
GRADIENT = [name for name, (equation, _, kind) in WRONG.items() if equation != "update" and kind.train is Correct.train]


def layers_of(name: str) -> tuple[list[int], list[str]]:
    """Three dense layers where the fault needs them, else two."""
    if name in ("error of the output", "W of the layer below", "gate of the layer below"):
        return [2, 4, 4, 3], ["sigmoid"] * 3
    return [2, 4, 3], ["sigmoid"] * 2


@pytest.mark.parametrize("name", WRONG)
def test_a_fault_is_named_with_its_equation(name: str) -> None:
    equation, sentence, kind = WRONG[name]
    report = check_backprop(kind, *layers_of(name))
    assert not report.ok
    assert any(fault.equation == equation and sentence in fault.sentence for fault in report.faults), str(report)
    allowed = 2 if name in ("slope at a", "no bias", "linear output", "stale", "sign") else 1
    assert len(report.faults) <= allowed, str(report)
    assert len(str(report).splitlines()) == len(report.faults) + len(report.notes)


@pytest.mark.parametrize("name", [name for name in GRADIENT if name not in ("stale",)])
def test_the_same_in_a_function(name: str) -> None:
    equation, sentence, kind = WRONG[name]
    layers, activations = layers_of(name)
    report = check_backprop(partial(function, kind=kind), layers, activations)
    if equation == "forward":  # a function hides its z and a, so only its numbers are compared
        sentence = {"no bias": "z lacks its bias", "linear output": "the activation of the output is missing"}[name]
        equation = {"no bias": "forward", "linear output": "forward or BP1"}[name]
    assert any(fault.equation == equation and sentence in fault.sentence for fault in report.faults), str(report)


@pytest.mark.parametrize("name", SCALED)
def test_one_factor_of_all_is_a_note(name: str) -> None:
    note, kind = SCALED[name]
    for mine in (kind, partial(function, kind=kind)):
        report = check_backprop(mine, [2, 4, 3])
        assert report.ok and len(report.notes) == 1 and note in report.notes[0], str(report)


def test_a_factor_beside_a_fault_is_a_note_too() -> None:
    kind = wrong(output_error=lambda s, z, a, y: 2 * (a[-1] - y))
    report = check_backprop(partial(function, kind=kind), [2, 4, 3])
    assert [fault.sentence for fault in report.faults] == ["σ' is missing at the output."]
    assert "2 × ours" in report.notes[0]


@pytest.mark.parametrize("names", [("sign", "sum in the bias"), ("no gate", "transposed")])
def test_two_faults_are_both_named(names: tuple[str, str]) -> None:
    methods: dict[str, Any] = {}
    for name in names:
        methods |= {key: value for key, value in vars(WRONG[name][2]).items() if callable(value)}
    report = check_backprop(partial(function, kind=wrong(**methods)), [2, 4, 3])
    for name in names:
        assert any(WRONG[name][1] in fault.sentence for fault in report.faults), str(report)


def test_every_fault_of_the_article_that_a_run_can_show() -> None:
    text = str(check_backprop(Article, [2, 10, 1], ["sigmoid", "sigmoid"]))
    for equation, sentence in {
        "BP1: ": "the gradient has the wrong sign",
        "forward: sigmoid overflows": "gives nan",
        "forward: an": "unknown activation silently becomes linear",
        "update: ": "batch_size slices features, not samples",
        "update: nothing": "is shuffled",
        "start: first": "weights are not scaled by 1/√fan_in: their spread is 1.0",
        "start: nothing": "is seeded",
    }.items():
        assert any(line.startswith(equation) and sentence in line for line in text.splitlines()), (sentence, text)
    assert len(text.splitlines()) == 7, text


# ---- correct ones


def rows_function(weights: Any, biases: Any, x: Any, y: Any) -> Any:
    """Samples as rows, biases (fan_out,), float32 out, a tuple of gradients."""
    assert x.shape[1] == weights[0].shape[0] and biases[0].ndim == 1
    dw, db = function([w.T for w in weights], [b[:, None] for b in biases], x.T, y.T)
    return tuple(g.T for g in dw), [g.ravel() for g in db]


CORRECT: dict[str, tuple[Any, dict[str, Any]]] = {
    "class": (Correct, {}),
    "function": (function, {}),
    "object": (Correct([2, 4, 3], ["sigmoid"] * 2), {}),
    "rows": (rows_function, {"rows": True}),
    "class in rows": (Rows, {"rows": True}),
    "float32": (lambda w, b, x, y: tuple([p.astype("float32") for p in g] for g in function(w, b, x, y)), {}),
    "lists": (lambda w, b, x, y: tuple([p.tolist() for p in g] for g in function(w, b, x, y)), {}),
    "1/m in δ": (
        wrong(
            output_error=lambda s, z, a, y: Correct.output_error(s, z, a, y) / y.shape[1],
            weight=lambda s, n, d, z, a: d @ a[n].T,
            bias=lambda s, d: d.sum(axis=1, keepdims=True),
        ),
        {},
    ),
    "our own": (NeuralNetwork, {}),
}


@pytest.mark.parametrize("name", CORRECT)
def test_no_fault_is_found_in_correct_code(name: str) -> None:
    mine, options = CORRECT[name]
    assert str(check_backprop(mine, [2, 4, 3], ["sigmoid", "sigmoid"], **options)) == "no fault found"


def test_a_db_that_would_broadcast_b() -> None:
    """b (4, 1) less db (4,) is (4, 4); where b is handed over as (4,), such a db is right."""

    def flat(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        dw, db = function(weights, biases, x, y)
        return dw, [part.ravel() for part in db]

    def any_b(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        return flat(weights, [b.reshape(-1, 1) for b in biases], x, y)

    text = "BP3: db[0] has shape (4,), but b has (4, 1): b − lr·db becomes (4, 4); sum with keepdims=True."
    assert str(check_backprop(flat, [2, 4, 3], ["sigmoid", "sigmoid"])) == text
    assert check_backprop(any_b, [2, 4, 3], ["sigmoid", "sigmoid"]).ok

    def columns_of_rows(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        dw, db = rows_function(weights, biases, x, y)
        return dw, [np.reshape(part, (-1, 1)) for part in db]

    report = check_backprop(columns_of_rows, [2, 4, 3], ["sigmoid", "sigmoid"], rows=True)
    assert (
        str(report) == "BP3: db[0] has shape (4, 1), but b has (4,): b − lr·db becomes (4, 4); give db the shape of b."
    )


@pytest.mark.parametrize("widths", [[1, 1], [3, 3, 3], [4, 1], LAYERS, [7, 7, 7]])
def test_correct_code_of_many_shapes(widths: list[int]) -> None:
    activations = (["tanh", "relu", "sigmoid"] * 2)[-len(widths) + 1 :]
    assert check_backprop(Correct, widths, activations).ok, str(check_backprop(Correct, widths, activations))


@pytest.mark.parametrize(
    ("last", "cost", "error"),
    [
        ("sigmoid", "binary_cross_entropy", None),
        ("softmax", "categorical_cross_entropy", None),
        ("sigmoid", "binary_cross_entropy", "σ' is applied once more after a − y"),
    ],
)
def test_other_costs(last: str, cost: str, error: str | None) -> None:
    def mine(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        net = Correct([2, 4, 3], ["tanh", "sigmoid"])
        net.weights, net.biases = weights, biases
        z_s, a_s = net.feedforward(x)
        if last == "softmax":
            a_s[-1] = np.exp(z_s[-1]) / np.exp(z_s[-1]).sum(axis=0)
        if error is None:
            net.output_error = lambda z, a, y: a[-1] - y  # type: ignore[method-assign]
        return net.backpropagation(y, z_s, a_s)

    report = check_backprop(mine, [2, 4, 3], ["tanh", last], cost)
    assert str(report) == "no fault found" if error is None else error in str(report)


# ---- no guesses, and code that cannot be run


def test_what_no_known_mistake_explains_is_located_not_guessed() -> None:
    odd = wrong(gate=lambda s, n, e, z, a: np.sin(e) * a[n + 1] ** 3)
    report = check_backprop(partial(function, kind=odd), [2, 4, 3])
    assert len(report.faults) == 1 and report.faults[0].equation == "BP2"
    assert "no known mistake gives these numbers; dW and db differ first in layer 1, by" in str(report)
    late = wrong(bias=lambda s, d: np.cos(d).mean(axis=1, keepdims=True))
    assert check_backprop(partial(function, kind=late), [2, 4, 3]).faults[0].equation == "BP3"


def test_gradients_that_add_up_between_calls() -> None:
    previous: list[Any] = []

    def mine(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        dw, db = function(weights, biases, x, y)
        if previous and previous[0][0].shape == dw[0].shape:
            dw = [p + q for p, q in zip(dw, previous[0], strict=True)]
        previous[:] = [dw]
        return dw, db

    assert "the gradients of earlier calls are added" in str(check_backprop(mine, [2, 4, 3]))


def test_code_that_raises_gets_a_sentence() -> None:
    def broken(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        raise ZeroDivisionError("of 1 by 0")

    report = check_backprop(broken, [2, 3, 1])
    line = broken.__code__.co_firstlineno + 1
    message = f"run: it raises ZeroDivisionError in line {line}, 'raise ZeroDivisionError(\"of 1 by 0\")': of 1 by 0;"
    assert str(report).startswith(f"{message} layers were [2, 3, 1]")
    assert "where a pair of lists is expected" in str(check_backprop(lambda w, b, x, y: None, [2, 3, 1]))
    assert "has 1 arrays" in str(check_backprop(lambda w, b, x, y: ([w[0]], b), [2, 3, 1]))
    with pytest.raises(ParameterTypeError, match="mine must be a function"):
        check_backprop(3, [2, 3, 1])
    with pytest.raises(ParameterError, match="the check takes only widths"):
        check_backprop(function, [2, "3", 1])


def integers(dw: Any, db: Any) -> Any:
    return [part.astype(int) for part in dw], db


def noisy(dw: Any, db: Any) -> Any:
    return [part + np.random.default_rng().normal(size=part.shape) for part in dw], db


def far_off(dw: Any, db: Any) -> Any:
    return [part + 1e6 * np.arange(1.0, part.size + 1).reshape(part.shape) for part in dw], db


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (integers, "run: its dw contains only integers"),
        (noisy, "run: it returns other numbers when it is called again"),
        (lambda dw, db: (dw, db, dw), "it returns a tuple of 3, where a pair of lists is expected"),
        (far_off, "times the largest entry"),
    ],
)
def test_mistakes_in_what_is_returned(change: Any, sentence: str) -> None:
    report = check_backprop(lambda *given: change(*function(*given)), [2, 4, 3])
    assert sentence in str(report) and "%" not in str(report)


def test_a_missing_method_of_a_class_is_named() -> None:
    half = type("Half", (), {"feedforward": lambda self, x: x})
    with pytest.raises(ParameterTypeError, match=r"Half cannot be checked as it is: it has none of the methods"):
        check_backprop(half, [2, 3, 1])


def test_nothing_of_the_caller_is_changed() -> None:
    def overwriting(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        gradients = function(weights, biases, x, y)
        for array in (*weights, *biases, x, y):
            array[...] = 0
        return gradients

    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert "it changes the weights and biases and x and y that it is given" in str(
        check_backprop(overwriting, [2, 3, 1])
    )
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_code_that_raises_only_when_called_again() -> None:
    calls: list[int] = []

    def fails_later(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError("once is enough")
        return function(weights, biases, x, y)

    report = str(check_backprop(fails_later, [3, 4, 2]))
    assert "called again, it raises RuntimeError" in report and report.endswith("once is enough.")
