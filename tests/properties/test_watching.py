"""The numbers of the layers that a run keeps: right, and without a trace in the run."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

from glassnet import BatchNorm, Dropout, NeuralNetwork, Training
from glassnet.batches.sources import Sources
from glassnet.execution.executor import ENGINES
from glassnet.tables.optimizers import SGD, Adam, Momentum
from glassnet.tables.schedules import Cosine
from glassnet.training import layer_monitor
from glassnet.training.layer_measures import QUANTITIES
from glassnet.training.training import Recipe

Array = np.ndarray[Any, Any]


@pytest.fixture
def unbounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look after every call, whatever it costs."""
    monkeypatch.setattr(layer_monitor, "TIME_SHARE", 1e9)


def run(net: NeuralNetwork, samples: int = 90, weighted: bool = False, **recipe: Any) -> Training:
    """A run of the network on random data."""
    rng = np.random.default_rng(1)
    outputs = net.architecture.outputs
    x, y = rng.standard_normal((samples, net.architecture.inputs)), rng.random((samples, outputs))
    weights = rng.integers(0, 3, samples).astype(np.float64) if weighted else None
    words: dict[str, Any] = {"batch_size": 16, "epochs": 8, "lr": 0.05, "optimizer": Adam(), "schedule": Cosine()}
    return Training(
        net.model, Sources(x.astype(net.dtype), y.astype(net.dtype), weights), Recipe(**{**words, **recipe})
    )


def networks(engine: str) -> list[NeuralNetwork]:
    """With every part whose state or chance a look could disturb."""
    layers: list[list[Any]] = [[3, 8, 2], [3, 8, Dropout(0.3), 6, 2], [3, 8, BatchNorm(), 6, 2]]
    return [NeuralNetwork(each, None, l2=0.01, seed=5, engine=engine) for each in layers]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("words", [{}, {"clip_norm": 0.01, "clip_value": 0.1}, {"weighted": True}])
def test_a_watched_run_has_the_same_bits(engine: str, words: dict[str, Any], unbounded: None) -> None:
    for plain, watched in zip(networks(engine), networks(engine), strict=True):
        first, second = run(plain, **words), run(watched, **words)
        second.watch = layer_monitor.LayerMonitor(second)
        for _ in range(8):
            first.run(epochs=1)
            second.run(epochs=1)
            assert first.hash() == second.hash()
        assert second.watch.layers.epoch.tolist() == list(range(8))


def test_the_numbers_are_those_of_the_equations(unbounded: None) -> None:
    """Each quantity worked out anew from feedforward and backpropagation on all samples."""
    net = NeuralNetwork([3, 7, 2], ["tanh", "sigmoid"], seed=2, dtype="float64")
    net.parameters["w1"] *= 4
    net.parameters["w2"] *= 8
    training = run(net)
    watch = training.watch = layer_monitor.LayerMonitor(training)
    training.run(steps=1)
    x, y = training.sources.x.T, training.sources.y.T
    (z1, _), (_, a1, a2) = net.feedforward(x)
    delta2 = (a2 - y) * a2 * (1 - a2)
    delta1 = net.weights[1].T @ delta2 * (1 - a1**2)
    dw, _ = net.backpropagation(y, *net.feedforward(x))
    slopes = (1 - np.tanh(z1) ** 2, 4 * a2 * (1 - a2))
    expected = {
        "saturated": [(slope < 0.05).mean() for slope in slopes],
        "dead": [(slope.max(axis=1) < 1e-3).mean() for slope in slopes],
        "mean": [a1.mean(), a2.mean()],
        "spread": [a1.std(), a2.std()],
        "delta": [np.sqrt((delta**2).mean()) for delta in (delta1, delta2)],
        "gradient": [np.linalg.norm(each) for each in dw],
        "weight": [np.linalg.norm(each) for each in net.weights],
    }
    for quantity, values in expected.items():
        np.testing.assert_allclose(watch.layers[quantity][0], values, rtol=1e-9, err_msg=quantity)
    assert (watch.layers["saturated"][0] > 0.1).all()
    assert watch.layers.cost[0] == pytest.approx(net.cost(x, y))
    assert watch.layers.first_to_last[0] == pytest.approx(expected["delta"][0] / expected["delta"][1])


