"""Names of other libraries: accepted where value, gradient and scale are exactly ours, else refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from glassnet import BinaryCrossEntropy, MLPRegressor, NeuralNetwork
from glassnet.cli.app import app
from glassnet.cli.stored_model import load_model
from glassnet.errors import ParameterError
from glassnet.tables.activations import ACTIVATIONS, activation
from glassnet.tables.costs import COSTS, cost
from glassnet.tables.initializers import INITIALIZERS, He, Normal, initializer
from glassnet.tables.layers import LAYERS, layer
from glassnet.tables.library_names import LIBRARY_NAMES, LibraryName, letters
from glassnet.tables.optimizers import OPTIMIZERS, optimizer
from glassnet.tables.schedules import SCHEDULES, schedule

Array = np.ndarray[Any, Any]
TABLES: dict[str, tuple[dict[str, Any], Callable[[Any], Any]]] = {
    "activation": (ACTIVATIONS, activation),
    "cost": (COSTS, cost),
    "initializer": (INITIALIZERS, initializer),
    "layer": (LAYERS, layer),
    "optimizer": (OPTIMIZERS, optimizer),
    "schedule": (SCHEDULES, schedule),
}
NAMES = [(what, row, name) for what, rows in LIBRARY_NAMES.items() for row in rows for name in row.names.split()]
EXACT = [case for case in NAMES if not case[1].difference]
AVERAGED = [case for case in EXACT if case[1].averaged]
REFUSED = [case for case in NAMES if case[1].difference]

# The definitions of the other libraries, with their defaults; those of costs are means over the outputs (axis 0).
ACTIVATION_DEFINITIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "swish": lambda z: z / (1 + np.exp(-z)),
    "exponential": np.exp,
    "celu": lambda z: np.maximum(z, 0) + np.minimum(0, np.exp(z) - 1),
}


def bce(a: Array, y: Array) -> Array:
    return np.mean(-y * np.log(a) - (1 - y) * np.log(1 - a), axis=0)


def huber(a: Array, y: Array) -> Array:
    r = abs(a - y)
    return np.mean(np.where(r <= 1, r * r / 2, r - 0.5), axis=0)


def mae(a: Array, y: Array) -> Array:
    return np.mean(abs(a - y), axis=0)


def pinball(a: Array, y: Array) -> Array:
    return np.mean(np.maximum(y - a, 0) / 2 + np.maximum(a - y, 0) / 2, axis=0)


def half_squared(a: Array, y: Array) -> Array:
    return np.mean((a - y) ** 2, axis=0) / 2


COST_DEFINITIONS: dict[str, Callable[[Array, Array], Array]] = {
    **dict.fromkeys(("bce", "bce_loss", "binary_crossentropy"), bce),
    **dict.fromkeys(("mae", "l1", "l1_loss", "mean_absolute_error", "absolute_error"), mae),
    **dict.fromkeys(("huber_loss", "smooth_l1", "smooth_l1_loss"), huber),
    **dict.fromkeys(("pinball_loss", "mean_pinball_loss"), pinball),
    "squared_error": half_squared,
}


def spellings(name: str) -> set[str]:
    capitals = "".join(part.capitalize() for part in name.split("_"))
    return {name, name.upper(), name.replace("_", "-"), name.replace("_", " "), name.replace("_", ""), capitals}


@pytest.mark.parametrize("what", TABLES)
def test_capitals_hyphens_and_underscores_do_not_matter(what: str) -> None:
    table, resolve = TABLES[what]
    for name, entry in table.items():
        for spelling in spellings(name) - {"binarycrossentropy"} | {entry.__name__}:
            assert type(resolve(spelling)) is entry, spelling


@pytest.mark.parametrize(("what", "row", "name"), EXACT)
def test_an_exact_name_gives_our_entry(what: str, row: LibraryName, name: str) -> None:
    table, resolve = TABLES[what]
    for spelling in {*spellings(name), name + "_"}:
        assert resolve(spelling) == table[row.ours]()


@pytest.mark.parametrize(("what", "row", "name"), REFUSED)
def test_a_near_miss_is_refused_with_the_reason(what: str, row: LibraryName, name: str) -> None:
    table, resolve = TABLES[what]
    assert row.ours in table
    with pytest.raises(ParameterError) as caught:
        resolve(name)
    start = f"{what} {name!r} is not exactly one of ours: {row.difference}."
    assert str(caught.value) == f"{start} Did you mean {row.ours!r}?"


def test_no_name_stands_twice_or_shadows_one_of_ours() -> None:
    for what, rows in LIBRARY_NAMES.items():
        names = [name for row in rows for name in row.names.split()]
        assert len({*map(letters, names)}) == len(names)
        for row in rows:
            clashes = {*map(letters, row.names.split())} & {*map(letters, TABLES[what][0])}
            assert clashes <= {letters(row.ours)}


@pytest.mark.parametrize("name", [name for what, _, name in EXACT if what == "activation"])
def test_exact_activations_have_the_value_of_their_definition(name: str) -> None:
    z = np.linspace(-4, 4, 101)
    np.testing.assert_allclose(activation(name).value(z), ACTIVATION_DEFINITIONS[name](z), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", [name for _, _, name in AVERAGED])
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_mean_over_outputs_is_accepted_where_it_is_our_sum(name: str, outputs: int) -> None:
    """The definition differs from ours for three outputs, so that the refusal is right, and agrees for one."""
    rng = np.random.default_rng(0)
    a, y = rng.uniform(0.1, 0.9, (2, outputs, 50))
    a = a if cost(name).outputs.high == 1 else 4 * a  # Huber's two branches need errors above 1
    ours, theirs = cost(name).value(a, y).sum(axis=0), COST_DEFINITIONS[name](a, y)
    np.testing.assert_allclose(ours, outputs * theirs, rtol=1e-12)
    if outputs == 1:
        assert NeuralNetwork([2, 1], ["sigmoid"], cost=name).architecture.cost == cost(name)
        return
    with pytest.raises(ParameterError, match=f"cost '{name}' is not exactly one of ours: it is the mean over the outp"):
        NeuralNetwork([2, 3], ["sigmoid"], cost=name)


def test_our_own_spellings_are_sums_for_several_outputs() -> None:
    for name in ("binary_cross_entropy", "Binary-Cross-Entropy", "BinaryCrossEntropy"):
        assert NeuralNetwork([2, 3], ["sigmoid"], cost=name).architecture.cost == BinaryCrossEntropy()


@pytest.mark.parametrize("outputs", [1, 3])
def test_mse_is_refused_since_its_gradient_is_another(outputs: int) -> None:
    a, y = np.random.default_rng(1).random((2, outputs, 9))
    gradient = 2 * (a - y) / outputs
    np.testing.assert_allclose(cost("quadratic").gradient(a, y), gradient * outputs / 2)
    with pytest.raises(ParameterError, match=r"'mse' is not exactly one of ours: .* K/2 times .* mean 'quadratic'\?"):
        NeuralNetwork([2, outputs], ["linear"], cost="mse")


def test_initializers_draw_the_same_distribution() -> None:
    """The range of glorot_uniform, the standard deviation of kaiming_normal, and that of Keras's random_normal."""
    rng = np.random.default_rng(0)
    uniform = initializer("xavier_uniform_").draw(rng, 300, 100)
    assert abs(uniform).max() == pytest.approx(np.sqrt(6 / 400), rel=1e-3)
    assert uniform.std() == pytest.approx(np.sqrt(2 / 400), rel=0.02)
    normal = initializer("kaiming_normal_").draw(rng, 300, 100)
    assert normal.std() == pytest.approx(np.sqrt(2 / 300), rel=0.02) and initializer("kaiming_normal_") == He()
    assert Normal().scale != 0.05


