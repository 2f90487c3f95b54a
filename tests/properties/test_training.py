"""What a training run computes: each sample counts once per epoch, by its weight, at the rate of the step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet import BatchNorm, NeuralNetwork, Scaling, Training
from glassnet.batches.mini_batches import batch_weights, epoch_batches
from glassnet.batches.sources import Sources
from glassnet.execution.executor import ENGINES
from glassnet.tables.optimizers import SGD, AdamW
from glassnet.tables.schedules import SCHEDULES, Constant, OneCycle, Schedule, Step, WarmUp
from glassnet.training.recipe import Recipe

from .orders import epoch_order

Array = np.ndarray[Any, Any]
engines = pytest.mark.parametrize("engine", ENGINES)
WEIGHTS = st.sampled_from((0.0, 0.5, 1.0, 2.0))


def network(engine: str, layers: Any = (2, 4, 2), **rest: Any) -> NeuralNetwork:
    """A small network of smooth activations in float64."""
    return NeuralNetwork(layers, **{"dtype": "float64", "seed": 3, "engine": engine, **rest})


def data(samples: int, seed: int = 0) -> tuple[Array, Array]:
    """x (2, samples) and y (2, samples)."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, samples)), rng.random((2, samples))


def gradient(net: NeuralNetwork, x: Array, y: Array, weights: Any = None) -> Array:
    """All of dw and db as one vector."""
    dw, db = net.backpropagation(y, *net.feedforward(x), sample_weight=weights)
    return np.concatenate([array.ravel() for array in (*dw, *db)])


def values(net: NeuralNetwork) -> Array:
    """All weights and biases as one vector, in the order of `gradient`."""
    return np.concatenate([array.ravel() for array in (*net.weights, *net.biases)])


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def one_step(w: list[Array], b: list[Array], x: Array, y: Array, s: Array, lr: float) -> None:
    """Gradient descent on ½‖a − y‖² of two sigmoid layers, weighted mean over the batch; written out, in place."""
    a1 = sigmoid(w[0] @ x + b[0])
    a2 = sigmoid(w[1] @ a1 + b[1])
    delta2 = (a2 - y) * a2 * (1 - a2) * (s / s.sum())
    delta1 = (w[1].T @ delta2) * a1 * (1 - a1)
    for layer, delta, a in ((1, delta2, a1), (0, delta1, x)):
        w[layer] -= lr * delta @ a.T
        b[layer] -= lr * delta.sum(axis=1, keepdims=True)


def by_hand(net: NeuralNetwork, x: Array, y: Array, s: Array, size: int, epochs: int, lr: float) -> tuple[Array, int]:
    """The parameters after a run with a slice of the shuffled samples per step, and the number of steps."""
    w, b = ([array.copy() for array in arrays] for arrays in (net.weights, net.biases))
    steps = 0
    for epoch in range(epochs):
        order = epoch_order(len(s), net.seed, 0, epoch)
        for indices in (order[first : first + size] for first in range(0, len(s), size)):
            if s[indices].any():
                one_step(w, b, x[:, indices], y[:, indices], s[indices], lr)
                steps += 1
    return np.concatenate([array.ravel() for array in (*w, *b)]), steps


@given(st.integers(1, 400), st.integers(0, 2**32), st.integers(0, 5), st.integers(0, 5))
def test_an_order_contains_every_sample_once(samples: int, seed: int, run: int, epoch: int) -> None:
    order = epoch_order(samples, seed, run, epoch)
    assert np.array_equal(np.sort(order), np.arange(samples))
    others = [epoch_order(samples, seed, run + 1, epoch), epoch_order(samples, seed, run, epoch + 1)]
    assert samples < 30 or not any(np.array_equal(order, other) for other in others)


@given(st.integers(1, 400), st.integers(1, 450))
def test_batches_are_consecutive_without_gaps(samples: int, size: int) -> None:
    batches = epoch_batches(samples, size)
    indices = np.concatenate([np.arange(first, first + m) for first, m in batches])
    assert np.array_equal(indices, np.arange(samples))
    assert (batches[:-1, 1] == size).all() and 1 <= batches[-1, 1] <= size
    weights = np.random.default_rng(samples).random(samples)
    sums = [weights[::-1][first : first + m].sum() for first, m in batches]
    np.testing.assert_allclose(batch_weights(weights, np.arange(samples)[::-1], batches), sums, rtol=1e-12)


