"""For any rate and scale of x, a run ends finite, or its error names the step and the last finite weights stay."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet import BatchNorm, DivergedError, Dropout, GlassnetError, History, LayerNorm, NeuralNetwork, Training
from glassnet.batches.sources import Sources
from glassnet.execution.executor import ENGINES
from glassnet.tables.schedules import Exponential
from glassnet.training.divergence import is_finite as finite
from glassnet.training.settings import checked_recipe

from .orders import epoch_order

Array = np.ndarray[Any, Any]
engines = pytest.mark.parametrize("engine", ENGINES)
BATCH, EPOCHS = 6, 4
X = np.random.default_rng(0).standard_normal((2, 20))
Y = np.stack([X[0] * X[1], X[0]])
NETWORKS: dict[str, tuple[Any, list[str], str, Array]] = {
    "relu, quadratic": ((2, 8, 2), ["relu", "linear"], "quadratic", Y),
    "tanh, binary": ((2, 8, 2), ["tanh", "sigmoid"], "binary_cross_entropy", (Y > 0).astype(float)),
    "softmax, classes": ((2, 8, 8, 2), ["elu", "relu", "softmax"], "categorical_cross_entropy", (X[0] > 0).astype(int)),
    "batch norm, huber": ((2, 8, BatchNorm(), 2), ["relu", "linear"], "huber", Y),
    "layer norm, poisson": ((2, 8, LayerNorm(), 2), ["softplus", "exp"], "poisson", np.abs(Y)),
}
DIVERGED_MESSAGE = re.compile(
    r"in epoch (\d+), step (\d+) \(step (\d+) of the run, rate ([^)]+)\): (.+?)(\[[^]]*\])? became (\w+)"
)


def network(kind: str, dtype: str, engine: str) -> NeuralNetwork:
    layers, activations, cost, _ = NETWORKS[kind]
    return NeuralNetwork(layers, activations, cost, initializer="he", dtype=dtype, seed=2, engine=engine)


def recipe(net: NeuralNetwork, **options: Any) -> Any:
    """The arguments of `train` as a Recipe."""
    given = {"batch_size": BATCH, "epochs": EPOCHS, "optimizer": "sgd", **options}
    main = [given.pop(name) for name in ("batch_size", "epochs", "lr")]
    return checked_recipe(tuple(net.parameters.segments.values()), *main, given)


def numbers(net: NeuralNetwork) -> tuple[bytes, bytes]:
    return net.parameters.vector.tobytes(), net.statistics.vector.tobytes()


def is_finite(net: NeuralNetwork, history: History) -> bool:
    vectors = (net.parameters.vector, net.statistics.vector, history["cost"])
    return all(bool(np.isfinite(vector).all()) for vector in vectors)


def before_step(kind: str, dtype: str, engine: str, x: Array, step: int, **options: Any) -> NeuralNetwork:
    """The network after all steps before this one, which are run one by one."""
    net = network(kind, dtype, engine)
    y = NETWORKS[kind][3]
    training = Training(net.model, Sources(x.T.copy(), y if y.ndim == 1 else y.T.copy()), recipe(net, **options))
    for _ in range(step - 1):
        training.run(steps=1)
    return net


@engines
@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=8)
@given(lr=st.floats(0, 12), scale=st.floats(-30, 30), optimizer=st.sampled_from(("sgd", "adam")))
def test_a_run_is_finite_or_names_the_step_where_it_broke(
    engine: str, kind: str, dtype: str, lr: float, scale: float, optimizer: str
) -> None:
    """Warnings are errors under test, so this also shows that no warning of NumPy escapes."""
    x, options = X * 10**scale, {"lr": 10**lr, "optimizer": optimizer}
    net = network(kind, dtype, engine)
    y = NETWORKS[kind][3]
    try:
        history = net.train(x, y, BATCH, EPOCHS, validation=(x, y), **options)
        assert len(history) == EPOCHS and np.isfinite(history["validation_cost"]).all()
    except DivergedError as error:
        match = DIVERGED_MESSAGE.search(str(error))
        assert match is not None and isinstance(error, GlassnetError), error
        assert net.history is not None and len(net.history) == int(match[1]) - 1
        if "before that step" in str(error):
            expected = before_step(kind, dtype, engine, x, int(match[3]), **options)
            assert numbers(net) == numbers(expected), error
    assert net.history is not None and is_finite(net, net.history)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_numbers_are_finite_though_their_sum_is_not(dtype: str) -> None:
    largest = np.finfo(dtype).max
    assert finite(np.full(5, largest, dtype)) and finite(np.zeros(0, dtype))
    for bad in ([np.nan], [np.inf], [np.inf, -np.inf], [largest, largest, -np.inf]):
        assert not finite(np.array([1.0, *bad], dtype))


def first_not_finite(net: NeuralNetwork, x: Array, y: Array) -> tuple[str, Any]:
    """The first of z, a, C and the gradients that is not finite on this batch, by the article's methods."""
    z_s, a_s = net.feedforward(x)
    for layer, (z, a) in enumerate(zip(z_s, a_s[1:], strict=True), 1):
        for name, values in ((f"z{layer}", z), (f"a{layer}", a)):
            if not np.isfinite(values).all():
                return name, values
    return ("c", None) if not np.isfinite(net.cost(x, y)) else ("gradient", None)


