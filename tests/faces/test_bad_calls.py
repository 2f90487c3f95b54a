"""Targets, arguments of `train`, weights and files that cannot be used: one sentence, and nothing is changed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet
from glassnet import BinaryCrossEntropy, GlassnetError, NeuralNetwork, gradient_check
from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.execution.executor import ENGINES

from .refusals import INF, NAN, Fragments, X, Y, classifier, make, refused, state, with_value

Case = tuple[Any, type[Exception], Fragments]


def short(value: Any) -> str:
    """Name a case of a parametrized test."""
    return " ".join(repr(value).split())[:60]


# ---- y

Y_CASES: list[tuple[str, Callable[[], NeuralNetwork], Any, Fragments]] = [
    ("transposed", make, Y.T, ("(8, 2)", "(2, 8)", "samples are columns", "pass y.T")),
    ("fewer samples", make, Y[:, :7], ("y has 7 samples", "x has 8")),
    ("one row", make, Y[0], ("(8,)", "(2, 8)", "samples are columns")),
    ("None", make, None, ("y is None",)),
    ("NaN", make, with_value(Y, 1, 2, value=NAN), ("y[1, 2] is NaN", "fill in or drop")),
    ("inf", make, with_value(Y, 0, 5, value=INF), ("y[0, 5] is infinite",)),
    ("text", make, [["a"] * 8] * 2, ("y holds text", "numbers")),
    ("ragged", make, [[1, 2], [3]], ("y has rows of different lengths",)),
    ("masked", make, np.ma.masked_array(Y, mask=Y > 0.5), ("y has masked values",)),
    (
        "no distribution",
        classifier,
        np.full((3, 8), 0.5),
        ("y[:, 0]", "1.5", "one-hot", "class numbers of shape (batch,)"),
    ),
    ("below 0", classifier, with_value(np.eye(3)[:, np.arange(8) % 3], 2, 1, value=-1), ("y[2, 1] is -1", "[0, 1]")),
    ("a fraction", classifier, with_value(np.zeros(8), 3, value=0.5), ("y[3]", "whole number", "0 to 2")),
    ("NaN among classes", classifier, with_value(np.zeros(8), 3, value=NAN), ("y[3]", "0 to 2")),
    ("no such class", classifier, np.arange(8), ("y[3] is 3", "classes are 0 to 2")),
    ("class -1", classifier, with_value(np.zeros(8), 6, value=-1), ("y[6] is -1", "classes are 0 to 2")),
    ("fewer classes", classifier, np.zeros(7, int), ("y has 7 samples", "x has 8")),
    ("names", classifier, ["cat"] * 8, ("y holds text",)),
    ("binary", lambda: make([3, 1], cost="binary_cross_entropy"), np.full((1, 8), 2.0), ("y[0, 0] is 2", "[0, 1]")),
    (
        "smoothed",
        lambda: make([3, 1], cost=BinaryCrossEntropy(0.1)),
        np.full((1, 8), 1.01),
        ("y[0, 0] is 1.01", "[0, 1]"),
    ),
    ("counts", lambda: make([3, 1], ["exp"], "poisson"), -np.ones((1, 8)), ("y[0, 0] is -1", "[0, ∞)", "poisson")),
]


@pytest.mark.parametrize("use", ["train", "cost", "backpropagation"])
@pytest.mark.parametrize(("build", "y", "fragments"), [case[1:] for case in Y_CASES], ids=[case[0] for case in Y_CASES])
def test_y(use: str, build: Callable[[], NeuralNetwork], y: Any, fragments: Fragments) -> None:
    net = build()
    before = state(net)
    calls = {"train": lambda: net.train(X, y), "cost": lambda: net.cost(X, y)}
    calls["backpropagation"] = lambda: net.backpropagation(y, *net.feedforward(X))
    refused(calls[use], ValueError, fragments)
    assert state(net) == before


# ---- the arguments of train


def wholes(name: str) -> list[tuple[dict[str, Any], type[Exception], Fragments]]:
    """Make the cases that are not whole numbers of at least 1."""
    wrong: list[tuple[Any, type[Exception]]] = [(0, ValueError), (-1, ValueError), (True, ValueError)]
    wrong += [(2.5, TypeError), ("5", TypeError), (NAN, TypeError)]
    return [({name: value}, kind, (name, repr(value), "whole number of at least 1")) for value, kind in wrong]


def positives(name: str) -> list[tuple[dict[str, Any], type[Exception], Fragments]]:
    """Make the cases that are not finite numbers above 0."""
    wrong: list[tuple[Any, type[Exception]]] = [(value, ValueError) for value in (0, -1, NAN, INF)]
    wrong += [(True, TypeError), ("a", TypeError), ([0.1, 0.2], TypeError)]
    return [({name: value}, kind, (name, repr(value), "above 0")) for value, kind in wrong]


OTHERS: list[tuple[dict[str, Any], type[Exception], Fragments]] = [
    ({"lr": None}, TypeError, ("lr", "None")),
    ({"lr": "0.1"}, TypeError, ("lr", "'0.1'", "above 0")),
    ({"optimizer": 3}, TypeError, ("optimizer", "3", "adam")),
    ({"optimizer": None}, TypeError, ("optimizer", "None", "adam")),
    ({"schedule": 3}, TypeError, ("schedule", "3", "cosine")),
    ({"patience": 3}, ValueError, ("patience", "validation=0.1")),
    ({"lr_factors": [1]}, ValueError, ("lr_factors has 1", "2 dense layers")),
    ({"lr_factors": [1, -1]}, ValueError, ("lr_factors", "at least 0")),
    ({"lr_factors": [1, NAN]}, ValueError, ("lr_factors", "finite")),
    ({"lr_factors": 3}, TypeError, ("lr_factors", "2 numbers", "3")),
    ({"lr_factors": {"w9": 1}}, ValueError, ("lr_factors", "'w9'", "weights, biases, w1")),
    ({"lr_factors": {"w1": -1}}, ValueError, ("lr_factors", "at least 0")),
    ({"lr_factors": {"w1": "a"}}, TypeError, ("lr_factors", "names to numbers")),
    ({"decay_factors": [1, 2]}, ValueError, ("decay_factors needs an optimizer with weight decay", "sgd")),
    ({"decay_schedule": "flat_cos"}, ValueError, ("decay_schedule", "sgd")),
    ({"lr_factors": [1, "a"]}, TypeError, ("lr_factors", "2 numbers")),
    *(({"callbacks": value}, TypeError, ("callbacks", "sequence of functions")) for value in (None, print, [3], 3)),
    ({"checkpoint": 5}, TypeError, ("checkpoint", "path", "5")),
    ({"checkpoint": "no/such/folder/c"}, ValueError, ("checkpoint", "no/such/folder", "make it first")),
    *(
        ({"checkpoint": folder}, ValueError, ("checkpoint", "is a folder", "name a file"))
        for folder in ("", Path.home())
    ),
    ({"resume": True}, ValueError, ("resume", "checkpoint")),
    *(({"verbose": value}, ValueError, ("verbose", repr(value), "None, 0 or 1")) for value in ("a", -1, 2)),
    *(
        ({"validation": share}, ValueError, ("validation", "(x, y)", "0 and 1"))
        for share in (0, 1, -0.5, 1.5, NAN, "0.1", X)
    ),
    *(
        ({"validation": parts}, ValueError, (f"validation has {len(parts)} parts", "(x, y)"))
        for parts in ((X,), (X, Y, Y))
    ),
    ({"validation": (X, Y[:, :3])}, ValueError, ("validation", "y has 3 samples", "x has 8")),
    ({"validation": (X, with_value(Y, 0, 0, value=NAN))}, ValueError, ("validation", "y[0, 0] is NaN")),
    *(({"validation": share}, ValueError, (f"validation={share}", "no sample", "train on")) for share in (0.99, 0.94)),
    ({"sample_weight": np.ones(7)}, ValueError, ("sample_weight has 7", "x has 8")),
    ({"sample_weight": np.ones((1, 8))}, ValueError, ("sample_weight has shape (1, 8)", "(8,)")),
    ({"sample_weight": 3}, ValueError, ("sample_weight", "(8,)")),
    ({"sample_weight": ["a"] * 8}, ValueError, ("sample_weight holds text",)),
    ({"sample_weight": np.zeros(8)}, ValueError, ("every sample_weight is 0", "at least one")),
    *(
        (
            {"sample_weight": with_value(np.ones(8), 4, value=value)},
            ValueError,
            (f"sample_weight[4] is {value:g}", "at least 0"),
        )
        for value in (-2, NAN, INF)
    ),
]
TRAIN = [case for name in ("batch_size", "epochs", "patience", "every", "threads") for case in wholes(name)]
TRAIN += [case for name in ("lr", "clip_norm", "clip_value", "time_limit") for case in positives(name)]
TRAIN += OTHERS


@pytest.mark.parametrize(("arguments", "kind", "fragments"), TRAIN, ids=short)
def test_train(arguments: dict[str, Any], kind: type[Exception], fragments: Fragments) -> None:
    net = make()
    net.train(X, Y, epochs=1)
    before = state(net)
    refused(lambda: net.train(X, Y, **arguments), kind, fragments)
    assert state(net) == before


@pytest.mark.parametrize("engine", ENGINES)
def test_sample_weights_that_leave_training_or_validation_empty(engine: str) -> None:
    """The only sample with a weight may fall into either part."""
    in_validation = set()
    for seed in range(10):
        net = make(seed=seed, engine=engine)
        only = np.eye(8)[0]
        message = refused(
            lambda net=net, w=only: net.train(X, Y, validation=0.4, sample_weight=w), ValueError, ("weight",)
        )
        in_validation.add("train on" in message)
    assert in_validation == {True, False}


def test_a_batch_larger_than_the_data_is_the_full_batch() -> None:
    nets = [make() for _ in range(2)]
    for net, size in zip(nets, (8, 10**12), strict=True):
        assert net.train(X, Y, batch_size=size, epochs=2)[-1].step == 2
    assert state(nets[0])[0] == state(nets[1])[0]


# ---- weights, z and a

ASSIGNED: list[Case] = [
    ([np.ones((4, 3))], ValueError, ("weights has 1", "2 dense layers")),
    ([np.ones((4, 3)), np.ones((4, 2))], ValueError, ("w2 has shape (2, 4)", "fan_out first", "(4, 2)")),
    ([np.ones((4, 3)), [[1, 2], [3]]], ValueError, ("w2", "different lengths", "(2, 4)")),
    ([np.ones((4, 3)), np.full((2, 4), "a")], ValueError, ("w2 needs real numbers",)),
    ([np.ones((4, 3)), np.ones((2, 4)) + 1j], ValueError, ("w2 needs real numbers", "complex")),
    (5, TypeError, ("weights must be a list of 2 arrays", "5")),
    ("ab", TypeError, ("weights must be a list of 2 arrays", "'ab'")),
]


@pytest.mark.parametrize(("values", "kind", "fragments"), ASSIGNED, ids=short)
def test_weights_are_assigned_all_or_none(values: Any, kind: type[Exception], fragments: Fragments) -> None:
    net = make()
    before = state(net)
    refused(lambda: setattr(net, "weights", values), kind, fragments)
    assert state(net) == before


def test_one_matrix_and_one_bias() -> None:
    net = make()
    before = state(net)
    refused(lambda: net.weights.__setitem__(0, np.ones((3, 4))), ValueError, ("w1", "(4, 3)", "(3, 4)"))
    refused(lambda: net.biases.__setitem__(0, np.ones(4)), ValueError, ("b1", "(4, 1)", "(4,)"))
    refused(lambda: setattr(net, "biases", [np.ones((4, 1))]), ValueError, ("biases has 1", "2 dense layers"))
    assert state(net) == before


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        (lambda z, a: ([], a), ("z_s has 0 and a_s 3", "x first")),
        (lambda z, a: (z, a[1:]), ("z_s has 2 and a_s 2", "x first")),
        (lambda z, a: ([z[0][:, :5], z[1]], a), ("z_s[0]", "(4, 5)", "(4, 8)")),
        (lambda z, a: ([z[0], "b"], a), ("z_s[1] holds text",)),
        (lambda z, a: (z, [a[0], a[1].T, a[2]]), ("a_s[1]", "(8, 4)", "(4, 8)")),
    ],
)
def test_z_and_a(change: Callable[[Any, Any], Any], fragments: Fragments) -> None:
    net = make()
    before = state(net)
    refused(lambda: net.backpropagation(Y, *change(*net.feedforward(X))), ValueError, fragments)
    assert state(net) == before


def test_activation_functions_refuse_text() -> None:
    for function in (NeuralNetwork.getActivationFunction, NeuralNetwork.getDerivitiveActivationFunction):
        refused(lambda function=function: function("sigmoid")("abc"), ValueError, ("z holds text",))


# ---- model files (damaged files are in test_bad_files.py)


def test_a_network_that_is_not_finite_is_not_saved(tmp_path: Path) -> None:
    net = make()
    net.save(tmp_path / "m")
    before = (tmp_path / "m").read_bytes()
    net.weights[1][0, 2] = NAN
    refused(lambda: net.save(tmp_path / "m"), ValueError, ("w2", "not finite"))
    assert (tmp_path / "m").read_bytes() == before


@pytest.mark.parametrize("path", [3, None, np.zeros(2)])
def test_a_path_is_text_or_a_path(path: Any) -> None:
    net = NeuralNetwork([2, 1], seed=0)
    uses: list[Callable[[Any], Any]] = [net.save, NeuralNetwork.load, glassnet.load, glassnet.from_onnx]
    if path is not None:  # which returns the weights
        uses.append(partial(glassnet.to_torch_state_dict, net))
    for use in uses:
        with pytest.raises(
            ParameterTypeError, match=r"path is of type (int|NoneType|ndarray); give the name of a file"
        ):
            use(path)


def test_the_targets_of_a_npy_file_are_in_a_second_one(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((4, 2)))
    with pytest.raises(
        ParameterError, match=r"y is 'price', which is no file; the targets of .* in a second \.npy file"
    ):
        NeuralNetwork([2, 1]).train(tmp_path / "x.npy", "price")


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    net = make()
    refused(lambda: net.save(tmp_path / "no" / "m"), ValueError, (str(tmp_path / "no"), "make it first"))
    refused(lambda: net.save(tmp_path / "m", extra={"a": object()}), ValueError, ("metadata", "text, lists"))
    refused(lambda: NeuralNetwork.load(tmp_path / "m"), ValueError, (str(tmp_path / "m"), "does not exist"))
    (tmp_path / "m").write_bytes(b"\x80\x05nonsense")
    refused(lambda: NeuralNetwork.load(tmp_path / "m"), ValueError, (str(tmp_path / "m"),))
    refused(lambda: net.save(tmp_path / "m"), ValueError, (str(tmp_path / "m"), "remove it"))
    (tmp_path / "m").unlink()
    net.save(tmp_path / "m")
    refused(lambda: NeuralNetwork.load(tmp_path / "m", engine="torch"), ValueError, ("engine", "'torch'", "compiled"))
    refused(lambda: net.astype("float16"), TypeError, ("'float32' or 'float64'", "'float16'"))


# ---- what a message suggests

CLASSES = np.arange(8) % 3
SUGGESTIONS: dict[str, tuple[Callable[[], Any], str]] = {
    "class numbers for sigmoids": (lambda: make([3, 4, 3]).train(X, CLASSES), "one-hot targets: np.eye(3)[y].T."),
    "and in a row": (lambda: make([3, 4, 3]).train(X, CLASSES[None]), "one-hot targets: np.eye(3)[y.ravel()].T."),
    "a row of class numbers": (lambda: classifier().train(X, CLASSES[None]), "class numbers, pass y.ravel()."),
    "a column of class numbers": (lambda: classifier().train(X, CLASSES[:, None]), "class numbers, pass y.ravel()."),
    "a name of train": (lambda: make().train(X, Y, epoch=3), "train has no argument 'epoch'. Did you mean 'epochs'?"),
    "a name of the constructor": (
        lambda: make(activation=["relu"]),
        "'activation'. Did you mean 'activations'?",
    ),
    "a name like no other": (lambda: make(qqq=1), "no argument 'qqq'. Its arguments are layers, activations, cost,"),
    "the network last": (lambda: gradient_check(X, Y, make()), "a NeuralNetwork last: gradient_check(net, x, y)."),
    "no network": (lambda: gradient_check(None, X, Y), "the first argument is a network, not NoneType:"),
    "one width": (lambda: make([2]), "layers has 1 width; a network"),
    "one activation": (
        lambda: make([2, 3, 1], ["relu"]),
        "has 1 entry, but layers has 2 dense layers; give 2.",
    ),
    "one layer": (
        lambda: make([2, 1], ["relu"] * 2),
        "has 2 entries, but layers has 1 dense layer; give 1.",
    ),
    "one array": (
        lambda: setattr(make(), "weights", [np.ones((4, 3))]),
        "has 1 array, but the network has 2 dense",
    ),
    "cross-entropy of a sigmoid": (lambda: make(cost="cross_entropy"), "Did you mean 'binary_cross_entropy'?"),
    "log loss of a sigmoid": (lambda: make(cost="log_loss"), "Did you mean 'binary_cross_entropy'?"),
    "cross-entropy of softmax": (
        lambda: make([3, 2], ["softmax"], "cross_entropy"),
        "Did you mean 'categorical_cross_entropy'?",
    ),
    "δ of a z": (lambda: make().nudge(X, Y, "δ1[0,0]"), "δ1 cannot be set: nudge z1, its slope is what δ1 says;"),
    "dW of a W": (lambda: make().nudge(X, Y, "dw2[0,0]"), "dW2 cannot be set: nudge w2, its slope is what dW2 says;"),
    "db of a b": (lambda: make().nudge(X, Y, "db1[0]"), "db1 cannot be set: nudge b1, its slope is what db1 says;"),
    "the slope of the output": (lambda: make().nudge(X, Y, "∂c/∂a2[0,0]"), "nudge a2, its slope is what ∂c/∂a2 says;"),
    "C": (lambda: make().nudge(X, Y, "C"), "C cannot be set; what can be set is x, w1"),
}


@pytest.mark.parametrize("name", SUGGESTIONS)
def test_a_message_says_what_to_do(name: str) -> None:
    call, sentence = SUGGESTIONS[name]
    with pytest.raises(GlassnetError) as info:
        call()
    assert sentence in str(info.value), str(info.value)


def test_the_row_of_shapes_has_no_hint_where_it_cannot_be_classes() -> None:
    with pytest.raises(GlassnetError) as info:
        make([3, 4, 3]).train(X, np.full(8, 0.5))
    assert "one-hot" not in str(info.value)


def test_the_signatures_of_the_article_are_those_of_its_functions() -> None:
    assert list(inspect.signature(NeuralNetwork).parameters)[:3] == ["layers", "activations", "cost"]
    assert list(inspect.signature(NeuralNetwork.train).parameters)[:4] == ["self", "x", "y", "batch_size"]
    with pytest.raises(TypeError, match="positional argument"):
        make().train(X, Y, 3, 4, 5, 6)  # type: ignore[call-arg]
