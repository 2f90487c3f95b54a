"""`net.play()` on networks of all kinds: entries with settings, layers without weights, other costs and targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import glassnet
from glassnet import (
    Adam,
    BatchNorm,
    Dropout,
    Embedding,
    GaussianNoise,
    Huber,
    LayerNorm,
    LeakyReLU,
    NeuralNetwork,
    Normal,
    ParametricActivation,
    PeriodicEmbedding,
    Quantile,
    Softmax,
)
from glassnet.play.commands import answer, show_run
from glassnet.play.hello import hello
from glassnet.play.own_data import OwnData
from glassnet.play.own_network import own_run
from glassnet.play.session import Session
from glassnet.tables.activations import Activation

from .play_page import Page

RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 80))
CODES = np.concatenate([RNG.integers(0, 4, (1, 80)).astype(float), X[1:]])
CURVE, TWO, THREE = np.sin(X[:1]), (X[:1] > 0) * 1.0, RNG.integers(0, 3, 80)
GROUPS = np.concatenate([np.eye(2)[:, RNG.integers(0, 2, 80)], np.eye(3)[:, THREE]])
COUNTS, FLAGS = RNG.poisson(3, (1, 80)).astype(float), (RNG.random((4, 80)) > 0.5) * 1.0


class Bent(Activation):
    """A person's own formula."""

    name = "bent"

    def value(self, z: Any) -> Any:
        return 2 * z / (1 + abs(z))

    def derivative(self, z: Any, a: Any) -> Any:
        return 2 / (1 + abs(z)) ** 2


class WidgetPage(Page):
    """A page on a network, without a notebook."""

    def __init__(self, network: NeuralNetwork, data: Any, **settings: Any) -> None:
        super().__init__()
        own = OwnData()
        self.network_run = own_run(network, data, {"batch": 10, "lr": 0.05, "opt": "sgd"} | settings, own)
        self.session = Session(self.take, own, answer)
        self.session.start()
        show_run(self.session, self.network_run)

    def put(self, message: Any) -> None:
        self.session.receive(message)


@contextmanager
def played(network: NeuralNetwork, x: Any, y: Any, validation: float | None = None, **settings: Any) -> Iterator[Any]:
    page = WidgetPage(network, (x, y, validation), **settings)
    try:
        yield page
    finally:
        page.session.close()


CROSS, BINARY = "categorical_cross_entropy", "binary_cross_entropy"
PLAIN = {"seed": 1, "engine": "numpy"}  # which needs no compiler
BETWEEN = [6, BatchNorm(before_activation=True), Dropout(0.2), 5, LayerNorm(), GaussianNoise(0.1)]
ON_INPUTS = [Embedding([4], [0]), PeriodicEmbedding([1])]
CASES: dict[str, tuple[Callable[[], NeuralNetwork], Any, Any]] = {
    "layers": (lambda: NeuralNetwork([3, *BETWEEN, 3], [LeakyReLU(0.3), "relu", "softmax"], CROSS, **PLAIN), X, THREE),
    "huber": (
        lambda: NeuralNetwork([3, 6, 1], ["tanh", "linear"], Huber(2), initializer=Normal(0.7), **PLAIN),
        X,
        CURVE,
    ),
    "poisson": (lambda: NeuralNetwork([3, 6, 1], ["tanh", "exp"], "poisson", l2=0.01, **PLAIN), X, COUNTS),
    "groups": (lambda: NeuralNetwork([3, 6, 5], ["tanh", Softmax(groups=(2, 3))], CROSS, **PLAIN), X, GROUPS),
    "several labels": (lambda: NeuralNetwork([3, 6, 4], ["tanh", "sigmoid"], BINARY, **PLAIN), X, FLAGS),
    "inputs": (lambda: NeuralNetwork([3, *ON_INPUTS, 6, 1], ["tanh", "linear"], Quantile(0.9), **PLAIN), CODES, CURVE),
    "own formula": (
        lambda: NeuralNetwork([3, 6, ParametricActivation("relu"), 1], [Bent(), "linear"], **PLAIN),
        X,
        CURVE,
    ),
    "deep": (lambda: NeuralNetwork([3, *[2] * 12, 1], **PLAIN), X, TWO),
}


