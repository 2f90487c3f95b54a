"""Twenty-odd models of different kinds for the tests of exports: every activation and layer, every estimator."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

import glassnet
from glassnet.data.choice import ColumnChooser
from glassnet.data.encodings import PLAIN_ENCODINGS
from glassnet.data.options import ReadingOptions
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.summary import Summary
from glassnet.data.table import Table
from glassnet.data.tabular_encodings import tabular_encodings
from glassnet.data.target import ClassTarget, NumberTarget
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tabular.calibration import Calibration
from glassnet.tabular.isotonic import Isotonic, Steps
from glassnet.tabular.linear_features import LinearFeatures
from glassnet.tabular.linear_path import LinearPath
from glassnet.tabular.member import Member
from glassnet.tabular.model import TabularModel

Array = np.ndarray[Any, Any]
SIZE = 240


def perturbed(network: glassnet.NeuralNetwork) -> glassnet.NeuralNetwork:
    """The network with parameters and running statistics away from their first values."""
    rng = np.random.default_rng(1)
    for name in network.parameters:
        if not name.startswith("piecewise_linear"):
            shape = network.parameters[name].shape
            network.parameters[name] = network.parameters[name] + 0.2 * rng.normal(size=shape)
    for name in network.statistics:
        network.statistics[name] = 0.2 + rng.random(network.statistics[name].shape)
    return network


def network(layers: list[Any], activations: list[Any], *more: Any, **options: Any) -> glassnet.NeuralNetwork:
    return perturbed(glassnet.NeuralNetwork(layers, activations, *more, seed=0, **options))


def with_activation(name: str) -> glassnet.NeuralNetwork:
    entry: Any = {"leaky_relu": glassnet.LeakyReLU(0.1), "elu": glassnet.ELU(0.7)}.get(name, name)
    return network([4, 9, 3], [entry, "linear"])


def custom() -> glassnet.NeuralNetwork:
    """A formula with every operation that formulas have."""

    def value(z: Any) -> Any:
        waves = np.sin(z) * np.cos(0.5 * z) + np.sign(z) * np.log1p(abs(z)) - np.expm1(-abs(z))
        chosen = np.where((z > -1) * (z <= 1.5), z**3 / (1 + z * z), np.sqrt(abs(z)))
        return waves + np.clip(chosen, -2, 2) + np.log(1 + z * z) * np.tanh(z) + np.maximum(z, -z) * (z != 0)

    entry = glassnet.custom_activation("all operations", value, lambda z, a: 1 + 0 * z)
    return network([4, 9, 3], [entry, "linear"])


def normalised() -> glassnet.NeuralNetwork:
    first = [8, glassnet.BatchNorm(before_activation=True), 7, glassnet.LayerNorm(), glassnet.Dropout(0.1)]
    second = [glassnet.GaussianNoise(0.1), 6, glassnet.Scaling(), glassnet.ParametricActivation("mish"), 2]
    return network([4, *first, *second], ["relu", "tanh", "linear", "linear"])


def sequential() -> glassnet.NeuralNetwork:
    """What a Sequential of PyTorch and of Keras has too."""
    layers = [8, glassnet.BatchNorm(before_activation=True), 7, glassnet.Dropout(0.1), 6, glassnet.LayerNorm(), 3]
    return network([5, *layers], ["relu", "silu", "tanh", "softmax"], "categorical_cross_entropy")


def embedded() -> glassnet.NeuralNetwork:
    embeddings = [glassnet.PiecewiseLinear((0, 1), 4), glassnet.PeriodicEmbedding((0, 2), 8, 4)]
    codes = glassnet.Embedding((3, 5), (3, 4), 3)
    return network([6, *embeddings, codes, glassnet.Scaling(), 10, 2], ["silu", "linear"])


def table(rows: int = SIZE, seed: int = 0) -> tuple[pd.DataFrame, Array]:
    """Columns of every kind, with gaps, and a number that depends on them."""
    rng = np.random.default_rng(seed)
    minutes, days = rng.integers(0, 3_000_000, rows), rng.integers(0, 25_000, rows)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 10, rows),
            "income": np.exp(rng.normal(10, 1, rows)),
            "town": rng.choice(["Bonn", "Köln", "Ulm", 'O\'Neill "x"\\ */ ??/'], rows),
            "postcode": rng.choice([f"z{number}" for number in range(50)], rows),
            "member": rng.random(rows) < 0.5,
            "since": pd.Timestamp("2015-01-01") + pd.to_timedelta(minutes, unit="min"),
            "born": pd.Timestamp("1950-01-01") + pd.to_timedelta(days, unit="D"),
            "class": rng.choice(["m", "f"], rows),
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[::11, "town"] = None
    frame.loc[::13, "since"] = pd.NaT
    effect = frame.town.map({"Bonn": 1.0, "Köln": 2.0}).fillna(0) + frame.member + np.log(frame.income) - 10
    return frame, (frame.age.fillna(40) / 10 + effect + rng.normal(0, 0.3, rows)).to_numpy(float)


def quiet(function: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function()


def tabular(kind: str) -> Any:
    frame, y = table()
    if kind == "array":
        x = frame[["age", "income"]].to_numpy()
        return quiet(lambda: glassnet.TabularRegressor(preset="fast", random_state=0).fit(x, y))
    if kind in ("numbers", "logarithm"):
        model = glassnet.TabularRegressor(preset="fast", log_target=kind == "logarithm", random_state=0)
        return quiet(lambda: model.fit(frame, np.exp(y / 2)))
    labels = np.array(["low", "mid", "high"])[np.digitize(y, [4.5, 6])] if kind == "classes" else y > 5.2
    return quiet(lambda: glassnet.TabularClassifier(preset="fast", random_state=0).fit(frame, labels))


def assembled(kind: str) -> TabularModel:
    """A model of untrained networks with all that a fit may add: every kind of reading, linear model, calibration."""
    frame, y = table()
    rng = np.random.default_rng(4)
    extra = {
        "code": np.where(np.arange(SIZE) % 5 == 0, -999.0, np.arange(SIZE) % 37 * 1.5),
        "clock": [f"{hour:02d}:{minute:02d}" for hour, minute in rng.integers(0, (24, 60), (SIZE, 2))],
        "price": [f"${price:,.2f}" for price in np.exp(rng.normal(8, 1, SIZE))],
        "answer": rng.choice(["Yes", "No", None], SIZE),
        "target": y,
    }
    data = Table.from_frame(frame.assign(**extra))
    chooser = ColumnChooser(Summary.of(data), ReadingOptions(missing=["-999"], number=["price"]), data)
    encodings = tabular_encodings(max_one_hot=20) if kind == "classes" else PLAIN_ENCODINGS
    preparation = TablePreparation.fit(data, "target", np.arange(SIZE), chooser, encodings)
    classes = kind == "classes"
    networks = [perturbed(small_network(preparation, 3 if classes else 1, seed)) for seed in (0, 1)]
    target: Any = ClassTarget("target", [1, 5, 10])
    if not classes:
        target = NumberTarget("target", [0.5], [2.0], log=True, smearing=[1.1])
    result = TabularModel(preparation, target, [Member(net) for net in networks])
    if classes:
        result.calibration = Calibration(0.8, Isotonic(tuple(Steps(*rising(power)) for power in (0.7, 1.0, 1.5))))
    else:
        result.output_range = [-0.5], [0.5]
    numbers = [i for i, kind in enumerate(preparation.input_kinds) if kind == "number"] if classes else []
    features = LinearFeatures({code: list(range(1, 20)) for code in preparation.code_counts}, numbers)
    shape = features.width(preparation.width), 3 if classes else 1
    coefficients = rng.normal(size=shape) * 0.1
    result.linear = LinearPath(0.3, coefficients, rng.normal(size=shape[1]), classes, features)
    return result


def small_network(preparation: TablePreparation, outputs: int, seed: int) -> glassnet.NeuralNetwork:
    codes = preparation.code_counts
    counts = tuple(count - 1 for count in codes.values())
    layers = [preparation.width, *([glassnet.Embedding(counts, tuple(codes), 4)] if codes else []), 8, outputs]
    activations = ["selu", "softmax" if outputs > 1 else "linear"]
    cost = "categorical_cross_entropy" if outputs > 1 else "quadratic"
    return glassnet.NeuralNetwork(layers, activations, cost, seed=seed)


def rising(power: float) -> tuple[Array, Array]:
    """Knots of a rising function between 0 and 1."""
    x = np.linspace(0.05, 0.95, 20)
    return x, 0.01 + 0.98 * x**power


def estimator(kind: str) -> Any:
    x = np.random.default_rng(0).normal(size=(200, 5))
    if kind == "regressor":
        model: Any = glassnet.MLPRegressor(hidden_layer_sizes=(16,), batch_norm=True, max_iter=20, random_state=0)
        return quiet(lambda: model.fit(x.astype(np.float32), x[:, :2]))
    targets = {
        "binary": x[:, 0] > 0,
        "classes": np.array(["a", "b", "c"])[np.digitize(x[:, 1], [-0.5, 0.5])],
        "labels": (x[:, :3] > 0).astype(int),
        "columns": np.column_stack([np.digitize(x[:, 0], [-0.5, 0.5]), x[:, 1] > 0]),
    }
    model = glassnet.MLPClassifier((16, 8), max_iter=20, dtype="float32", random_state=0)
    return quiet(lambda: model.fit(x, targets[kind]))


MODELS: dict[str, Callable[[], Any]] = {
    **{name: partial(with_activation, name) for name, entry in ACTIVATIONS.items() if entry.elementwise},
    "softmax": lambda: network([4, 8, 5, 3], ["relu", "tanh", "softmax"], "categorical_cross_entropy"),
    "groups": lambda: network([4, 8, 5], ["relu", glassnet.Softmax((3, 2))], "categorical_cross_entropy"),
    "one neuron": lambda: network([1, 1], ["sigmoid"]),
    "float64": lambda: network([4, 8, glassnet.LayerNorm(), 3], ["tanh", "linear"], dtype="float64"),
    **{"custom": custom, "normalised": normalised, "sequential": sequential, "embedded": embedded},
    **{f"mlp {kind}": partial(estimator, kind) for kind in ("binary", "classes", "labels", "columns", "regressor")},
    **{f"assembled {kind}": partial(assembled, kind) for kind in ("classes", "numbers")},
    **{f"table {kind}": partial(tabular, kind) for kind in ("classes", "binary", "numbers", "logarithm", "array")},
}


@cache
def model(name: str) -> Any:
    """A model, made once."""
    return MODELS[name]()