@pytest.mark.parametrize("optimizer", [SGD(), Momentum(), Adam()])
@pytest.mark.parametrize("clip", [{}, {"clip_norm": 0.01}, {"clip_value": 0.001}])
def test_the_update_is_that_of_the_next_step(optimizer: Any, clip: dict[str, float], unbounded: None) -> None:
    """With one batch of all samples, the next step makes exactly the change that was measured."""
    net = NeuralNetwork([3, 7, 2], seed=2, dtype="float64")
    training = run(net, batch_size=90, optimizer=optimizer, **clip)
    watch = training.watch = layer_monitor.LayerMonitor(training)
    training.run(steps=3)
    watch.next_epoch = 0
    watch.look()
    before = [w.copy() for w in net.weights]
    training.watch = None
    training.run(steps=1)
    changes = [np.linalg.norm(w - b) / np.linalg.norm(b) for w, b in zip(net.weights, before, strict=True)]
    np.testing.assert_allclose(watch.layers["update"][-1], changes, rtol=1e-6)


def test_the_noise_is_that_of_each_samples_gradient(unbounded: None) -> None:
    net = NeuralNetwork([3, 7, 2], seed=2, dtype="float64")
    training = run(net, samples=40)
    watch = training.watch = layer_monitor.LayerMonitor(training)
    training.run(steps=1)
    x, y = training.sources.x.T, training.sources.y.T
    each = []
    for n in range(40):
        dw, db = net.backpropagation(y[:, n : n + 1], *net.feedforward(x[:, n : n + 1]))
        each.append(np.concatenate([part.ravel() for part in (*dw, *db)]))
    spread = np.array(each).var(axis=0, ddof=1).sum()
    square = (np.mean(each, axis=0) ** 2).sum()
    assert watch.layers.noise[0] == pytest.approx(spread / max(square - spread / 40, square / 10), rel=1e-9)


def test_the_time_that_is_spent_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock of the test's own: a look is never begun that would pass the share."""
    clock = [0.0]
    monkeypatch.setattr(layer_monitor.time, "perf_counter", lambda: clock[0])
    training = run(networks("numpy")[0], epochs=10**6)
    watch = layer_monitor.LayerMonitor(training)

    def measured(runner: Any, meter: Any) -> Any:
        clock[0] += 0.1
        return original(runner, meter)

    original, watch._measure = watch._measure, measured  # type: ignore[method-assign]
    training.counters.step = 10**6
    for epoch in range(1, 2000):
        training.counters.epoch = epoch
        clock[0] += 0.01
        before, looks = clock[0], len(watch.layers)
        watch.look()
        if 0 < looks < len(watch.layers):  # the first one is dearer than was thought
            assert watch.spent <= layer_monitor.TIME_SHARE * (before - watch.started) + 1e-9
    assert 2 <= len(watch.layers) <= 10


def test_a_long_run_keeps_a_bounded_number_of_looks(unbounded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_monitor, "MAX_MEASUREMENTS", 8)
    training = run(networks("numpy")[0], samples=8, epochs=60)
    watch = training.watch = layer_monitor.LayerMonitor(training)
    for _ in range(60):
        training.run(epochs=1)
    assert 4 <= len(watch.layers) < 8
    assert watch.layers.epoch[-1] > 40
    assert watch.layers["delta"].shape == (len(watch.layers), 2)


def test_train_leaves_the_looks_in_its_history(unbounded: None) -> None:
    net = NeuralNetwork([3, 7, 2], seed=2)
    rng = np.random.default_rng(0)
    history = net.train(rng.random((3, 20)), rng.random((2, 20)), epochs=5, callbacks=[lambda report: False])
    assert len(history.layers) == 5
    assert all(history.layers[quantity].shape == (5, 2) for quantity in QUANTITIES)
    with pytest.raises(KeyError, match="a look has saturated"):
        history.layers["speed"]


def test_a_run_is_forgotten_when_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large run that lived on until the next collection would be in the way of the one after it."""
    held: list[Any] = []
    make = Training.__init__

    def noted(run: Training, *words: Any) -> None:
        held.append(weakref.ref(run))
        make(run, *words)

    monkeypatch.setattr(Training, "__init__", noted)
    gc.disable()
    try:
        NeuralNetwork([2, 3, 1], seed=0).train(np.zeros((2, 20)), np.zeros((1, 20)), epochs=2, verbose=0)
        assert [run() for run in held] == [None]
    finally:
        gc.enable()
