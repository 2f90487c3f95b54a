"""The measurements of the layers in a run: they are correct, and the run has the same bits with and without them."""

from __future__ import annotations

import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

from glassnet import BatchNorm, Dropout, History, NeuralNetwork, Training
from glassnet.batches.sources import Sources
from glassnet.execution.executor import ENGINES
from glassnet.tables.optimizers import SGD, Adam, Momentum
from glassnet.tables.schedules import Cosine
from glassnet.training import layer_monitor
from glassnet.training.layer_measures import QUANTITIES
from glassnet.training.layer_monitor import EndOfRun, LayerMonitor, spread_samples
from glassnet.training.measured_run import MeasuredRun
from glassnet.training.training import Recipe

Array = np.ndarray[Any, Any]


@pytest.fixture
def unbounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the layers after every call, whatever that costs."""
    monkeypatch.setattr(layer_monitor, "TIME_SHARE", 1e9)


def new_training(net: NeuralNetwork, samples: int = 90, weighted: bool = False, **recipe: Any) -> Training:
    """A run of the network on random data."""
    rng = np.random.default_rng(1)
    outputs = net.architecture.outputs
    x, y = rng.standard_normal((samples, net.architecture.inputs)), rng.random((samples, outputs))
    weights = rng.integers(0, 3, samples).astype(np.float64) if weighted else None
    defaults: dict[str, Any] = {"batch_size": 16, "epochs": 8, "lr": 0.05, "optimizer": Adam(), "schedule": Cosine()}
    sources = Sources(x.astype(net.dtype), y.astype(net.dtype), weights)
    return Training(net.model, sources, Recipe(**{**defaults, **recipe}))


def networks(engine: str) -> list[NeuralNetwork]:
    """Networks with every kind of state and random numbers that a measurement could disturb."""
    layers: list[list[Any]] = [[3, 8, 2], [3, 8, Dropout(0.3), 6, 2], [3, 8, BatchNorm(), 6, 2]]
    return [NeuralNetwork(each, None, l2=0.01, seed=5, engine=engine) for each in layers]


CLIPPED = {"clip_norm": 0.01, "clip_value": 0.1}
OPTIONS: list[dict[str, Any]] = [{}, CLIPPED, {"weighted": True}, {"max_norm": 0.5}]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_layers_are_measured_by_the_engine_of_the_run(engine: str) -> None:
    training = new_training(networks(engine)[0])
    training.executor.warnings.append("a note on the data, which says nothing of the engine")
    assert MeasuredRun.of(training).engine == engine


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("options", OPTIONS)
def test_a_monitored_run_has_the_same_bits(engine: str, options: dict[str, Any], unbounded: None) -> None:
    for plain, monitored in zip(networks(engine), networks(engine), strict=True):
        first, second = new_training(plain, **options), new_training(monitored, **options)
        monitor = LayerMonitor(second)
        for _ in range(8):
            first.run(epochs=1)
            second.run(epochs=1, monitor=monitor)
            assert first.hash() == second.hash()
        assert monitor.layers.epoch.tolist() == list(range(8))


def test_measurements_equal_feedforward_and_backpropagation(unbounded: None) -> None:
    """Each quantity is computed again from feedforward and backpropagation on all samples."""
    net = NeuralNetwork([3, 7, 2], ["tanh", "sigmoid"], seed=2, dtype="float64")
    net.parameters["w1"] *= 4
    net.parameters["w2"] *= 8
    training = new_training(net)
    monitor = LayerMonitor(training)
    training.run(steps=1, monitor=monitor)
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
        np.testing.assert_allclose(monitor.layers[quantity][0], values, rtol=1e-9, err_msg=quantity)
    assert (monitor.layers["saturated"][0] > 0.1).all()
    assert monitor.layers.cost[0] == pytest.approx(net.cost(x, y))
    assert monitor.layers.first_to_last[0] == pytest.approx(expected["delta"][0] / expected["delta"][1])


@pytest.mark.parametrize("optimizer", [SGD(), Momentum(), Adam()])
@pytest.mark.parametrize("clip", [{}, {"clip_norm": 0.01}, {"clip_value": 0.001}])
def test_the_update_is_that_of_the_next_step(optimizer: Any, clip: dict[str, float], unbounded: None) -> None:
    """With one batch of all samples, the next step makes exactly the change that was measured."""
    net = NeuralNetwork([3, 7, 2], seed=2, dtype="float64")
    training = new_training(net, batch_size=90, optimizer=optimizer, **clip)
    monitor = LayerMonitor(training)
    training.run(steps=3, monitor=monitor)
    monitor.next_epoch = 0
    monitor.measure_if_due()
    before = [w.copy() for w in net.weights]
    training.run(steps=1)
    changes = [np.linalg.norm(w - b) / np.linalg.norm(b) for w, b in zip(net.weights, before, strict=True)]
    np.testing.assert_allclose(monitor.layers["update"][-1], changes, rtol=1e-6)


def test_a_layer_whose_rate_is_0_does_not_move(unbounded: None) -> None:
    x, y = np.random.default_rng(1).random((3, 90)), np.random.default_rng(2).random((2, 90))
    history = NeuralNetwork([3, 7, 2], seed=2).train(x, y, epochs=3, lr=0.1, lr_factors={"w1": 0.0}, verbose=0)
    assert history.layers is not None
    first, second = history.layers["update"][-1]
    assert first == 0 < second


def test_noise_is_the_variance_of_the_samples_gradients(unbounded: None) -> None:
    net = NeuralNetwork([3, 7, 2], seed=2, dtype="float64")
    training = new_training(net, samples=40)
    monitor = LayerMonitor(training)
    training.run(steps=1, monitor=monitor)
    x, y = training.sources.x.T, training.sources.y.T
    gradients = []
    for n in range(40):
        dw, db = net.backpropagation(y[:, n : n + 1], *net.feedforward(x[:, n : n + 1]))
        gradients.append(np.concatenate([part.ravel() for part in (*dw, *db)]))
    variance = np.array(gradients).var(axis=0, ddof=1).sum()
    square = (np.mean(gradients, axis=0) ** 2).sum()
    assert monitor.layers.noise[0] == pytest.approx(variance / max(square - variance / 40, square / 10), rel=1e-9)


def test_measurements_take_a_bounded_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a simulated clock: no measurement begins that would exceed the share."""
    clock = [0.0]
    monkeypatch.setattr(layer_monitor.time, "perf_counter", lambda: clock[0])
    training = new_training(networks("numpy")[0], epochs=10**6)
    monitor = LayerMonitor(training)

    def slow_measure(run: MeasuredRun, meter: Any) -> Any:
        clock[0] += 0.1
        return original(run, meter)

    original = MeasuredRun.measure
    monkeypatch.setattr(MeasuredRun, "measure", slow_measure)
    training.counters.step = 10**6
    for epoch in range(1, 2000):
        training.counters.epoch = epoch
        clock[0] += 0.01
        before, count = clock[0], len(monitor.layers)
        monitor.measure_if_due()
        if 0 < count < len(monitor.layers):  # the first one takes longer than its estimate
            assert monitor.spent <= layer_monitor.TIME_SHARE * (before - monitor.started) + 1e-9
    assert 2 <= len(monitor.layers) <= 10