def test_cosine_decay_is_the_formula_of_keras() -> None:
    t = np.arange(40)
    np.testing.assert_allclose(schedule("CosineDecay").rates(0.3, t, 40, 8), 0.15 * (1 + np.cos(np.pi * t / 40)))


def test_a_network_of_other_names_is_ours_to_the_bit_and_stored_by_our_names(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).random((2, 60)), np.random.default_rng(1).integers(0, 3, 60)
    theirs = NeuralNetwork(
        (2, "Batch-Norm", 6, 3), ["Swish", "Softmax"], "sparse_categorical_crossentropy", "glorot_uniform", seed=1
    )
    ours = NeuralNetwork([2, "batch_norm", 6, 3], ["silu", "softmax"], "categorical_cross_entropy", "glorot", seed=1)
    assert theirs.describe() == ours.describe()
    theirs.train(x, y, epochs=3, optimizer="RMSprop", schedule="cosine_decay", verbose=0)
    ours.train(x, y, epochs=3, optimizer="rmsprop", schedule="cosine", verbose=0)
    assert np.array_equal(theirs.parameters.vector, ours.parameters.vector)
    theirs.save(tmp_path / "theirs.safetensors")
    assert b"silu" in (stored := (tmp_path / "theirs.safetensors").read_bytes()) and b"wish" not in stored
    assert NeuralNetwork.load(tmp_path / "theirs.safetensors").describe() == ours.describe()


def test_static_methods_and_estimators_take_the_same_names() -> None:
    z = np.linspace(-3, 3, 7)
    assert np.array_equal(NeuralNetwork.getActivationFunction("swish")(z), activation("silu").value(z))
    assert NeuralNetwork.getDerivitiveActivationFunction("identity")(z).tolist() == [1.0] * 7
    X, y = np.random.default_rng(0).random((40, 2)), np.random.default_rng(1).random((40, 2))
    options: dict[str, Any] = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0, "tol": 0.0}
    with pytest.warns(UserWarning):
        model = MLPRegressor(activation="swish", optimizer="Adam", loss="squared_error", **options).fit(X, y)
    assert [dense.activation.name for dense in model._network.architecture.dense] == ["silu", "linear"]
    with pytest.raises(ParameterError, match="the mean over the outputs"):
        MLPRegressor(loss="mae", **options).fit(X, y)


def test_the_command_line_takes_them_and_stores_ours(tmp_path: Path) -> None:
    file, out = str(Path(__file__).resolve().parents[2] / "docs/data/iris.csv"), str(tmp_path / "iris.safetensors")
    names = ["--optimizer", "Adam", "--schedule", "cosine-decay", "--activation", "swish", "--epochs", "2", "--quiet"]
    arguments = ["train", file, "--target", "species", "--out", out, *names]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    model = load_model(out)
    assert (model.training["optimizer"], model.training["schedule"]) == ("adam", "cosine")
    assert "adam" in CliRunner().invoke(app, ["show", out]).stdout
    refused = CliRunner().invoke(app, [*arguments, "--cost", "bce"])  # three classes, three outputs
    assert refused.exit_code == 2 and "the mean over the outputs" in refused.stderr
