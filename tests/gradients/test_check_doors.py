"""check_backprop takes code as people have it: how it is called, how its arrays lie, what it returns or changes."""

from __future__ import annotations

import itertools
import types
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from glassnet import check_backprop
from glassnet.check.candidates.return_forms import Shapes, forms, key_of
from glassnet.errors import ParameterError, ParameterTypeError

from . import styles
from .learners import function
from .styles import Attributes, Book, Layers, columns, sigmoid, slope

LAYERS = [3, 4, 2]
NAMES = ("dW1", "db1", "dW2", "db2")
NO_GATE = np.ones_like  # the fault to be found: σ' of the hidden layer is missing
MISSING_GATE = "σ' is missing in the hidden layers"


def lists(four: Any) -> Any:
    return [four[0], four[2]], [four[1], four[3]]


def objects(parts: list[Any]) -> Any:
    array = np.empty(len(parts), object)
    array[:] = parts
    return array


def flat(parts: Any, order: Any = "C") -> Any:
    return np.concatenate([part.ravel(order) for part in parts])


# ---- what it returns

RETURNED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "lists": (lists, ""),
    "(db, dw)": (lambda g: lists(g)[::-1], "a pair of lists (db, dw)"),
    "dW1, db1, dW2, db2": (lambda g: g, ""),
    "dW1, dW2, db1, db2": (lambda g: (g[0], g[2], g[1], g[3]), ""),
    "dW2, db2, dW1, db1": (lambda g: (g[2], g[3], g[0], g[1]), "dW2, db2, dW1, db1"),
    "db1, dW1, db2, dW2": (lambda g: (g[1], g[0], g[3], g[2]), "db1, dW1, db2, dW2"),
    "dict": (lambda g: dict(zip(NAMES, g, strict=True)), ""),
    "dict from 0, with a loss and more": (
        lambda g: {"loss": 0.4, "dA1": g[0]} | dict(zip(("dw0", "db0", "dw1", "db1"), g, strict=True)),
        "",
    ),
    "dict of lists": (lambda g: dict(zip(("weights", "biases"), lists(g), strict=True)), ""),
    "object": (lambda g: types.SimpleNamespace(**dict(zip(NAMES, g, strict=True))), ""),
    "pairs": (lambda g: [(g[0], g[1]), (g[2], g[3])], ""),
    "pairs (db, dW)": (lambda g: [(g[1], g[0]), (g[3], g[2])], "a pair (db, dW) per layer"),
    "dicts": (lambda g: [{"dW": g[0], "db": g[1]}, {"dW": g[2], "db": g[3]}], ""),
    "loss first": (lambda g: (0.4, *g), ""),
    "loss and dict": (lambda g: (np.float64(0.4), dict(zip(NAMES, g, strict=True))), ""),
    "dict and loss": (lambda g: (dict(zip(NAMES, g, strict=True)), np.array(0.4)), ""),
    "loss last": (lambda g: (*lists(g), 0.4), ""),
    "vector": (flat, "one vector of W1, b1, W2, b2, row by row"),
    "vector by columns": (lambda g: flat(g, "F"), "one vector of W1, b1, W2, b2, column by column"),
    "vector of weights, then biases": (
        lambda g: (1.0, flat((g[0], g[2], g[1], g[3]))),
        "one vector of W1, W2, b1, b2, row by row",
    ),
    "generator": (lambda g: (part for part in g), ""),
    "arrays of objects": (lambda g: tuple(objects(parts) for parts in lists(g)), ""),
    "nested lists": (lambda g: tuple([part.tolist() for part in parts] for parts in lists(g)), ""),
}


@pytest.mark.parametrize("name", RETURNED)
def test_every_usual_container_of_the_gradients(name: str) -> None:
    container, note = RETURNED[name]
    report = check_backprop(lambda w, b, x, y: container(columns(w, b, x, y)), LAYERS)
    assert report.faults == () and report.notes == ((f"what it returns is read as {note}.",) if note else ())
    report = check_backprop(lambda w, b, x, y: container(columns(w, b, x, y, NO_GATE)), LAYERS)
    assert [fault.equation for fault in report.faults] == ["BP2"] and MISSING_GATE in str(report)