@engines
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["relu, quadratic", "layer norm, poisson", "softmax, classes"])
@pytest.mark.parametrize(("lr", "scale"), [(1.0, 1e25), (1e12, 1.0), (1e8, 1e-3), (1e3, 1e12)])
def test_the_message_names_the_first_quantity_not_finite(
    engine: str, dtype: str, kind: str, lr: float, scale: float
) -> None:
    x, y = X * scale, NETWORKS[kind][3]
    net = network(kind, dtype, engine)
    try:
        net.train(x, y, BATCH, EPOCHS, lr)
    except DivergedError as error:
        match = DIVERGED_MESSAGE.search(str(error))
        assert match is not None
        epoch, step, total, name = int(match[1]), int(match[2]), int(match[3]), match[5]
        assert total == (epoch - 1) * 4 + step and 1 <= step <= 4 and float(match[4]) == lr
        indices = epoch_order(20, net.seed, 0, epoch - 1)[(step - 1) * BATCH : step * BATCH]
        expected, values = first_not_finite(net, x[:, indices], y[..., indices])
        if expected == "gradient":
            assert name.startswith(("δ", "dW", "db", "W", "b", "∂", "layer")), error
        else:
            assert name == expected or (expected[0] == "c" and name == "C") or name.startswith("layer_norm"), error
        if values is not None and name == expected:
            index = tuple(map(int, match[6][1:-1].split(", ")))
            assert match[7] == ("NaN" if np.isnan(values[index]) else "infinite")
            assert not np.isfinite(values[index]) and f"for sample {indices[index[1]]} " in str(error)


@engines
def test_these_runs_do_diverge(engine: str) -> None:
    """The tests above would assert nothing if none did."""
    with pytest.raises(DivergedError, match=r"Try a smaller lr, scaled inputs, or clip_norm=1\.$"):
        network("relu, quadratic", "float32", engine).train(X * 1e12, Y, BATCH, EPOCHS, 1e3)


@engines
def test_a_network_that_diverged_trains_again_like_a_new_one(engine: str) -> None:
    """The second run uses no number of the broken one."""
    net, fresh = (network("batch norm, huber", "float32", engine) for _ in range(2))
    with pytest.raises(DivergedError):
        net.train(X * 1e25, Y, BATCH, EPOCHS, 1e12)
    assert net.runs == 0
    net.initialize()
    histories = [each.train(X, Y, BATCH, 2, 1e-3, optimizer="adam") for each in (net, fresh)]
    assert numbers(net) == numbers(fresh) and is_finite(net, histories[0])


