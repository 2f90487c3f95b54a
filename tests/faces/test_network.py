"""The article's class: its names, shapes and static methods, its printed forms, its model files."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet
from glassnet import BatchNorm, Dropout, History, LayerNorm, NeuralNetwork, Scaling, custom_activation, custom_cost
from glassnet.execution.executor import ENGINES
from glassnet.tables.activations import ACTIVATIONS, activation
from glassnet.tables.costs import COSTS
from glassnet.tables.initializers import INITIALIZERS
from glassnet.tables.layers import LAYERS

Array = np.ndarray[Any, Any]
engines = pytest.mark.parametrize("engine", ENGINES)
X, Y = np.random.default_rng(0).random((2, 7)), np.random.default_rng(1).random((1, 7))
CUBIC = custom_activation("<b>cubic</b>", lambda z: z + 0.1 * z**3, lambda z: 1 + 0.3 * z**2)
FOURTH = custom_cost("<script>fourth", lambda a, y: (a - y) ** 4, lambda a, y: 4 * (a - y) ** 3)
LESSON = """\
forward   z1 = W1·a0 + b1            (10, m)  W1 (10, 2)  a0 (2, m)
          a1 = sigmoid(z1)
          z2 = W2·a1 + b2            (1, m)
          a2 = sigmoid(z2)