def test_shapes_that_leave_two_readings_are_told_apart_by_the_numbers() -> None:
    shapes = Shapes([(1, 1), (1, 1)], [(1, 1), (1, 1)])
    four = [np.full((1, 1), float(n)) for n in range(4)]
    assert [form.order for form in forms(four, shapes)][:2] == ["dW1, db1, dW2, db2", "dW1, dW2, db1, db2"]
    report = check_backprop(lambda w, b, x, y: (lambda g: (g[0], g[2], g[1], g[3]))(columns(w, b, x, y)), [1, 1, 1])
    assert report.ok and report.notes == ("what it returns is read as dW1, dW2, db1, db2.",)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("dW1", ("w", 1)),
        ("grad_b2", ("b", 2)),
        ("W_grad", ("w", None)),
        ("dL_dW1", ("w", 1)),
        ("∂C/∂b2", ("b", 2)),
        ("nabla_w", ("w", None)),
        ("biases", ("b", None)),
        ("dweights", ("w", None)),
        ("dA1", None),
        ("loss", None),
        ("delta", None),
    ],
)
def test_spellings_of_a_gradient(name: str, key: Any) -> None:
    assert key_of(name) == key


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        ({"loss": 3}, "it returns a dict with 'loss', where"),
        (np.zeros(5), r"it returns an array of shape \(5,\), where"),
        (lambda g: g[:3], "it returns a tuple of 3, where a pair of lists is expected"),
    ],
)
def test_what_cannot_be_the_gradients_is_described(result: Any, sentence: str) -> None:
    report = check_backprop(lambda w, b, x, y: result(columns(w, b, x, y)) if callable(result) else result, LAYERS)
    assert pytest.importorskip("re").search(sentence, str(report)), str(report)


# ---- how it is called