@engines
@settings(max_examples=25)
@given(samples=st.integers(1, 20), size=st.integers(1, 25))
def test_a_run_equals_the_equations_written_out(engine: str, samples: int, size: int) -> None:
    x, y = data(samples)
    net = network(engine)
    expected, steps = by_hand(net, x, y, np.ones(samples), size, 2, 2.0)
    history = net.train(x, y, batch_size=size, epochs=2, lr=2.0)
    np.testing.assert_allclose(values(net), expected, rtol=1e-11, atol=1e-13)
    assert history[-1].step == steps == 2 * -(-samples // size)


@engines
@settings(max_examples=25)
@given(weights=st.lists(WEIGHTS, min_size=1, max_size=15).filter(any), size=st.integers(1, 16))
def test_a_weighted_run_equals_the_equations_written_out(engine: str, weights: list[float], size: int) -> None:
    """A batch whose weights are all 0 makes no step and divides nothing by 0."""
    x, y = data(len(weights))
    net = network(engine)
    expected, steps = by_hand(net, x, y, np.array(weights), size, 2, 2.0)
    history = net.train(x, y, batch_size=size, epochs=2, lr=2.0, sample_weight=weights)
    np.testing.assert_allclose(values(net), expected, rtol=1e-11, atol=1e-13)
    assert history[-1].step == steps and np.isfinite(history["cost"]).all()


@engines
def test_the_reported_cost_is_the_weighted_mean_over_the_epoch(engine: str) -> None:
    x, y = data(7)
    weights = np.array([0, 3, 1, 0.5, 2, 1, 0.25])
    net = network(engine, l1=0.01, l2=0.1)
    before = net.cost(x, y, weights)
    history = net.train(x, y, batch_size=3, epochs=1, lr=1e-9, sample_weight=weights)
    np.testing.assert_allclose(history["cost"], before, rtol=1e-8)


@engines
def test_a_full_batch_makes_one_step_along_the_gradient_of_all_samples(engine: str) -> None:
    x, y = data(11)
    for size in (11, 12, 10**9):
        net = network(engine)
        before, slope = values(net), gradient(net, x, y)
        assert net.train(x, y, batch_size=size, epochs=1, lr=0.5)[0].step == 1
        np.testing.assert_allclose(values(net), before - 0.5 * slope, rtol=1e-12)


@engines
@settings(max_examples=25)
@given(weights=st.lists(WEIGHTS, min_size=1, max_size=12).filter(any), seed=st.integers(0, 99))
def test_the_gradient_of_a_batch_is_the_mean_of_its_samples(engine: str, weights: list[float], seed: int) -> None:
    x, y = data(len(weights), seed)
    net = network(engine)
    gradients = np.array([gradient(net, x[:, i : i + 1], y[:, i : i + 1]) for i in range(len(weights))])
    costs = [net.cost(x[:, i : i + 1], y[:, i : i + 1]) for i in range(len(weights))]
    np.testing.assert_allclose(gradient(net, x, y), gradients.mean(axis=0), rtol=1e-10, atol=1e-14)
    weighted = np.average(gradients, axis=0, weights=weights)
    np.testing.assert_allclose(gradient(net, x, y, weights), weighted, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(net.cost(x, y, weights), np.average(costs, weights=weights), rtol=1e-12)


@engines
@settings(max_examples=15)
@given(order=st.permutations(range(9)))
def test_the_order_of_a_full_batch_does_not_matter(engine: str, order: list[int]) -> None:
    x, y = data(9)
    nets = [network(engine, (2, 4, BatchNorm(), 2)) for _ in range(2)]
    nets[0].train(x, y, batch_size=9, epochs=5, lr=1.0, optimizer="momentum")
    nets[1].train(x[:, order], y[:, order], batch_size=9, epochs=5, lr=1.0, optimizer="momentum")
    np.testing.assert_allclose(values(nets[0]), values(nets[1]), rtol=1e-9, atol=1e-12)


@engines
def test_weight_two_equals_the_sample_twice(engine: str) -> None:
    x, y = data(5)
    weights, twice = [1, 2, 1, 2, 0], [0, 1, 1, 2, 3, 3]
    nets = [network(engine, l2=0.1) for _ in range(2)]
    assert nets[0].cost(x, y, weights) == pytest.approx(nets[0].cost(x[:, twice], y[:, twice]), rel=1e-13)
    nets[0].train(x, y, batch_size=5, epochs=20, lr=1.0, sample_weight=weights)
    nets[1].train(x[:, twice], y[:, twice], batch_size=6, epochs=20, lr=1.0)
    np.testing.assert_allclose(values(nets[0]), values(nets[1]), rtol=1e-11)


@engines
def test_a_sample_of_weight_zero_changes_nothing(engine: str) -> None:
    x, y = data(8)
    weights = np.array([1, 0, 2, 0, 1, 1, 0, 3.0])
    other_x, other_y = np.where(weights > 0, x, 7.0), np.where(weights > 0, y, -5.0)
    nets = [network(engine) for _ in range(2)]
    histories = [
        net.train(*pair, batch_size=3, epochs=4, lr=1.0, optimizer="adam", sample_weight=weights)
        for net, pair in zip(nets, ((x, y), (other_x, other_y)), strict=True)
    ]
    assert nets[0].parameters.vector.tobytes() == nets[1].parameters.vector.tobytes()
    assert np.array_equal(histories[0]["cost"], histories[1]["cost"])


# ---- the rate of a step


@engines
@pytest.mark.parametrize(
    "schedule", [*(kind() for kind in SCHEDULES.values()), Step(2), WarmUp(3), OneCycle(0.5)], ids=repr
)
def test_every_step_has_its_own_rate(engine: str, schedule: Schedule) -> None:
    """With x = 0 and targets far above, the absolute cost moves the bias by exactly the rate."""
    net = network(engine, (1, 1), activations=["linear"], cost="absolute")
    recipe = Recipe(batch_size=2, epochs=4, lr=0.1, optimizer=SGD(), schedule=schedule)
    training = Training(net.model, Sources(np.zeros((5, 1)), np.full((5, 1), 1e9)), recipe)
    path = [0.0]
    while not training.finished:
        training.run(steps=1)
        path.append(net.biases[0].item())
    expected = schedule.rates(0.1, np.arange(12.0), 12, 3)
    np.testing.assert_allclose(np.diff(path), expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(training.history()["lr"], expected[2::3], rtol=1e-12, atol=1e-18)
    assert list(training.history()["step"]) == [3, 6, 9, 12]


@engines
def test_a_factor_of_zero_does_not_change_a_layer(engine: str) -> None:
    layers = (2, 4, Scaling(), 3, BatchNorm(), 2)
    net, plain = network(engine, layers), network(engine, layers)
    before = {name: net.parameters[name].copy() for name in net.parameters}
    x, y = data(6)
    net.train(x, y, batch_size=6, epochs=1, lr=0.1, lr_factors=[1, 0, 2.5])
    plain.train(x, y, batch_size=6, epochs=1, lr=0.1)
    factors = {"w1": 1, "b1": 1, "scaling1_gamma": 1, "w2": 0, "b2": 0, "w3": 2.5, "b3": 2.5}
    factors |= {"batch_norm2_gamma": 0, "batch_norm2_beta": 0}
    assert factors.keys() == before.keys()
    for name, factor in factors.items():
        moved, expected = net.parameters[name] - before[name], factor * (plain.parameters[name] - before[name])
        np.testing.assert_allclose(moved, expected, rtol=1e-9, atol=1e-16)
        assert factor or np.array_equal(net.parameters[name], before[name])


@engines
def test_factors_by_name_and_by_kind(engine: str) -> None:
    layers = (2, 4, Scaling(), 3, 2)
    net, plain = network(engine, layers), network(engine, layers)
    before = {name: net.parameters[name].copy() for name in net.parameters}
    x, y = data(6)
    factors = {"weights": 0.5, "biases": 0.1, "scaling1_gamma": 6, "w2": 3}
    net.train(x, y, batch_size=6, epochs=1, lr=0.1, lr_factors=factors)
    plain.train(x, y, batch_size=6, epochs=1, lr=0.1)
    expected = {"w1": 0.5, "w2": 3, "w3": 0.5, "b1": 0.1, "b2": 0.1, "b3": 0.1, "scaling1_gamma": 6}
    for name, factor in expected.items():
        moved = net.parameters[name] - before[name]
        np.testing.assert_allclose(moved, factor * (plain.parameters[name] - before[name]), rtol=1e-9, atol=1e-16)


@engines
def test_decay_has_factors_and_a_schedule_of_its_own(engine: str) -> None:
    """With x = 0 and y = a = 0, only the decay moves the weights: w ← w·(1 − lr·λ·factor·schedule)."""
    decayed = {}
    for name, options in {
        "plain": {},
        "factors": {"decay_factors": {"w1": 4, "w2": 1, "scaling1_gamma": 2}},
        "schedule": {"decay_schedule": Step(1, 0.5)},
    }.items():
        net = network(engine, (2, 3, Scaling(), 2), activations=["linear"] * 2)
        before = {each: net.parameters[each].copy() for each in ("w1", "w2", "scaling1_gamma")}
        zeros = np.zeros((2, 6))
        net.train(zeros, zeros, 6, 2, 0.1, optimizer=AdamW(weight_decay=0.5), **options)
        decayed[name] = [float((net.parameters[each] / before[each]).mean()) for each in before]
    assert decayed["plain"] == pytest.approx([0.95**2, 0.95**2, 1])
    assert decayed["factors"] == pytest.approx([0.8**2, 0.95**2, 0.9**2])
    assert decayed["schedule"] == pytest.approx([0.95 * 0.975, 0.95 * 0.975, 1])


# ---- limits and penalties


@engines
@pytest.mark.parametrize("share", [0.25, 0.999, 1.001, 4])
def test_clip_norm_limits_the_norm_of_the_gradient(engine: str, share: float) -> None:
    x, y = data(6)
    net = network(engine, l2=0.5)
    before, slope = values(net), gradient(net, x, y)
    limit = share * np.linalg.norm(slope)
    net.train(x, y, batch_size=6, epochs=1, lr=1.0, clip_norm=limit)
    step = before - values(net)
    assert np.linalg.norm(step) <= limit * (1 + 1e-12)
    np.testing.assert_allclose(step, slope * min(1, share), rtol=1e-10, atol=1e-15)


@engines
def test_clip_value_limits_every_gradient(engine: str) -> None:
    x, y = data(6)
    net = network(engine)
    before, slope = values(net), gradient(net, x, y)
    limit = float(np.median(np.abs(slope)))
    net.train(x, y, batch_size=6, epochs=1, lr=1.0, clip_value=limit)
    step = before - values(net)
    np.testing.assert_allclose(step, np.clip(slope, -limit, limit), rtol=1e-10, atol=1e-15)
    assert np.abs(step).max() <= limit * (1 + 1e-12) and (np.abs(slope) > limit).any()


@engines
def test_values_are_clipped_before_their_norm(engine: str) -> None:
    x, y = data(6)
    net = network(engine)
    before, slope = values(net), gradient(net, x, y)
    value, norm = float(np.abs(slope).max() / 2), float(np.linalg.norm(slope) / 4)
    net.train(x, y, batch_size=6, epochs=1, lr=1.0, clip_value=value, clip_norm=norm)
    clipped = np.clip(slope, -value, value)
    np.testing.assert_allclose(before - values(net), clipped * norm / np.linalg.norm(clipped), rtol=1e-10, atol=1e-15)


@engines
@pytest.mark.parametrize(("l1", "l2"), [(0.3, 0), (0, 0.2), (0.3, 0.2)])
def test_the_penalty_acts_on_weights_only(engine: str, l1: float, l2: float) -> None:
    """It is not divided by m, whatever the batch, and is part of the reported cost."""
    x, y = data(10)
    plain, net = network(engine), network(engine, l1=l1, l2=l2)
    w = np.concatenate([array.ravel() for array in net.weights])
    pull = np.concatenate([l1 * np.sign(w) + l2 * w, *(np.zeros(b.size) for b in net.biases)])
    np.testing.assert_allclose(gradient(net, x, y), gradient(plain, x, y) + pull, rtol=1e-12, atol=1e-15)
    penalty = l1 * np.abs(w).sum() + l2 / 2 * (w**2).sum()
    assert net.cost(x, y) == pytest.approx(plain.cost(x, y) + penalty, rel=1e-13)
    before, slope, cost = values(net), gradient(net, x, y), net.cost(x, y)
    history = net.train(x, y, batch_size=10, epochs=1, lr=0.1)
    np.testing.assert_allclose(values(net), before - 0.1 * slope, rtol=1e-12, atol=1e-15)
    assert history[0].cost == pytest.approx(cost, rel=1e-13)


@engines
def test_a_second_run_has_another_order(engine: str) -> None:
    x, y = data(30)
    net, again = network(engine), network(engine)
    for each in (net, again):
        each.train(x, y, batch_size=1, epochs=1, lr=1.0)
    assert net.runs == again.runs == 1 and np.array_equal(values(net), values(again))
    again.runs = 0
    for each in (net, again):
        each.train(x, y, batch_size=1, epochs=1, lr=1.0)
    assert net.runs == 2 and not np.allclose(values(net), values(again), rtol=1e-6)


def test_without_shuffling_samples_are_read_in_order() -> None:
    x, y = data(7)
    net, twin = network("numpy"), network("numpy")
    w, b = ([array.copy() for array in arrays] for arrays in (twin.weights, twin.biases))
    recipe = Recipe(2, 1, 2.0, SGD(), Constant(), shuffle=False)
    Training(net.model, Sources(x.T, y.T), recipe).run()
    for first in range(0, 7, 2):
        batch = slice(first, first + 2)
        one_step(w, b, x[:, batch], y[:, batch], np.ones(7)[batch], 2.0)
    np.testing.assert_allclose(values(net), np.concatenate([p.ravel() for p in (*w, *b)]), rtol=1e-11, atol=1e-14)
