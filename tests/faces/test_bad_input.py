"""Arguments of the constructor and data that cannot be used: one sentence, and nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from glassnet import BatchNorm, Dropout, LayerNorm, NeuralNetwork, gradient_check
from glassnet.execution.executor import ENGINES
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS
from glassnet.tables.initializers import INITIALIZERS
from glassnet.tables.layers import LAYERS
from glassnet.tables.optimizers import OPTIMIZERS
from glassnet.tables.schedules import SCHEDULES

from .refusals import INF, NAN, Fragments, X, Y, make, refused, state, with_value

# ---- the constructor

LAYER_CASES: list[tuple[Any, type[Exception], Fragments]] = [
    (None, TypeError, ("layers", "[2, 10, 1]")),
    (5, TypeError, ("layers", "[2, 10, 1]")),
    ([], ValueError, ("layers has 0", "[2, 1]")),
    ([2], ValueError, ("layers has 1", "[2, 1]")),
    ([2, 2.5, 1], TypeError, ("layers", "2.5", "whole numbers")),
    ([2, True], TypeError, ("layers", "True", "whole numbers")),
    ([2, 0, 1], ValueError, ("layers[1] is 0", "1 neuron or more")),
    ([2, -3, 1], ValueError, ("layers[1] is -3", "1 neuron or more")),
    ("2,10,1", ValueError, ("layers[0] is '2'", "number of inputs")),
    ([Dropout(0.2), 2, 1], ValueError, ("layers[0] is Dropout", "number of inputs")),
    ([2, [3], 1], TypeError, ("layer", "[3]", "dropout", "batch_norm")),
    ([2, BatchNorm(before_activation=True), 1], ValueError, ("layers[1]", "activation")),
]


@pytest.mark.parametrize(("layers", "kind", "fragments"), LAYER_CASES, ids=lambda value: repr(value)[:40])
def test_layers(layers: Any, kind: type[Exception], fragments: Fragments) -> None:
    refused(lambda: make(layers), kind, fragments)


CONSTRUCTOR_CASES: list[tuple[dict[str, Any], type[Exception], Fragments]] = [
    ({"activations": ["relu"]}, ValueError, ("activations has 1", "2 dense layers", "give 2")),
    ({"activations": "relu"}, TypeError, ("activations must be a list", "'relu'")),
    ({"activations": 5}, TypeError, ("activations must be a list", "5")),
    ({"activations": ["relu", None]}, TypeError, ("activation", "None", "sigmoid")),
    ({"activations": ["relu", 3]}, TypeError, ("activation", "3", "sigmoid")),
    ({"cost": 3}, TypeError, ("cost", "3", "quadratic")),
    (
        {"activations": ["relu", "linear"], "cost": "binary_cross_entropy"},
        ValueError,
        ("[0, 1]", "'linear'", "take an"),
    ),
    ({"initializer": 3}, TypeError, ("initializer", "3", "glorot")),
    *(({name: -1}, ValueError, (f"{name} is -1", "at least 0")) for name in ("l1", "l2")),
    *(({name: NAN}, ValueError, (f"{name} is nan", "finite")) for name in ("l1", "l2")),
    *(({name: INF}, ValueError, (f"{name} is inf", "finite")) for name in ("l1", "l2")),
    *(({"l2": value}, TypeError, ("l2", repr(value), "at least 0")) for value in ("0.1", None, True)),
    *(({"dtype": value}, TypeError, ("dtype", "'float32' or 'float64'")) for value in ("float16", "x", int, None)),
    *(({"seed": value}, TypeError, ("seed", "whole number or None", repr(value))) for value in ("a", 1.5, True)),
    *(({"seed": value}, ValueError, ("seed", str(value), "2^63")) for value in (-1, 2**63)),
    *(({"engine": value}, ValueError, ("engine", repr(value), "compiled", "numpy")) for value in ("numba", None, [])),
]


@pytest.mark.parametrize(("arguments", "kind", "fragments"), CONSTRUCTOR_CASES, ids=lambda value: repr(value)[:50])
def test_constructor(arguments: dict[str, Any], kind: type[Exception], fragments: Fragments) -> None:
    refused(lambda: make(**arguments), kind, fragments)


NAMES: list[tuple[str, dict[str, Any], Callable[[str], Any]]] = [
    ("activation", ACTIVATIONS, lambda name: make(activations=[name, "relu"])),
    ("activation", ACTIVATIONS, NeuralNetwork.getActivationFunction),
    ("activation", ACTIVATIONS, NeuralNetwork.getDerivitiveActivationFunction),
    ("cost", COSTS, lambda name: make(cost=name)),
    ("layer", LAYERS, lambda name: make([3, 4, name, 2])),
    ("initializer", INITIALIZERS, lambda name: make(initializer=name)),
    ("optimizer", OPTIMIZERS, lambda name: make().train(X, Y, optimizer=name)),
    ("schedule", SCHEDULES, lambda name: make().train(X, Y, schedule=name)),
    ("engine", dict.fromkeys(ENGINES), lambda name: make(engine=name)),
]


@pytest.mark.parametrize(
    ("what", "name", "known", "use"), [(what, name, known, use) for what, known, use in NAMES for name in known]
)
def test_a_misspelt_name_is_corrected(what: str, name: str, known: dict[str, Any], use: Callable[[str], Any]) -> None:
    """One letter too many gets a suggestion, also in capitals; a name unlike all others gets only the list."""
    for misspelt in (name.upper() + "X", name + "x"):
        refused(
            lambda misspelt=misspelt: use(misspelt),
            ValueError,
            (what, repr(misspelt), f"Did you mean {name!r}?", *known),
        )
    assert "Did you mean" not in refused(lambda: use("??"), ValueError, ("'??'", *known))


@pytest.mark.parametrize(
    ("make_entry", "kind", "fragments"),
    [
        *(
            (lambda value=value: Dropout(value), ValueError, ("rate", "Dropout", "[0, 1)"))
            for value in (1, 1.5, -0.1, NAN)
        ),
        (lambda: Dropout("a"), TypeError, ("rate", "Dropout", "'a'")),
        (lambda: BatchNorm(momentum=2), ValueError, ("momentum", "BatchNorm", "[0, 1)", "2")),
        (lambda: BatchNorm(epsilon=0), ValueError, ("epsilon", "BatchNorm", "0")),
        (lambda: LayerNorm(epsilon=-1), ValueError, ("epsilon", "LayerNorm", "-1")),
        (lambda: NeuralNetwork.getDerivitiveActivationFunction("softmax"), ValueError, ("softmax", "jacobian_product")),
    ],
)
def test_table_entries(make_entry: Callable[[], Any], kind: type[Exception], fragments: Fragments) -> None:
    refused(make_entry, kind, fragments)


# ---- x and y, wherever they are passed

X_CASES: list[tuple[str, Any, Fragments]] = [
    ("transposed", X.T, ("(8, 3)", "3 inputs", "samples are columns", "pass x.T")),
    ("rows", np.zeros((5, 7)), ("(5, 7)", "3 inputs", "samples are columns", "(3, batch)")),
    ("one sample", np.zeros(3), ("(3,)", "two dimensions", "x.reshape(3, 1)")),
    ("one dimension", np.zeros(5), ("(5,)", "two dimensions (3, batch)")),
    ("images", np.zeros((3, 4, 4)), ("(3, 4, 4)", "two dimensions (3, batch)")),
    ("a number", 3.0, ("()", "two dimensions")),
    ("None", None, ("x is None", "samples as columns")),
    ("empty", np.zeros((3, 0)), ("(3, 0)", "no sample")),
    (
        "NaN",
        with_value(with_value(X, 1, 4, value=NAN), 2, 6, value=NAN),
        ("x[1, 4] is NaN", "2 such", "fill in or drop"),
    ),
    ("inf", with_value(X, 2, 0, value=-INF), ("x[2, 0] is infinite", "1 such")),
    ("missing", np.array([[None] * 2, [1.0] * 2, [1.0] * 2], dtype=object), ("x[0, 0] is NaN",)),
    ("text", [["a", "b"]] * 3, ("x holds text", "numbers")),
    ("objects", np.full((3, 2), object()), ("x holds objects", "convert")),
    ("complex", X + 1j, ("x holds complex numbers", "real")),
    ("dates", np.zeros((3, 2), "M8[D]"), ("x holds dates",)),
    ("ragged", [[1, 2], [3], [4]], ("x has rows of different lengths",)),
    ("sparse", sparse.csr_array(X), ("x is a sparse matrix", "x.toarray()")),
    ("masked", np.ma.masked_array(X, mask=X > 0.5), ("x has masked values",)),
]
X_USES: dict[str, Callable[[NeuralNetwork, Any], Any]] = {
    "predict": lambda net, x: net.predict(x),
    "feedforward": lambda net, x: net.feedforward(x),
    "backpropagation": lambda net, x: net.backpropagation(Y, net.feedforward(X)[0], [x, *net.feedforward(X)[1][1:]]),
    "cost": lambda net, x: net.cost(x, Y),
    "train": lambda net, x: net.train(x, Y),
    "validation": lambda net, x: net.train(X, Y, validation=(x, Y)),
    "gradient_check": lambda net, x: gradient_check(net, x, Y),
}


@pytest.mark.parametrize("use", X_USES)
@pytest.mark.parametrize(("x", "fragments"), [case[1:] for case in X_CASES], ids=[case[0] for case in X_CASES])
def test_x(use: str, x: Any, fragments: Fragments) -> None:
    net = make()
    net.train(X, Y, epochs=1)
    before = state(net)
    message = refused(lambda: X_USES[use](net, x), ValueError, fragments)
    assert ("validation" in message) == (use == "validation") and state(net) == before


@pytest.mark.parametrize("name", ["x", "y"])
def test_a_number_beyond_float32(name: str) -> None:
    """float64 can represent it, and a float64 network accepts it."""
    large = {"x": X, "y": Y, name: with_value(X if name == "x" else Y, 1, 3, value=1e200)}
    refused(lambda: make().train(**large), ValueError, (f"{name}[1, 3] is 1e+200", "beyond float32", "scale"))
    assert np.isfinite(make(dtype="float64").predict(large["x"])).all()