cost      c  = ½‖a2 − y‖² per sample    C = mean(c)
BP1       δ2 = ∂c/∂a2 ⊙ sigmoid'(z2)
BP4       dW2 = δ2·a1ᵀ / m           BP3  db2 = mean(δ2)
BP2       δ1 = W2ᵀ·δ2 ⊙ sigmoid'(z1)
BP4       dW1 = δ1·a0ᵀ / m           BP3  db1 = mean(δ1)
update    W, b ← sgd(lr)"""


def article(engine: str = "numpy", **rest: Any) -> NeuralNetwork:
    return NeuralNetwork(
        **{"layers": [2, 10, 1], "activations": ["sigmoid", "sigmoid"], "seed": 1, "engine": engine, **rest}
    )


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def shapes(arrays: Any) -> list[tuple[int, ...]]:
    return [array.shape for array in arrays]


COST_LINES = {
    "quadratic": "cost      c  = ½‖a2 − y‖² per sample    C = mean(c)",
    "binary_cross_entropy": "cost      c  = −Σ (y·log(a2) + (1−y)·log(1−a2)) per sample  C = mean(c)",
    "categorical_cross_entropy": "cost      c  = −Σ y·log(a2) per sample  C = mean(c)",
    "absolute": "cost      c  = Σ |a2 − y| per sample    C = mean(c)",
    "poisson": "cost      c  = Σ (a2 − y·log(a2)) per sample  C = mean(c)",
    "poisson_deviance": "cost      c  = Σ (y·log(y/a2) − y + a2) per sample  C = mean(c)",
}


@pytest.mark.parametrize("name", COSTS)
def test_the_cost_has_brackets_and_collides_with_nothing(name: str) -> None:
    last = {"binary_cross_entropy": "sigmoid", "categorical_cross_entropy": "softmax"}.get(name, "exp")
    lines = str(NeuralNetwork([2, 3, 2], ["tanh", last], name, engine="numpy").program).splitlines()
    cost = next(line for line in lines if line.startswith("cost"))
    assert cost == COST_LINES.get(name, cost) and max(map(len, lines)) <= 100
    assert " per sample  " in f"{cost}  " and "  C = mean(c)" in "\n".join(lines)


# ---- the article's names


@engines
def test_the_article_from_start_to_end(engine: str) -> None:
    net = article(engine)
    assert shapes(net.weights) == [(10, 2), (1, 10)] and shapes(net.biases) == [(10, 1), (1, 1)]
    z_s, a_s = net.feedforward(X)
    assert shapes(z_s) == [(10, 7), (1, 7)] and shapes(a_s) == [(2, 7), (10, 7), (1, 7)]
    dw, db = net.backpropagation(Y, z_s, a_s)
    assert shapes(dw) == [(10, 2), (1, 10)] and shapes(db) == [(10, 1), (1, 1)]
    assert isinstance(net.train(X, Y), History) and len(net.history or ()) == 100
    assert net.predict(X).shape == (1, 7) and isinstance(net.cost(X, Y), float)
    with pytest.raises(IndexError):
        net.weights[2]


@engines
def test_forward_pass_and_cost_equal_the_equations(engine: str) -> None:
    net = article(engine, dtype="float64", l2=0.1)
    z_s, a_s = net.feedforward(X)
    (w1, w2), (b1, b2) = net.weights, net.biases
    z1 = w1 @ X + b1
    z2 = w2 @ sigmoid(z1) + b2
    for actual, expected in zip([*z_s, *a_s], [z1, z2, X, sigmoid(z1), sigmoid(z2)], strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-13)
    penalty = 0.05 * ((w1**2).sum() + (w2**2).sum())
    assert net.cost(X, Y) == pytest.approx(((sigmoid(z2) - Y) ** 2).sum() / 14 + penalty, rel=1e-13)
    assert np.array_equal(net.predict(X), a_s[-1])


def test_defaults_are_those_of_the_article() -> None:
    defaults = {name: parameter.default for name, parameter in inspect.signature(NeuralNetwork).parameters.items()}
    assert defaults == {
        **{"layers": (2, 10, 1), "activations": None, "cost": "quadratic", "initializer": "auto"},
        **{"l1": 0, "l2": 0, "dtype": "float32", "seed": None, "engine": "compiled", "precision": None},
    }
    train = inspect.signature(NeuralNetwork.train).parameters
    first = [(name, p.default) for name, p in train.items() if p.kind is p.POSITIONAL_OR_KEYWORD][3:]
    assert list(train)[:3] == ["self", "x", "y"] and first == [("batch_size", 10), ("epochs", 100), ("lr", 0.001)]
    later = "optimizer schedule validation sample_weight patience clip_norm clip_value time_limit callbacks checkpoint"
    assert {*later.split(), "every", "resume", "verbose", "threads"} <= set(train)
    net = NeuralNetwork()
    assert [weights.shape for weights in net.weights] == [(10, 2), (1, 10)]
    assert [dense.activation.name for dense in net.architecture.dense] == ["sigmoid", "sigmoid"]
    assert net.dtype == np.float32 and net.engine == "compiled"


def test_the_aliases() -> None:
    assert NeuralNetwork.forward is NeuralNetwork.feedforward
    assert NeuralNetwork.backward is NeuralNetwork.backpropagation


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_static_methods_are_functions_of_z_alone(name: str) -> None:
    entry, z = activation(name), np.random.default_rng(0).standard_normal((3, 5))
    value = NeuralNetwork.getActivationFunction(name)(z)
    np.testing.assert_array_equal(value, entry.value(z))
    if not entry.elementwise:
        return
    derivative = NeuralNetwork.getDerivitiveActivationFunction(name)
    assert derivative(z).shape == (3, 5)
    slope = (np.asarray(entry.value(z + 1e-6)) - entry.value(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(derivative(z), slope, rtol=1e-5, atol=1e-8)
    assert derivative(z.astype(np.float32)).dtype == np.float32 and derivative([[1, 2]]).dtype == np.float64


def test_the_static_methods_take_custom_activations() -> None:
    z = np.array([[-2.0, 3.0]])
    np.testing.assert_allclose(NeuralNetwork.getActivationFunction(CUBIC)(z), z + 0.1 * z**3)
    np.testing.assert_allclose(NeuralNetwork.getDerivitiveActivationFunction(CUBIC)(z), 1 + 0.3 * z**2)
    assert np.array_equal(article().getActivationFunction("relu")(z), [[0, 3]])


@engines
def test_class_numbers_are_one_hot_columns(engine: str) -> None:
    labels = np.array([0, 2, 1, 1, 0, 2, 2])
    nets = [
        NeuralNetwork([2, 5, 3], ["relu", "softmax"], "categorical_cross_entropy", seed=1, engine=engine) for _ in "123"
    ]
    targets = [labels, np.eye(3)[:, labels], labels.astype(float)]
    costs = [net.cost(X, y) for net, y in zip(nets, targets, strict=True)]
    slopes = [net.backpropagation(y, *net.feedforward(X))[0][0].tobytes() for net, y in zip(nets, targets, strict=True)]
    for net, y in zip(nets, targets, strict=True):
        net.train(X, y, batch_size=3, epochs=3, lr=0.1)
    assert len(set(costs)) == len(set(slopes)) == len({net.parameters.vector.tobytes() for net in nets}) == 1


@engines
def test_one_output_takes_targets_of_one_dimension(engine: str) -> None:
    nets = [article(engine) for _ in range(2)]
    for net, y in zip(nets, (Y, Y[0]), strict=True):
        net.train(X, y, epochs=3)
    assert nets[0].parameters.vector.tobytes() == nets[1].parameters.vector.tobytes()


@engines
def test_training_runs_what_a_step_runs(engine: str) -> None:
    """Dropout and the statistics of the batch where `training=True`; running statistics otherwise."""
    net = NeuralNetwork([2, 50, BatchNorm(), Dropout(0.5), 1], seed=1, engine=engine, dtype="float64")
    a1 = net.feedforward(X)[1][1]
    np.testing.assert_array_equal(net.feedforward(X, training=True)[1][1], a1)
    expected = net.weights[1] @ (a1 / np.sqrt(1 + 1e-5)) + net.biases[1]
    np.testing.assert_allclose(net.feedforward(X)[0][1], expected, rtol=1e-12)
    assert not np.allclose(net.feedforward(X, training=True)[0][1], expected)
    assert not net.statistics["batch_norm1_mean"].any()
    net.train(X, Y, epochs=1)
    assert net.statistics["batch_norm1_mean"].all()


# ---- what it prints


def test_the_program_is_the_lesson() -> None:
    net = NeuralNetwork([2, 10, 1])
    assert str(net.program) == repr(net.program) == LESSON


def test_the_repr_has_layers_activations_and_parameters() -> None:
    net = NeuralNetwork([3, Scaling(), 4, BatchNorm(before_activation=True), Dropout(0.2), 2], ["relu", "tanh"], seed=7)
    text = repr(net)
    parts = [
        "3 → Scaling(",
        "BatchNorm(",
        "4 relu → Dropout(rate=0.2) → 2 tanh",
        "quadratic",
        "37 parameters",
        "float32",
        "seed 7",
    ]
    assert all(part in text for part in parts) and "\n" not in text
    assert net.parameters.count == 37 == 3 + (12 + 4) + 8 + (8 + 2)
    assert "w2 (2, 4)" in repr(net.parameters) and "b1 (4, 1)" in repr(net.biases)


class Page(HTMLParser):
    """Collects the tags and the text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_notebook_shows_text_and_static_html() -> None:
    net = NeuralNetwork([2, 4, LayerNorm(), 1], [CUBIC, CUBIC], FOURTH, seed=1)
    bundle = net._repr_mimebundle_()
    page = Page(bundle["text/html"])
    assert bundle.keys() == {"text/plain", "text/html"} and bundle["text/plain"] == repr(net)
    assert "script" not in page.tags and page.tags.count("b") == 1
    for text in (repr(net), str(net.program), "<b>cubic</b>", "2 → 4", "LayerNorm("):
        assert text in page.text