def test_a_long_run_keeps_a_bounded_number_of_measurements(unbounded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_monitor, "MAX_MEASUREMENTS", 8)
    training = new_training(networks("numpy")[0], samples=8, epochs=60)
    monitor = LayerMonitor(training)
    for _ in range(60):
        training.run(epochs=1, monitor=monitor)
    assert 4 <= len(monitor.layers) < 8
    assert monitor.layers.epoch[-1] > 40
    assert monitor.layers["delta"].shape == (len(monitor.layers), 2)


def test_the_history_of_train_has_the_measurements(unbounded: None) -> None:
    net = NeuralNetwork([3, 7, 2], seed=2)
    rng = np.random.default_rng(0)
    history = net.train(rng.random((3, 20)), rng.random((2, 20)), epochs=5, callbacks=[lambda report: False])
    assert len(history.layers) == 5
    assert all(history.layers[quantity].shape == (5, 2) for quantity in QUANTITIES)
    with pytest.raises(KeyError, match="a measurement has saturated"):
        history.layers["speed"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_end_of_a_run_is_measured_later_as_it_was(engine: str, unbounded: None) -> None:
    """The same numbers as a measurement at that moment, although the network has been changed since."""
    for net in networks(engine):
        training = new_training(net, clip_norm=0.01)
        training.run(epochs=3)
        end, monitor = EndOfRun(training, spread_samples(training.sources)), LayerMonitor(training)
        monitor.measure_if_due()
        net.initialize()
        net.statistics.vector[:] = 7.0
        (epoch, step, now), (then_epoch, then_step, then) = monitor.layers.measurements[0], end().measurements[0]
        assert (epoch, step) == (then_epoch, then_step) == (3, training.counters.step)
        np.testing.assert_array_equal(then.values, now.values)
        assert (then.cost, then.noise) == (now.cost, now.noise) and now.values[:, -1].all()
        assert end() is end()


def test_a_short_run_has_the_measurement_of_its_end() -> None:
    net = NeuralNetwork([3, 7, 2], seed=2)
    x, y = np.random.default_rng(0).random((3, 20)), np.random.default_rng(1).random((2, 20))
    history = net.train(x, y, epochs=2)
    assert len(history.layers) == 0 and len(history.measured_layers) == 1
    assert history.measured_layers["delta"].all() and history.measured_layers.step.tolist() == [4]
    assert len(pickle.loads(pickle.dumps(history)).measured_layers) == 0  # it holds samples of the data
    assert len(History().measured_layers) == 0


def test_a_run_is_freed_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cycle of references may keep the memory of a large run until the next garbage collection."""
    references: list[Any] = []
    initialize = Training.__init__

    def recorded(training: Training, *arguments: Any, **options: Any) -> None:
        references.append(weakref.ref(training))
        initialize(training, *arguments, **options)

    monkeypatch.setattr(Training, "__init__", recorded)
    gc.disable()
    try:
        NeuralNetwork([2, 3, 1], seed=0).train(np.zeros((2, 20)), np.zeros((1, 20)), epochs=2, verbose=0)
        assert [reference() for reference in references] == [None]
    finally:
        gc.enable()