GATED = {
    "weights, biases, x, y": lambda weights, biases, x, y, gate=slope: columns(weights, biases, x, y, gate),
    "x, y, weights, biases": lambda x, y, weights, biases, gate=slope: columns(weights, biases, x, y, gate),
    "other names in order": lambda p, q, r, s, gate=slope: columns(p, q, r, s, gate),
    "X, Y, params": lambda X, Y, params, gate=slope: columns(
        [params[f"W{n}"] for n in range(1, len(params) // 2 + 1)], [params["b1"], params["b2"]], X, Y, gate
    ),
    "params from 0": lambda params, X, y, gate=slope: columns(
        [params["w0"], params["w1"]], [params["b0"], params["b1"]], X, y, gate
    ),
    "params of lists": lambda x, y, parameters, gate=slope: columns(
        parameters["weights"], parameters["biases"], x, y, gate
    ),
    "W1, b1, W2, b2, x, y": lambda W1, b1, W2, b2, x, y, gate=slope: columns([W1, W2], [b1, b2], x, y, gate),
    "x, y, w0, w1, b0, b1": lambda x, y, w0, w1, b0, b1, gate=slope: columns([w0, w1], [b0, b1], x, y, gate),
    "w_h, b_h, w_o, b_o": lambda inputs, targets, w_h, b_h, w_o, b_o, gate=slope: columns(
        [w_h, w_o], [b_h, b_o], inputs, targets, gate
    ),
    "keywords": lambda *, x, y, w, b, gate=slope: columns(w, b, x, y, gate),
}


@pytest.mark.parametrize("name", GATED)
def test_the_names_of_arguments_say_how_to_call(name: str) -> None:
    mine = GATED[name]
    assert str(check_backprop(mine, LAYERS)) == "no fault found"
    mine.__kwdefaults__ = mine.__kwdefaults__ and {"gate": NO_GATE}
    mine.__defaults__ = mine.__defaults__ and (NO_GATE,)
    try:
        assert MISSING_GATE in str(check_backprop(mine, LAYERS))
    finally:
        mine.__kwdefaults__ = mine.__kwdefaults__ and {"gate": slope}
        mine.__defaults__ = mine.__defaults__ and (slope,)


def backward_propagation(parameters: Any, cache: Any, X: Any, Y: Any) -> Any:
    raise AssertionError("it is not called")


def test_a_function_that_cannot_be_called_gets_its_adapter() -> None:
    with pytest.raises(ParameterTypeError) as caught:
        check_backprop(backward_propagation, LAYERS)
    first, *adapter = str(caught.value).splitlines()
    assert first == (
        "backward_propagation(parameters, cache, X, Y) cannot be called, because what cache should be is not known; "
        "write an adapter and pass it instead:"
    )
    assert len(adapter) == 3 and "def adapted(weights, biases, x, y):" in adapter[0]
    assert (
        "grads = backward_propagation(parameters={'W1': weights[0], 'b1': biases[0], ...}, cache=..., X=x, Y=y)"
        in adapter[1]
    )
    with pytest.raises(ParameterTypeError, match="no argument for the biases; pass biases=False"):
        check_backprop(styles.no_biases, LAYERS)
    with pytest.raises(ParameterTypeError, match="no argument for the weights; if they are variables outside of it"):
        check_backprop(lambda x, y: None, LAYERS)


def test_a_key_that_is_not_there_is_named() -> None:
    report = check_backprop(lambda x, y, params: params["kernel7"], LAYERS)
    assert "it asks its parameters for 'kernel7'; they are a dict with W1, b1, W2, b2" in str(report)


# ---- how its arrays lie

READ: dict[str, tuple[Any, dict[str, Any], str]] = {
    "rows": (styles.rows, {}, "samples as rows, x (batch, fan_in), weights (fan_in, fan_out), biases (1, fan_out)"),
    "mixed": (styles.mixed, {}, "samples as rows, x (batch, fan_in), weights (fan_out, fan_in), biases (fan_out,)"),
    "mixed, declared": (styles.mixed, {"rows": True}, "weights (fan_out, fan_in), biases (fan_out,)"),
    "columns, declared": (columns, {"rows": False}, ""),
    "one column": (styles.one_column, {"one_sample": True}, "(db, dw)"),
    "one vector": (styles.one_vector, {"one_sample": True}, ""),
    "no biases": (styles.no_biases, {"biases": False}, "biases are not checked: declared as none"),
    "first": (styles.folded_first, {"biases": "first"}, ""),
    "last, ones given": (
        styles.folded_last,
        {"biases": "last"},
        "x (batch, fan_in + 1), weights (fan_in + 1, fan_out)",
    ),
}


@pytest.mark.parametrize("name", READ)
def test_the_orientation_that_fits_is_found_and_said(name: str) -> None:
    mine, settings, note = READ[name]
    report = check_backprop(mine, LAYERS, **settings)
    assert report.ok and len(report.notes) == bool(note) and note in str(report), str(report)
    wrong = check_backprop(lambda *given: mine(*given, NO_GATE), LAYERS, **settings)
    assert len(wrong.faults) == 1 and "BP2" in wrong.faults[0].equation and MISSING_GATE in str(wrong), str(wrong)


@pytest.mark.parametrize("layers", [[3, 3, 3], [4, 4, 4], [1, 3, 1], [2, 2, 2]])
def test_square_weights_are_told_apart_by_the_numbers(layers: list[int]) -> None:
    for mine in (columns, styles.rows, styles.mixed):
        report = check_backprop(mine, layers)
        assert report.ok, str(report)
    report = check_backprop(styles.mixed, [3, 3, 3])
    assert "weights (fan_out, fan_in)" in str(report)


def softmax_rows(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, y: Any, scale: float = 1.0) -> Any:
    """Class numbers as y, as a vision course has it."""
    a1 = np.maximum(X @ W1 + b1, 0)
    p = np.exp(a1 @ W2 + b2)
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    d1 = p @ W2.T * (a1 > 0)
    return X.T @ d1 / len(y), d1.mean(axis=0), a1.T @ p / len(y), scale * p.mean(axis=0)


def test_labels_are_class_numbers() -> None:
    network = ([3, 5, 4], ["relu", "softmax"], "categorical_cross_entropy")
    assert check_backprop(softmax_rows, *network, labels=True).ok
    wrong = check_backprop(lambda W1, b1, W2, b2, X, y: softmax_rows(W1, b1, W2, b2, X, y, -1), *network, labels=True)
    assert not wrong.ok
    assert "pass labels=True" in str(check_backprop(softmax_rows, *network))


def test_targets_of_one_output_may_have_one_axis() -> None:
    def mine(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, y: Any) -> Any:
        a1 = np.tanh(X @ W1 + b1)
        d2 = (sigmoid(a1 @ W2 + b2).ravel() - y)[:, np.newaxis]
        assert y.ndim == 1
        d1 = d2 @ W2.T * (1 - a1**2)
        return X.T @ d1 / len(y), d1.mean(axis=0), a1.T @ d2 / len(y), d2.mean(axis=0)

    report = check_backprop(mine, [3, 4, 1], ["tanh", "sigmoid"], "binary_cross_entropy")
    assert report.ok and report.notes[0].endswith("y (batch,).")


def test_a_single_layer_may_take_arrays_in_place_of_lists() -> None:
    def propagate(w: Any, b: Any, X: Any, Y: Any) -> Any:
        error = (sigmoid(w.T @ X + b) - Y) / X.shape[1]
        return {"dw": X @ error.T, "db": error.sum()}, 0.3

    report = check_backprop(propagate, [3, 1], ["sigmoid"], "binary_cross_entropy")
    assert report.ok and "weights (fan_in, fan_out)" in str(report) and "arrays in place of lists" in str(report)


@pytest.mark.parametrize(
    ("mine", "settings", "sentence"),
    [
        (styles.one_vector, {}, "right for one sample, but not for a batch: pass one_sample=True"),
        (styles.folded_first, {"biases": "last"}, "at the other end"),
    ],
)
def test_the_setting_that_is_missing_is_named(mine: Any, settings: dict[str, Any], sentence: str) -> None:
    assert sentence in str(check_backprop(mine, LAYERS, **settings))


def test_the_error_of_the_reading_that_came_farthest_is_reported() -> None:
    def mine(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        a1 = x @ weights[0] + biases[0]
        return a1 @ weights[0]

    report = str(check_backprop(mine, LAYERS))
    assert "'return a1 @ weights[0]'" in report and "x (7, 3)" in report and "samples as rows" in report


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        ({"biases": "frist"}, ParameterError, "biases is 'frist'; Did you mean 'first'"),
        ({"rows": "yes"}, ParameterError, "rows is 'yes'; it is True or False, or None"),
        ({"lr": 0.5}, ParameterTypeError, "step, lr and grads belong to parameters="),
        ({"layers": None}, ParameterTypeError, "layers is missing"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], error: type, sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        check_backprop(columns, **({"layers": LAYERS} | settings))


# ---- predict


def forward(weights: Any, biases: Any, x: Any) -> Any:
    return sigmoid(weights[1] @ sigmoid(weights[0] @ x + biases[0]) + biases[1])


def test_predict_tells_the_forward_pass_from_the_error() -> None:
    assert str(check_backprop(columns, LAYERS, predict=forward)) == "no fault found"

    def without_bias(w: Any, b: Any, x: Any) -> Any:
        return sigmoid(w[1] @ np.tanh(w[0] @ x) ** 3 + b[1])

    report = check_backprop(lambda w, b, x, y: columns(w, [0 * b[0] + 9, b[1]], x, y), LAYERS, predict=without_bias)
    assert report.faults[0].equation == "forward" and "its prediction differs" in report.faults[0].sentence
    assert all("no known mistake" not in fault.sentence for fault in report.faults)

    def no_activation(w: Any, b: Any, x: Any, y: Any) -> Any:
        a1 = sigmoid(w[0] @ x + b[0])
        z2 = w[1] @ a1 + b[1]
        d1 = w[1].T @ (z2 - y) * slope(a1)
        m = x.shape[1]
        return [d1 @ x.T / m, (z2 - y) @ a1.T / m], [d.mean(axis=1) for d in (d1, z2 - y)]

    assert "forward: the activation of the output is missing" in str(check_backprop(no_activation, LAYERS))
    report = check_backprop(no_activation, LAYERS, predict=forward)  # what they predict is right
    assert not report.ok and all(fault.equation != "forward" for fault in report.faults), str(report)


def test_predict_that_cannot_be_compared() -> None:
    assert "predict returns an array of shape (7,)" in str(
        check_backprop(columns, LAYERS, predict=lambda w, b, x: x[0])
    )
    assert "forward: predict: it raises KeyError" in str(
        check_backprop(columns, LAYERS, predict=lambda w, b, x: {}["a"])
    )


# ---- arrays that a step changes


def places(net: Any) -> list[Any]:
    return [(net, "W1", "b1"), (net, "W2", "b2")]


@pytest.mark.parametrize("in_place", [True, False])
def test_a_step_shows_the_gradient_in_the_weights(in_place: bool) -> None:
    net = Attributes(LAYERS, in_place)
    before, array = net.W1.copy(), net.W1
    report = check_backprop(
        parameters=places(net), step=lambda x, y: net.fit(x, y, epochs=1), lr=0.1, layers=LAYERS, predict=net.predict
    )
    assert str(report) == "no fault found"
    assert net.W1 is array and (before == net.W1).all()
    net.gate = NO_GATE
    report = check_backprop(parameters=places(net), step=lambda x, y: net.fit(x, y, epochs=1), lr=0.1, layers=LAYERS)
    assert MISSING_GATE in str(report)


def test_gradients_are_read_where_they_are_kept() -> None:
    for gate, sentence in ((slope, "no fault found"), (NO_GATE, MISSING_GATE)):
        net = Layers(LAYERS, gate)
        report = check_backprop(
            parameters=[(layer, "weights", "bias") for layer in net.layers],
            grads=[(layer, "dweights", "dbias") for layer in net.layers],
            step=lambda x, y, net=net: net.backward(net.forward(x), y),
            layers=LAYERS,
        )
        assert sentence in str(report)


def step_of(w: Any, b: Any) -> Any:
    def step(x: Any, y: Any) -> None:
        for array, gradient in zip((w[0], b[0], w[1], b[1]), columns(w, b, x, y), strict=True):
            array -= gradient

    return step


def test_other_owners_of_arrays() -> None:
    w, b = [np.ones((4, 3)), np.ones((2, 4))], [np.zeros((4, 1)), np.zeros((2, 1))]
    step = step_of(w, b)
    assert check_backprop(parameters=list(zip(w, b, strict=True)), step=step, layers=LAYERS).ok
    assert (w[0] == 1).all()
    net = types.SimpleNamespace(w=w, b=b)
    assert check_backprop(parameters=[(net, f"w.{n}", f"b.{n}") for n in range(2)], step=step, layers=LAYERS).ok
    params = {"W1": w[0], "W2": w[1]}

    def without(x: Any, y: Any) -> None:
        for name, gradient in zip(params, styles.no_biases(list(params.values()), x, y), strict=True):
            params[name] = params[name] - gradient

    report = check_backprop(parameters=[(params, "W1"), (params, "W2", None)], step=without, layers=LAYERS)
    assert report.ok and "biases are not checked: declared as none" in str(report)
    assert params["W1"] is w[0]


def test_nested_lists_and_single_precision() -> None:
    net = types.SimpleNamespace(W=[[[0.0] * 3] * 4, [[0.0] * 4] * 2], b=[[0.0] * 4, [0.0] * 2])

    def step(x: Any, y: Any) -> None:
        w, b = [np.array(part) for part in net.W], [np.array(part) for part in net.b]
        dw, db = styles.one_vector(w, b, x, y)
        net.W = [(p - g).tolist() for p, g in zip(w, dw, strict=True)]
        net.b = [(p - g).tolist() for p, g in zip(b, db, strict=True)]

    spots = [(net, "W.0", "b.0"), (net, "W.1", "b.1")]
    assert check_backprop(parameters=spots, step=step, layers=LAYERS, one_sample=True).ok
    single = Attributes(LAYERS)
    for name in ("W1", "b1", "W2", "b2"):
        setattr(single, name, getattr(single, name).astype(np.float32))
    assert check_backprop(parameters=places(single), step=lambda x, y: single.fit(x, y, 1), lr=0.1, layers=LAYERS).ok


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (
            lambda net: lambda x, y: net.predict(x),
            "run: nothing happens: the step leaves every weight as it was; let it make one update",
        ),
        (lambda net: lambda x, y: net.fit(x, y, 10), "run: one call of the step makes 10 updates"),
        (
            lambda net: lambda x, y: [net.fit(x[[i]], y[[i]], 1) for i in range(len(x))],
            "right for one sample, but not for a batch: let one call make one update with the whole batch",
        ),
        (
            lambda net: lambda x, y: net.__dict__.update({n: getattr(net, n) - 0.1 for n in ("W1", "b1", "W2", "b2")}),
            "run: every weight moves by the same amount, as in the first step of Adam",
        ),
    ],
)
def test_a_step_that_shows_no_gradient(step: Any, sentence: str) -> None:
    net = Attributes(LAYERS)
    assert sentence in str(check_backprop(parameters=places(net), step=step(net), lr=0.1, layers=LAYERS))


class Rated:
    """Two sigmoid layers whose fit steps by `rate_w` and `rate_b`, which are made of its learning rate."""

    def __init__(self, sizes: list[int]) -> None:
        self.W = [np.ones((i, o)) for i, o in itertools.pairwise(sizes)]
        self.b = [np.zeros((1, o)) for o in sizes[1:]]
        self.lr = 0.1

    def rates(self) -> tuple[float, float]:
        return self.lr, self.lr

    def fit(self, X: Any, y: Any) -> Any:
        dw1, db1, dw2, db2 = styles.rows(self.W, self.b, X, y)
        rate_w, rate_b = self.rates()
        self.W = [w - rate_w * dw for w, dw in zip(self.W, (dw1, dw2), strict=True)]
        self.b = [b - rate_b * db for b, db in zip(self.b, (db1, db2), strict=True)]
        return self


@pytest.mark.parametrize(
    ("rates", "sentence"),
    [
        (lambda net: (net.lr, net.lr**2), "BP3: in db, the learning rate is applied twice."),
        (lambda net: (1.0, net.lr), "BP4: in dW, the learning rate is missing."),
        (lambda net: (net.lr**2,) * 2, "your step is 0.09 × the gradient, where the learning rate is 0.3; right if"),
        (lambda net: (1.0, 1.0), "your step is the gradient itself, where the learning rate is 0.3; right if"),
        (lambda net: (0.0, 0.0), "run: nothing happens: the step leaves every weight as it was"),
        (lambda net: (net.lr, 0.0), "BP3: db is 0: the biases have no gradient."),
    ],
)
def test_the_rate_of_a_step(rates: Any, sentence: str) -> None:
    assert check_backprop(Rated, LAYERS).ok
    kind = type("Rated", (Rated,), {"rates": rates})
    assert sentence in str(check_backprop(kind, LAYERS))


def test_a_rate_at_which_our_own_updates_diverge() -> None:
    """Whether a step is several updates is tried with ours, which may not be able to follow."""
    net = types.SimpleNamespace(W1=np.ones((3, 4)), b1=np.zeros(4), W2=np.ones((4, 2)), b2=np.zeros(2))

    def step(x: Any, y: Any) -> None:
        net.W1, net.W2 = net.W1 - np.sin(x.T @ x)[:, [0, 1, 2, 0]], net.W2 - np.cos(net.W2)

    with np.errstate(all="ignore"):
        report = check_backprop(
            parameters=places(net), step=step, lr=50.0, layers=LAYERS, activations=["relu", "linear"]
        )
    assert not report.ok


def test_steps_that_remember_the_step_before() -> None:
    net, previous = Attributes(LAYERS), dict[str, Any]()

    def momentum(x: Any, y: Any) -> None:
        for name, gradient in zip(("W1", "b1", "W2", "b2"), net.gradients_of(x, y), strict=True):
            previous[name] = gradient + 0.9 * previous.get(name, 0)
            setattr(net, name, getattr(net, name) - previous[name])

    report = check_backprop(parameters=places(net), step=momentum, layers=LAYERS)
    assert report.ok and len(report.notes) == 1 and "momentum" in report.notes[0]


@pytest.mark.parametrize(
    ("changed", "error", "sentence"),
    [
        (
            {"parameters": [("net", "w1", "b1"), ("net", "W2", "b2")]},
            ParameterError,
            "'w1' is not there.*did you mean 'W1'",
        ),
        (
            {"parameters": [("net", "W1", "b1")]},
            ParameterError,
            "parameters has 1 entries, but layers .* has 2 weights",
        ),
        ({"layers": [3, 5, 2]}, ParameterError, r"parameters\[0\], 'W1' has shape \(3, 4\); layers \[3, 5, 2\] need"),
        ({"parameters": [("net", "W1", "b2"), ("net", "W2", "b1")]}, ParameterError, "but its layer has 4 neurons"),
        ({"parameters": [("net", "W1", None), ("net", "W2", "b2")]}, ParameterError, "name the biases of all layers"),
        ({"parameters": "W1"}, ParameterTypeError, "parameters must be a list with one entry per layer"),
        ({"step": None}, ParameterTypeError, "step must be a function of"),
        ({"lr": 0}, ParameterError, "lr is 0; it must be the positive"),
        ({"mine": columns}, ParameterTypeError, "with step=; not both"),
        ({"biases": False}, ParameterError, "biases=False says that no bias is separate"),
    ],
)
def test_what_is_wrong_with_the_second_door_is_said(changed: dict[str, Any], error: type, sentence: str) -> None:
    net = Attributes(LAYERS)
    settings: dict[str, Any] = {"parameters": places(net), "step": net.fit, "layers": LAYERS} | changed
    if isinstance(settings["parameters"], list):
        settings["parameters"] = [(net, *entry[1:]) for entry in settings["parameters"]]
    with pytest.raises(error, match=sentence):
        check_backprop(**settings)


def test_gradients_that_are_nowhere() -> None:
    net = Attributes(LAYERS)
    report = check_backprop(
        parameters=places(net), grads=[(net, "dW1", "db1"), (net, "dW2", "db2")], step=lambda x, y: 0, layers=LAYERS
    )
    assert "run: grads[0], 'dW1' is not there: the Attributes has W1, W2" in str(report)


# ---- classes of other interfaces


class Forward:
    """forward, and a backward that returns the gradients."""

    def __init__(self, n_inputs: int, n_hidden: int, n_outputs: int, gate: Any = slope) -> None:
        self.W = [np.ones((n_inputs, n_hidden)), np.ones((n_hidden, n_outputs))]
        self.b = [np.zeros((1, n_hidden)), np.zeros((1, n_outputs))]
        self.gate = gate

    def forward(self, X: Any) -> Any:
        self.x = X
        return sigmoid(sigmoid(X @ self.W[0] + self.b[0]) @ self.W[1] + self.b[1])

    def backward(self, y: Any) -> Any:
        return styles.rows(self.W, self.b, self.x, y, self.gate)


class Nine:
    """As in the best-known short tutorial: other names, y minus the output, and += in backward."""

    def __init__(self, sizes: list[int], gate: Any = slope) -> None:
        self.syn_in, self.syn_out = np.ones((sizes[0], sizes[1])), np.ones((sizes[1], sizes[2]))
        self.gate = gate

    def forward(self, X: Any) -> Any:
        self.hidden = sigmoid(X @ self.syn_in)
        return sigmoid(self.hidden @ self.syn_out)

    def backward(self, X: Any, y: Any, o: Any) -> None:
        delta = (y - o) * slope(o) / len(X)
        hidden = delta @ self.syn_out.T * self.gate(self.hidden)
        self.syn_in += X.T @ hidden
        self.syn_out += self.hidden.T @ delta


CLASSES: dict[str, tuple[type, dict[str, Any], str]] = {
    "attributes and fit": (Attributes, {}, "it is checked by its fit; its parameters are W1, W2, b1 and b2."),
    "layers with gradients": (
        Layers,
        {},
        "its backward; its parameters are layers[0].weights, layers[1].weights, layers[0].bias",
    ),
    "the book's": (Book, {}, "it is checked by its backprop for one sample at a time"),
    "forward and backward": (
        Forward,
        {},
        "it is checked by its backward; its parameters are W[0], W[1], b[0] and b[1].",
    ),
    "other names": (Nine, {"biases": False}, "its parameters are syn_in and syn_out."),
}


@pytest.mark.parametrize("name", CLASSES)
def test_classes_of_other_interfaces(name: str) -> None:
    kind, settings, note = CLASSES[name]
    report = check_backprop(kind, LAYERS, **settings)
    assert report.ok and note in str(report), str(report)
    gated = {"gate": staticmethod(NO_GATE)} if kind is Book else {"__init__": _with_gate(kind)}
    report = check_backprop(type(kind.__name__, (kind,), gated), LAYERS, **settings)
    assert MISSING_GATE in str(report), str(report)


def _with_gate(kind: Any) -> Any:
    if kind is Forward:

        def start_of_three(self: Any, n_inputs: int, n_hidden: int, n_outputs: int) -> None:
            kind.__init__(self, n_inputs, n_hidden, n_outputs, gate=NO_GATE)

        return start_of_three

    def start(self: Any, sizes: list[int]) -> None:
        kind.__init__(self, sizes, gate=NO_GATE)

    return start


def test_gradients_that_grow_in_an_object() -> None:
    class Grows(Forward):
        def backward(self, y: Any) -> Any:
            self.sums = [p + q for p, q in zip(super().backward(y), getattr(self, "sums", [0] * 4), strict=True)]
            return self.sums

    assert "BP4: the gradients of earlier calls are added" in str(check_backprop(Grows, LAYERS))


def test_an_object_is_copied_and_stays_as_it_was() -> None:
    net = Attributes(LAYERS)
    before = net.W1.copy()
    assert check_backprop(net, LAYERS).ok and (before == net.W1).all()
    assert check_backprop(net, LAYERS, predict="predict").ok
    with pytest.raises(ParameterError, match=r"has no method 'predic'\. Did you mean 'predict'"):
        check_backprop(net, LAYERS, predict="predic")


def test_the_step_of_a_mini_batch_is_checked_too() -> None:
    class Uphill(Book):
        def update_mini_batch(self, mini_batch: Any, eta: float) -> None:
            super().update_mini_batch(mini_batch, -eta)

    class Sum(Book):
        def update_mini_batch(self, mini_batch: Any, eta: float) -> None:
            super().update_mini_batch(mini_batch, eta * len(mini_batch))

    class WeightsBySum(Book):
        def update_mini_batch(self, mini_batch: Any, eta: float) -> None:
            before = self.weights
            super().update_mini_batch(mini_batch, eta)
            pairs = zip(before, self.weights, strict=True)
            self.weights = [w - len(mini_batch) * (w - after) for w, after in pairs]

    class Lazy(Book):
        def update_mini_batch(self, mini_batch: Any, eta: float) -> None:
            super().update_mini_batch(mini_batch[:3], eta)

    start = "update: update_mini_batch: the weights "
    assert start + "and biases move uphill" in str(check_backprop(Uphill, LAYERS))
    assert start + "move by the sum over the batch of 7" in str(check_backprop(WeightsBySum, LAYERS))
    assert "update: update_mini_batch: no known mistake" in str(check_backprop(Lazy, LAYERS))
    by_sum = check_backprop(Sum, LAYERS)
    assert by_sum.ok and "the step of its update_mini_batch is 7 × the gradient" in str(by_sum)


def test_a_train_beside_a_right_gradient_is_checked_where_it_makes_one_step() -> None:
    class Both(Forward):
        sign, batches = -1.0, 1

        def train(self, X: Any, y: Any, lr: float = 0.1, epochs: int = 5) -> None:
            for _ in range(epochs * self.batches):
                self.forward(X)
                dw1, db1, dw2, db2 = self.backward(y)
                for array, gradient in zip((*self.W, *self.b), (dw1, dw2, db1, db2), strict=True):
                    array += self.sign * lr * gradient

    assert check_backprop(Both, LAYERS).ok
    Both.batches = 2
    report = check_backprop(Both, LAYERS)
    assert report.ok and "its train is not checked: one call does not make a single step along the gradient" in str(
        report
    )
    Both.batches, Both.sign = 1, 1.0
    assert "update: train: the weights and biases move uphill" in str(check_backprop(Both, LAYERS))


def test_a_class_that_cannot_be_taken_gets_its_lines() -> None:
    class Odd:
        def __init__(self, sizes: list[int]) -> None:
            self.stuff = sizes

        def fit(self, X: Any, y: Any) -> None:
            raise AssertionError("it is not called")

    class Holds:
        def __init__(self, x: Any, y: Any) -> None:
            raise AssertionError("it is not made")

        def backprop(self) -> None:
            raise AssertionError("it is not called")

    for kind, reason in ((Odd, "its weights are not found"), (Holds, "what its arguments are is not clear")):
        with pytest.raises(ParameterTypeError) as caught:
            check_backprop(kind, LAYERS)
        first, *lines = str(caught.value).splitlines()
        assert first.startswith(f"{kind.__name__} cannot be checked as it is: {reason}") and len(lines) == 3
        assert (
            lines[0] == f"    net = {kind.__name__}(...)"
            and "parameters=[" in lines[1]
            and "step=lambda x, y: net." in lines[2]
        )


def per_sample(weights: Any, biases: Any, x: Any, y: Any, *, mixed: bool) -> Any:
    """A loop over the samples; `mixed`: each gets the first one's x."""
    dw, db = [np.zeros_like(w) for w in weights], [np.zeros_like(b) for b in biases]
    for i in range(x.shape[1]):
        first = x[:, [0 if mixed else i]]
        one_dw, one_db = function(weights, biases, first, y[:, [i]])
        dw = [total + part / x.shape[1] for total, part in zip(dw, one_dw, strict=True)]
        db = [total + part / x.shape[1] for total, part in zip(db, one_db, strict=True)]
    return dw, db


@pytest.mark.parametrize("mixed", [False, True])
def test_code_that_is_right_for_one_sample_alone_is_said(mixed: bool) -> None:
    report = check_backprop(partial(per_sample, mixed=mixed), [3, 4, 2], one_sample=True)
    assert report.ok and any("does not fit those of its samples" in note for note in report.notes) == mixed
    assert check_backprop(partial(per_sample, mixed=mixed), [3, 4, 2]).ok != mixed


@pytest.mark.parametrize("rate", [0.1, -2.0])
def test_new_weights_are_no_gradient(rate: float) -> None:
    def mine(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        pairs = zip((weights, biases), function(weights, biases, x, y), strict=True)
        return tuple([p - rate * g for p, g in zip(*pair, strict=True)] for pair in pairs)

    report = check_backprop(mine, [3, 4, 2])
    assert [str(fault) for fault in report.faults] == [
        f"run: it returns new weights, W {'−' if rate > 0 else '+'} {abs(rate):g}·dW; return dW and db."
    ]


@pytest.mark.parametrize("cost", ["quadratic", "binary_cross_entropy"])
def test_a_cost_that_was_not_passed_is_suggested(cost: str) -> None:
    def mine(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        a = 1 / (1 + np.exp(-(weights[0] @ x + biases[0])))
        return [(a - y) @ x.T / x.shape[1]], [(a - y).mean(axis=1, keepdims=True)]

    report = check_backprop(mine, [3, 2], ["sigmoid"], cost)
    assert report.ok == (cost != "quadratic")
    assert any("pass cost='binary_cross_entropy'" in note for note in report.notes) != report.ok