# ---- files

CASES: list[tuple[str, dict[str, Any]]] = [
    *((f"activation {name}", {"activations": [name, "linear"]}) for name in ACTIVATIONS),
    *((f"cost {name}", {"activations": ["tanh", "softmax"], "cost": name}) for name in COSTS),
    *((f"layer {name}", {"layers": [2, name, 4, *([] if LAYERS[name].on_inputs else [name]), 2]}) for name in LAYERS),
    *((f"initializer {name}", {"initializer": name}) for name in INITIALIZERS),
    ("own formulas", {"activations": [CUBIC, "linear"], "cost": FOURTH}),
    (
        "settings",
        {
            "layers": [2, Scaling(), 4, BatchNorm(0.5, before_activation=True), 2],
            "l1": 0.1,
            "l2": 0.2,
            "dtype": "float64",
        },
    ),
]


@engines
@pytest.mark.parametrize("options", [options for _, options in CASES], ids=[name for name, _ in CASES])
def test_save_and_load_bit_for_bit(options: dict[str, Any], engine: str, tmp_path: Path) -> None:
    net = NeuralNetwork(**{"layers": [2, 4, 2], "seed": 3, "engine": engine, **options})
    rng = np.random.default_rng(0)
    for parameters in (net.parameters, net.statistics):
        for name in parameters:
            parameters[name][...] += rng.random(parameters[name].shape).astype(net.dtype)
    net.runs = 4
    net.save(tmp_path / "m")
    twin = NeuralNetwork.load(tmp_path / "m", engine=engine)
    for mine, own in ((net.parameters, twin.parameters), (net.statistics, twin.statistics)):
        assert list(mine) == list(own) and mine.vector.tobytes() == own.vector.tobytes()
    assert twin.architecture == net.architecture and twin.describe() == net.describe() and repr(twin) == repr(net)
    assert twin.model.initializer == net.model.initializer and (twin.seed, twin.runs, twin.dtype) == (3, 4, net.dtype)
    assert str(twin.program) == str(net.program) and np.array_equal(twin.predict(X), net.predict(X))
    twin.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


# ---- the two engines


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)


def test_importing_glassnet_loads_nothing_heavy() -> None:
    heavy = "{'numba', 'llvmlite', 'scipy', 'sklearn', 'pyarrow', 'narwhals', 'matplotlib', 'rich', 'typer'}"
    show = f"print({heavy} & set(sys.modules))"
    assert run(f"import sys, glassnet; {show}; glassnet.NeuralNetwork; {show}").stdout == "set()\nset()\n"


def test_every_public_name_is_an_attribute() -> None:
    for name in glassnet.__all__:
        assert getattr(glassnet, name).__name__ == name
    assert set(glassnet.__all__) <= set(dir(glassnet))
    with pytest.raises(AttributeError, match="'Relu'"):
        _ = glassnet.Relu


WITHOUT = """
import numpy as np
from glassnet import NeuralNetwork
x = np.random.default_rng(0).random((2, 40))
net, plain = (NeuralNetwork([2, 10, 1], seed=1, engine=engine) for engine in ("compiled", "numpy"))
history = net.train(x, x[:1], validation=0.25, epochs=3)
plain.train(x, x[:1], validation=0.25, epochs=3)
assert net.parameters.vector.tobytes() == plain.parameters.vector.tobytes()
assert np.array_equal(net.predict(x), plain.predict(x)) and net.cost(x, x[:1]) == plain.cost(x, x[:1])
print(history.warnings, plain.history.warnings)
"""


def test_without_numba_numpy_runs_after_one_warning() -> None:
    done = run(WITHOUT, NUMBA_DISABLE_JIT="1")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("RuntimeWarning:") == 1 and "NUMBA_DISABLE_JIT" in done.stderr
    assert done.stdout.count("the compiled engine cannot run here") == 1 and done.stdout.endswith("] []\n")