@pytest.mark.parametrize("case", CASES)
def test_a_network_is_trained_walked_and_changed_on_the_page(case: str) -> None:
    make, x, y = CASES[case]
    network = make()
    with played(network, x, y) as page:
        page.ask("step", count=24)
        hash_24 = page.frame(24)["hash"]
        plain = network.astype("float64")
        plain.train(x, y, 10, epochs=3, lr=0.05, verbose=0)
        trained = page.network_run.training.network
        assert np.array_equal(trained.parameters.vector, plain.parameters.vector)
        assert np.array_equal(trained.statistics.vector, plain.statistics.vector)
        walk = page.ask("walk", t=5)
        assert walk["t"] == 5
        page.ask("go", t=3)
        page.ask("go", t=24)
        assert page.session.run.training.hash() == hash_24
        act = page.run["setup"]["act"]
        page.ask("change", set={"lr": 0.02})
        page.ask("change", set={"act": ["tanh", *act[1:]]})
        page.ask("change", set={"act": act})
        page.ask("step", count=2)
        page.ask("restart", new_start=False)
        assert page.run["setup"]["act"] == act
        assert page.session.run.training.model.architecture == network.astype("float64").architecture
        assert np.array_equal(
            page.session.run.training.model.parameters.vector, network.astype("float64").parameters.vector
        )
        shape = page.run["setup"]["shape"]
        page.ask("setup", set={"shape": [shape[0], shape[1] + 1, *shape[2:]]})
        kept = page.session.run.training.model.architecture
        assert kept.input_layers == network.architecture.input_layers
        assert [each.before + each.after for each in kept.dense] == [
            each.before + each.after for each in network.architecture.dense
        ]


def test_other_widths_begin_with_weights_of_their_own() -> None:
    """Segments are padded, so two shapes may have vectors of one length."""
    network = NeuralNetwork([3, 6, 1], seed=1)
    with played(network, X, TWO) as page:
        page.ask("setup", set={"shape": [3, 7, 1]})
        plain = NeuralNetwork([3, 7, 1], dtype="float64", seed=1)
        assert np.array_equal(page.session.run.training.model.parameters.vector, plain.parameters.vector)


def test_running_statistics_are_those_that_were_trained() -> None:
    network = NeuralNetwork([3, 6, BatchNorm(), 1], seed=1)
    network.train(X, TWO, epochs=2)
    with played(network, X, TWO) as page:
        assert np.allclose(page.session.run.training.model.statistics.vector, network.statistics.vector)
        assert network.statistics.vector.any()


def test_classes_are_named_only_where_there_are_classes() -> None:
    kinds = {}
    for case in ("layers", "groups", "several labels", "poisson"):
        make, x, y = CASES[case]
        with played(make(), x, y) as page:
            kinds[case] = page.run["classes"]
    assert kinds["layers"] == ["0", "1", "2"]
    assert [kinds[case] for case in ("groups", "several labels", "poisson")] == [[], [], []]


def test_settings_are_shown_and_can_be_chosen_again() -> None:
    network = NeuralNetwork([3, 6, 1], [LeakyReLU(0.3), "linear"], Huber(2), initializer=Normal(0.7), seed=1)
    with played(network, X, CURVE, opt=Adam(beta2=0.9)) as page:
        assert page.run["layers"][1]["extras"] == ["LeakyReLU(slope=0.3)"]
        template = page.session.run.data.template
        offered = hello(template)["choices"]
        titles = {key: {each["name"]: each["title"] for each in offered[key]} for key in ("act", "cost", "opt", "init")}
        assert titles["act"]["leaky_relu"] == "LeakyReLU(slope=0.3)"
        assert titles["cost"]["huber"] == "Huber(delta=2)"
        assert titles["init"]["normal"] == "Normal(scale=0.7)"
        assert "beta2=0.9" in titles["opt"]["adam"]
        assert titles["act"]["tanh"] == "tanh"
        assert {each["name"]: each["title"] for each in hello()["choices"]["act"]}["leaky_relu"] == "leaky_relu"
        page.ask("change", set={"opt": "sgd"})
        page.ask("change", set={"opt": "adam"})
        assert page.session.run.training.recipe.optimizer == Adam(beta2=0.9)
        page.ask("setup", set={"init": "normal:2", "cost": "quadratic"})
        assert page.session.run.training.model.initializer == Normal(2.0)
        code = page.ask("program")["code"]
        assert "glassnet.LeakyReLU(slope=0.3)" in code


def test_an_own_formula_is_offered_by_its_name() -> None:
    network = NeuralNetwork([3, 6, 1], [Bent(), "linear"], seed=1)
    with played(network, X, CURVE) as page:
        names = [each["name"] for each in hello(page.session.run.data.template)["choices"]["act"]]
        assert "bent" in names
        assert "'bint' is unknown" in page.error("change", set={"act": ["bint", "linear"]})
        assert "1 to 30 activations" in page.error("change", set={"act": ["bent"] * 31})


def test_what_cannot_be_shown_is_refused_in_a_sentence() -> None:
    with pytest.raises(glassnet.ParameterError, match="play shows up to 30 layers; this network has 31"):
        WidgetPage(NeuralNetwork([3, *[2] * 30, 1]), (X, TWO, None))
    with pytest.raises(glassnet.ParameterError, match="1,000,000"):
        WidgetPage(NeuralNetwork([3, 2000, 600, 1]), (X, TWO, None))
    with pytest.raises(ValueError, match="optimizer 'adaam' is unknown"):
        WidgetPage(NeuralNetwork([3, 4, 1]), (X, TWO, None), opt="adaam")