@engines
def test_an_overflow_in_the_state_of_the_optimizer_raises(engine: str) -> None:
    """The square of a gradient is infinite, so w ← w − lr·m/∞ would never change w again."""
    with pytest.raises(DivergedError) as caught:
        network("relu, quadratic", "float32", engine).train(X * 1e12, Y, BATCH, EPOCHS, 1e-3, optimizer="adam")
    match = DIVERGED_MESSAGE.search(str(caught.value))
    assert match is not None and match[3] == "1" and match[5].startswith("square w")


@engines
def test_the_epochs_before_a_divergence_are_reported(engine: str) -> None:
    """The rate grows: the first epochs stay finite, and their reports and weights stay."""
    net = network("relu, quadratic", "float32", engine)
    reports: list[Any] = []
    with pytest.raises(DivergedError) as caught:
        net.train(X, Y, BATCH, 400, 1e-3, schedule=Exponential(3.0), callbacks=[reports.append])
    match = DIVERGED_MESSAGE.search(str(caught.value))
    assert match is not None and net.history is not None
    assert list(net.history) == reports and len(reports) == int(match[1]) - 1 > 2 and is_finite(net, net.history)
    expected = before_step(
        "relu, quadratic", "float32", engine, X, int(match[3]), lr=1e-3, epochs=400, schedule=Exponential(3.0)
    )
    assert numbers(net) == numbers(expected)


@engines
@pytest.mark.parametrize("clip", [{"clip_norm": 1.0}, {"clip_value": 0.1}])
def test_clipped_gradients_keep_a_steep_run_finite(engine: str, clip: dict[str, float]) -> None:
    net = network("relu, quadratic", "float32", engine)
    with pytest.raises(DivergedError):
        network("relu, quadratic", "float32", engine).train(X * 1e3, Y, BATCH, 50, 0.1)
    assert is_finite(net, net.train(X * 1e3, Y, BATCH, 50, 0.1, **clip))


@engines
def test_a_cost_that_is_infinite_ends_a_run_of_finite_weights(engine: str) -> None:
    with pytest.raises(DivergedError) as caught:
        network("relu, quadratic", "float32", engine).train(X, Y * 1e25, BATCH, EPOCHS, 1e-25)
    match = DIVERGED_MESSAGE.search(str(caught.value))
    assert match is not None and (match[3], match[5], match[7]) == ("1", "c", "infinite")


@engines
@pytest.mark.parametrize(("dtype", "large"), [("float32", 1e25), ("float64", 1e154)])
def test_a_validation_cost_that_is_infinite_ends_the_run_too(engine: str, dtype: str, large: float) -> None:
    """In float64 each sample's cost is finite here, and their sum is not."""
    net = network("relu, quadratic", dtype, engine)
    with pytest.raises(DivergedError, match=r"epoch 1, step 4 .*the validation cost became infinite"):
        net.train(X, Y, BATCH, EPOCHS, 1e-3, validation=(X, np.full_like(Y, large)))
    assert net.cost(X, np.full_like(Y, large)) == np.inf and np.isfinite(net.parameters.vector).all()


@engines
@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_dropout_and_sample_weights_are_replayed(engine: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step is reached again with the same mask, order and weights, from the first or a later snapshot."""
    monkeypatch.setattr("glassnet.training.training.SNAPSHOT_SECONDS", seconds)
    weights = np.arange(20.0) % 3
    net = NeuralNetwork((2, 8, Dropout(0.4), 2), ["relu", "linear"], seed=2, engine=engine)
    with pytest.raises(DivergedError) as caught:
        net.train(X, Y, 1, 100, 0.01, schedule=Exponential(3.0), sample_weight=weights)
    match = DIVERGED_MESSAGE.search(str(caught.value))
    assert match is not None and net.history is not None
    twin = NeuralNetwork((2, 8, Dropout(0.4), 2), ["relu", "linear"], seed=2, engine=engine)
    options = {"lr": 0.01, "epochs": 100, "batch_size": 1, "schedule": Exponential(3.0)}
    training = Training(twin.model, Sources(X.T.copy(), Y.T.copy(), weights), recipe(twin, **options))
    training.run(steps=int(match[3]) - 1)
    assert numbers(net) == numbers(twin)
