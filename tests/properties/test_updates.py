"""How weights are set and updated: optimisers against their papers, schedules, the spread of initial weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glassnet.errors import ParameterError
from glassnet.execution.executor import ENGINES
from glassnet.network import NeuralNetwork
from glassnet.program.lowering import step_lowerings
from glassnet.program.updates import StepOptions
from glassnet.tables import initializers, optimizers, schedules
from glassnet.tables.activations import ACTIVATIONS, LeakyReLU
from glassnet.tables.custom_activation import custom_activation
from glassnet.tables.embeddings import PeriodicEmbedding, PiecewiseLinear
from glassnet.tables.initializers import INITIALIZERS, He, initializer, initializer_for
from glassnet.tables.layers import BatchNorm, Dropout, GaussianNoise, Scaling
from glassnet.tables.optimizers import OPTIMIZERS, SGD, Adam, AdamW
from glassnet.tables.schedules import (
    SCHEDULES,
    Cosine,
    CosLog4,
    FlatCos,
    InverseScaling,
    OneCycle,
    Step,
    WarmUp,
    schedule,
)

Array = np.ndarray[Any, Any]
CUBIC = custom_activation("cubic", lambda z: z + 0.1 * z**3, lambda z, a: 1 + 0.3 * z**2)
LIMIT = 1.0  # of a norm


def name_of(value: Any) -> str:
    """A test id that is the same in every process, even if an argument is a function."""
    return "" if callable(value) else str(value)


# ---- limits of weights, scheduled dropout


@pytest.mark.parametrize("engine", ENGINES)
def test_max_norm_scales_back_only_the_neurons_beyond_it(engine: str) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 4, 60))
    runs = []
    for limit in (None, LIMIT):
        net = NeuralNetwork([4, 9, 4], ["tanh", "linear"], seed=1, engine=engine, dtype="float64")
        net.train(x, y, batch_size=60, epochs=1, lr=0.5, max_norm=limit)
        runs.append([w.copy() for w in (*net.weights, *net.biases)])
    beyond: list[Array] = []
    for free, limited in zip(*(run[:2] for run in runs), strict=True):
        norms = np.linalg.norm(free, axis=1, keepdims=True)
        beyond.append(norms > LIMIT)
        np.testing.assert_allclose(limited, free * np.minimum(1, LIMIT / norms), rtol=1e-14)
    assert 0 < np.concatenate(beyond).mean() < 1
    for free, limited in zip(*(run[2:] for run in runs), strict=True):
        assert (free == limited).all()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["constant", "flat_cos", "cosine"])
def test_scheduled_dropout_has_the_rate_of_its_step(name: str, engine: str) -> None:
    """Of x = 1, weight 1 and y = 0, C is ½ times the share of the values kept, each divided by 1 − rate."""
    net = NeuralNetwork([1, Dropout(0.4), 1], ["linear"], seed=1, engine=engine, dtype="float64")
    net.weights[0][...] = 1
    x, rates = np.ones((1, 4000)), 0.4 * schedule(name).rates(1.0, np.arange(8), 8, 4)
    history = net.train(x, 0 * x, batch_size=1000, epochs=2, lr=1e-300, dropout_schedule=name)
    assert history["cost"] == pytest.approx((0.5 / (1 - rates)).reshape(2, 4).mean(axis=1), rel=0.05)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_is_normal_and_another_one_everywhere(dtype: str, engine: str) -> None:
    x = np.zeros((100, 1000))
    layers = [100, GaussianNoise(0.5), GaussianNoise(2), 1]
    net = NeuralNetwork(layers, ["linear"], engine=engine, seed=1, dtype=dtype)
    trace = net.trace(x, x[:1], training=True)
    first, both = trace["gaussian_noise0"] / 0.5, trace["gaussian_noise0_2"]
    for n in (first, (both - 0.5 * first) / 2):
        shares = [(n < value).mean() for value in (-2, -1, 0, 1, 2)]
        np.testing.assert_allclose(shares, [0.0228, 0.1587, 0.5, 0.8413, 0.9772], atol=0.005)
        for neighbour in (n[1:], n[:, 1:], n[::-1]):
            assert abs(np.mean(n[: len(neighbour), : neighbour.shape[1]] * neighbour)) < 0.015
    assert abs(np.mean(first * (both - 0.5 * first) / 2)) < 0.015
    assert (net.feedforward(x)[1][-1] == net.biases[0]).all()


# ---- weights that suit the data


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_from_data_give_z_of_variance_1(dtype: str, engine: str) -> None:
    x = np.random.default_rng(0).normal(3, 20, (5, 400)) * np.array([[1, 0.01, 1, 100, 0]]).T
    layers = [5, PeriodicEmbedding((0, 1)), Scaling(), 30, Dropout(0.5), BatchNorm(), 20, 2]
    nets = [NeuralNetwork(layers, ["selu", "mish", "linear"], seed=4, dtype=dtype, engine=engine) for _ in range(2)]
    for net in nets:
        net.initialize(x)
        for z, b in zip(net.feedforward(x)[0], net.biases, strict=True):
            np.testing.assert_allclose(z.std(axis=1), 1, rtol=1e-3)
            middle = (z - b).astype(np.float64)
            assert ((-b <= middle.max(axis=1, keepdims=True)) & (-b >= middle.min(axis=1, keepdims=True))).all()
            assert len(b) < 20 or 0.2 < (b + middle.mean(axis=1, keepdims=True)).std() < 0.8  # of 5 samples, mixed
    assert (nets[0].parameters.vector == nets[1].parameters.vector).all()
    drawn = nets[0].parameters.vector.copy()
    nets[0].initialize(x[:, ::-1] * 2)
    assert (drawn != nets[0].parameters.vector).any()
    nets[0].initialize()
    fresh = NeuralNetwork(layers, ["selu", "mish", "linear"], seed=4, dtype=dtype)
    assert (nets[0].parameters.vector == fresh.parameters.vector).all()


def test_a_column_that_never_changes_leaves_weights_as_drawn() -> None:
    net = NeuralNetwork([2, 3, 1], seed=1)
    net.initialize(np.ones((2, 50)))
    assert np.isfinite(net.parameters.vector).all() and (abs(net.weights[0]) < 5).all()
    with pytest.raises(ValueError, match="2 inputs"):
        net.initialize(np.ones((3, 50)))


# ---- optimisers against their papers' recurrences


def sgd(w: Array, g: list[Array], lr: Array) -> Array:
    for t in range(20):
        w = w - lr[t] * g[t]
    return w


def momentum(w: Array, g: list[Array], lr: Array) -> Array:
    v = np.zeros_like(w)
    for t in range(20):
        v = 0.9 * v + g[t]
        w = w - lr[t] * v
    return w


def nesterov(w: Array, g: list[Array], lr: Array) -> Array:
    v = np.zeros_like(w)
    for t in range(20):
        v = 0.9 * v + g[t]
        w = w - lr[t] * (g[t] + 0.9 * v)
    return w


def velocity_with_rate(w: Array, g: list[Array], lr: Array, ahead: bool = False) -> Array:
    """Sutskever et al.'s equation 1, and scikit-learn's Nesterov: the velocity itself moves the weights."""
    v = np.zeros_like(w)
    for t in range(20):
        v = 0.9 * v - lr[t] * g[t]
        w = w + (0.9 * v - lr[t] * g[t] if ahead else v)
    return w


def adagrad(w: Array, g: list[Array], lr: Array) -> Array:
    for t in range(20):
        w = w - lr[t] * g[t] / (np.sqrt(sum(old**2 for old in g[: t + 1])) + 1e-10)
    return w


def rmsprop(w: Array, g: list[Array], lr: Array) -> Array:
    v = np.zeros_like(w)
    for t in range(20):
        v = 0.9 * v + 0.1 * g[t] ** 2
        w = w - lr[t] * g[t] / (np.sqrt(v) + 1e-8)
    return w


def adam(w: Array, g: list[Array], lr: Array, decay: float = 0.0, ahead: bool = False, corrected: bool = True) -> Array:
    """Algorithm 1, with AdamW's, NAdam's and scikit-learn's deviations."""
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, 21):
        now, rate = g[t - 1], lr[t - 1]
        m, v = 0.9 * m + 0.1 * now, 0.999 * v + 0.001 * now**2
        first = m / (1 - 0.9**t)
        if ahead:
            first = 0.9 * m / (1 - 0.9 ** (t + 1)) + 0.1 * now / (1 - 0.9**t)
        root = np.sqrt(v / (1 - 0.999**t)) + 1e-8
        if not corrected:
            first, root = np.sqrt(1 - 0.999**t) * first, np.sqrt(v) + 1e-8
        w = w - rate * decay * w - rate * first / root
    return w


RECURRENCES: list[tuple[Any, Callable[..., Array]]] = [
    (SGD(), sgd),
    (optimizers.Momentum(), momentum),
    (optimizers.Nesterov(), nesterov),
    (optimizers.Momentum(rate_inside=True), velocity_with_rate),
    (optimizers.Nesterov(rate_inside=True), lambda w, g, lr: velocity_with_rate(w, g, lr, ahead=True)),
    (optimizers.AdaGrad(), adagrad),
    (optimizers.RMSProp(), rmsprop),
    (Adam(), adam),
    (Adam(corrected_epsilon=False), lambda w, g, lr: adam(w, g, lr, corrected=False)),
    (AdamW(), lambda w, g, lr: adam(w, g, lr, decay=0.01)),
    (optimizers.NAdam(), lambda w, g, lr: adam(w, g, lr, ahead=True)),
]


def descend(rule: Any, w: Array, g: list[Array], lr: Array, decays: float = 1.0) -> Array:
    """Twenty steps of an optimiser of the table; its scalars are computed first and rounded to the dtype of w."""
    scalars = rule.scalars(np.arange(1, 21), lr, decays)
    states = [np.zeros_like(w) for _ in rule.states]
    for t in range(20):
        w, *states = rule.update(
            w, g[t], *states, **{name: w.dtype.type(values[t]) for name, values in scalars.items()}
        )
    return w


def problem(scale: float, dtype: type = np.float64) -> tuple[Array, list[Array], Array]:
    """Weights, twenty gradients of the given scale, and twenty rates."""
    rng = np.random.default_rng(11)
    return (
        rng.normal(size=50).astype(dtype),
        list((rng.normal(size=(20, 50)) * scale).astype(dtype)),
        np.geomspace(0.1, 0.01, 20),
    )


def test_every_optimizer_has_its_recurrence() -> None:
    assert {rule.name for rule, _ in RECURRENCES} == set(OPTIMIZERS)


@pytest.mark.parametrize("scale", [1.0, 1e-7])
@pytest.mark.parametrize(("rule", "recurrence"), RECURRENCES, ids=name_of)
def test_optimizer_matches_its_recurrence(rule: Any, recurrence: Callable[..., Array], scale: float) -> None:
    w, g, lr = problem(scale)
    expected = recurrence(w, g, lr)
    np.testing.assert_allclose(descend(rule, w, g, lr) - w, expected - w, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(("rule", "recurrence"), RECURRENCES, ids=name_of)
def test_optimizer_in_float32_keeps_the_dtype(rule: Any, recurrence: Callable[..., Array]) -> None:
    w, g, lr = problem(1.0, np.float32)
    result = descend(rule, w, g, lr)
    assert result.dtype == np.float32
    np.testing.assert_allclose(
        result, recurrence(w.astype(float), [x.astype(float) for x in g], lr), rtol=2e-5, atol=2e-5
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("step", [1, 2, 1000, 10**9])
@pytest.mark.parametrize(("rule", "recurrence"), RECURRENCES, ids=name_of)
def test_optimizer_maps_zeros_to_zeros(rule: Any, recurrence: Any, step: int, dtype: type) -> None:
    scalars = {name: dtype(values[0]) for name, values in rule.scalars(np.array([step]), np.array([0.01])).items()}
    zeros = np.zeros(3, dtype)
    with np.errstate(all="raise", under="ignore"):
        results = rule.update(zeros, zeros, *(zeros for _ in rule.states), **scalars)
    assert len(results) == 1 + len(rule.states)
    assert all(result.dtype == dtype and not result.any() for result in results)


def test_smallest_epsilon_still_maps_zeros_to_zeros() -> None:
    scalars = {
        name: np.float32(values[0]) for name, values in Adam(epsilon=1e-37).scalars(np.ones(1), np.ones(1)).items()
    }
    zero = np.zeros(1, np.float32)
    assert not Adam().update(zero, zero, zero, zero, **scalars)[0].any()


@pytest.mark.parametrize("rule", [rule for rule, _ in RECURRENCES], ids=repr)
def test_scalars_are_float64_and_depend_on_the_step_alone(rule: Any) -> None:
    t, lr = np.arange(1, 41), np.full(40, 0.01)
    whole, late = rule.scalars(t, lr), rule.scalars(t[30:], lr[30:])
    assert all(v.dtype == np.float64 and v.shape == (40,) and v.flags.c_contiguous for v in whole.values())
    assert all(np.array_equal(whole[name][30:], late[name]) for name in whole)


def test_weight_decay_acts_on_weights_only() -> None:
    w, g, lr = problem(1.0)
    assert np.array_equal(descend(AdamW(weight_decay=0.5), w, g, lr, decays=0.0), descend(Adam(), w, g, lr))
    assert not np.allclose(descend(AdamW(weight_decay=0.5), w, g, lr), descend(Adam(), w, g, lr))


def test_one_minus_beta_is_not_computed_from_a_rounded_beta() -> None:
    scalars = Adam().scalars(np.array([1]), np.array([0.001]))
    assert np.float32(scalars["one_minus_beta2"][0]) == np.float32(0.001) != np.float32(1) - np.float32(0.999)


# ---- schedules


def rates(entry: Any, total: int = 100, per_epoch: int = 10, lr: float = 0.1) -> Array:
    return np.asarray(entry.rates(lr, np.arange(total + 1), total, per_epoch))


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_float64_and_depend_on_the_step_alone(name: str) -> None:
    entry = schedule(name)
    whole = rates(entry)
    assert whole.dtype == np.float64 and whole.shape == (101,) and (whole >= 0).all() and np.isfinite(whole).all()
    assert np.array_equal(entry.rates(0.1, np.arange(40, 60), 100, 10), whole[40:60])
    assert (
        entry.rates(0.1, np.arange(1), 1, 1).shape == (1,) and np.isfinite(entry.rates(0.1, np.arange(1), 1, 1)).all()
    )
    assert (entry.rates(0.1, np.arange(101, 300), 100, 10) <= whole.max()).all()


def test_schedules_begin_and_end_at_their_rates() -> None:
    assert (rates(schedule("constant")) == 0.1).all()
    steps = rates(Step(every=2, factor=0.5))
    assert (steps[:20] == 0.1).all() and (steps[20:40] == 0.05).all() and steps[100] == 0.1 / 32
    decay = rates(schedules.Exponential(0.5))
    assert (decay[:10] == 0.1).all() and (decay[10:20] == 0.05).all() and decay[99] == 0.1 / 512
    inverse = rates(InverseScaling(power=0.5))
    np.testing.assert_allclose(inverse, [0.1 / math.sqrt(t + 1) for t in range(101)], rtol=1e-15)


def test_inverse_scaling_by_samples_matches_scikit_learn() -> None:
    by_samples = rates(InverseScaling(power=0.5, samples=200))
    expected, count, rate = [], 0, 0.1
    for step in range(101):
        expected.append(rate)
        if step % 10 == 9:  # scikit-learn counts the epoch's samples, then sets the rate of the next
            count += 200
            rate = 0.1 / (count + 1) ** 0.5
    np.testing.assert_allclose(by_samples, expected, rtol=1e-15)


def test_cosine_goes_from_lr_to_floor() -> None:
    for floor in (0.0, 0.02):
        cosine = rates(Cosine(floor))
        assert cosine[0] == 0.1 and cosine[100] == pytest.approx(floor, abs=1e-17)
        assert cosine[50] == pytest.approx((0.1 + floor) / 2) and (np.diff(cosine) < 0).all() and cosine[99] > floor
        assert Cosine(floor).rates(0.1, np.array([250]), 100, 10)[0] == cosine[100]


def test_coslog4_is_four_waves_each_twice_as_long() -> None:
    waves = CosLog4().rates(0.1, np.arange(151), 150, 15)
    np.testing.assert_allclose(waves[[0, 10, 30, 70, 150]], 0, atol=1e-16)
    peaks = [150 * (2 ** (0.5 + wave) - 1) / 15 for wave in range(4)]
    np.testing.assert_allclose(CosLog4().rates(0.1, np.array(peaks), 150, 15), 0.1, rtol=1e-12)
    assert [int(np.argmax(part)) for part in (waves[:11], waves[10:31], waves[30:71], waves[70:])] == [4, 8, 17, 33]


def test_flat_cos_is_flat_then_falls() -> None:
    flat = rates(FlatCos())
    assert (flat[:51] == 0.1).all() and (np.diff(flat[50:]) < 0).all() and flat[100] == pytest.approx(0, abs=1e-17)
    assert flat[75] == pytest.approx(0.05)


@pytest.mark.parametrize(("entry", "peak", "turn"), [(OneCycle(), 1.0, 30), (OneCycle(0.5, 0.2), 0.5, 20)])
def test_one_cycle_goes_up_and_down(entry: OneCycle, peak: float, turn: int) -> None:
    cycle = rates(entry)
    assert cycle[0] == 0.1 and cycle[turn] == cycle.max() == pytest.approx(peak) and cycle[100] == pytest.approx(0)
    assert (np.diff(cycle[: turn + 1]) > 0).all() and (np.diff(cycle[turn:]) < 0).all()
    assert cycle[turn // 2] == pytest.approx((0.1 + peak) / 2) and cycle[(turn + 100) // 2] == pytest.approx(peak / 2)


def test_one_cycle_without_a_rise_or_a_fall() -> None:
    assert rates(OneCycle(rise=0))[0] == 1.0
    assert np.isfinite(rates(OneCycle(rise=1))).all() and rates(OneCycle(rise=1))[99] < 1


def test_warm_up_rises_linearly_and_stays() -> None:
    for entry in (WarmUp(steps=5), WarmUp(share=0.05), WarmUp(share=0.041)):
        np.testing.assert_allclose(rates(entry), [0.1 * min(1, (t + 1) / 5) for t in range(101)], rtol=1e-15)
    assert (rates(WarmUp(share=0)) == 0.1).all()


# ---- initialisers


VARIANCES: list[tuple[Any, str, Callable[[int, int], float]]] = [
    (initializers.Normal(), "normal", lambda fan_in, fan_out: 1e-4),
    (initializers.Normal(0.5), "normal", lambda fan_in, fan_out: 0.25),
    (initializers.Glorot(), "uniform", lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
    (He(), "normal", lambda fan_in, fan_out: 2 / fan_in),
    (He(0.5), "normal", lambda fan_in, fan_out: 2 / (1.25 * fan_in)),
    (initializers.LeCun(), "normal", lambda fan_in, fan_out: 1 / fan_in),
]


@pytest.mark.parametrize("generator", [np.random.default_rng, np.random.RandomState])
@pytest.mark.parametrize(("fan_in", "fan_out"), [(300, 50), (40, 500)])
@pytest.mark.parametrize(("entry", "form", "variance"), VARIANCES, ids=name_of)
def test_variance_follows_fan_in_and_fan_out(
    entry: Any, form: str, variance: Any, fan_in: int, fan_out: int, generator: Any
) -> None:
    w = entry.draw(generator(12), fan_in, fan_out)
    assert w.shape == (fan_out, fan_in) and w.dtype == np.float64 and w.flags.c_contiguous
    expected = variance(fan_in, fan_out)
    fourth = {"normal": 3.0, "uniform": 1.8}[form]  # the fourth moment over the squared variance
    assert abs(w.mean()) < 5 * math.sqrt(expected / w.size)
    assert abs(w.var() / expected - 1) < 5 * math.sqrt((fourth - 1) / w.size)
    assert abs((w**4).mean() / expected**2 - fourth) < 5 * math.sqrt({3.0: 96, 1.8: 5.76}[fourth] / w.size)
    assert form == "normal" or abs(w).max() <= math.sqrt(3 * expected)


@pytest.mark.parametrize(("fan_in", "fan_out"), [(7, 7), (5, 12), (12, 5), (1, 4), (4, 1)])
@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_orthogonal_is_orthonormal_times_gain(fan_in: int, fan_out: int, gain: float) -> None:
    w = initializers.Orthogonal(gain).draw(np.random.default_rng(3), fan_in, fan_out)
    assert w.shape == (fan_out, fan_in) and w.flags.c_contiguous
    product = w @ w.T if fan_out <= fan_in else w.T @ w
    np.testing.assert_allclose(product, gain**2 * np.eye(min(fan_in, fan_out)), atol=1e-12)


def test_orthogonal_has_no_preferred_sign() -> None:
    rng = np.random.default_rng(0)
    first = np.array([initializers.Orthogonal().draw(rng, 3, 3) for _ in range(4000)])
    assert (abs(first.mean(axis=0)) < 5 * math.sqrt(1 / 3 / 4000)).all()


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name != "auto"])
def test_same_seed_same_weights(name: str) -> None:
    entry = initializer(name)
    drawn = [entry.draw(np.random.default_rng(seed), 6, 4) for seed in (1, 1, 2)]
    assert drawn[0].tobytes() == drawn[1].tobytes()
    assert name == "zeros" or drawn[0].tobytes() != drawn[2].tobytes()


def test_auto_suits_the_activation() -> None:
    chosen = {name: initializer_for("auto", name).name for name in ACTIVATIONS}
    rectifiers = {"relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus"}
    assert {name for name, initial in chosen.items() if initial == "he"} == rectifiers
    assert chosen["selu"] == "lecun" and set(chosen.values()) == {"he", "lecun", "glorot"}
    assert initializer_for("auto", LeakyReLU(0.5)) == He(0.5) and initializer_for("auto", CUBIC).name == "glorot"
    assert initializer_for(He(), "sigmoid") == He() and initializer_for("zeros", "relu").name == "zeros"
    with pytest.raises(ParameterError, match="activation"):
        initializer("auto").draw(np.random.default_rng(0), 2, 2)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_segment_whose_rate_is_0_stays_and_costs_no_gradient(engine: str) -> None:
    x, y = np.random.default_rng(0).normal(size=(3, 40)), np.random.default_rng(1).normal(size=(1, 40))
    trained = []
    for rate in (0, 1e-300):
        layers = [3, PiecewiseLinear((0, 2), 4), 5, 1]
        net = NeuralNetwork(layers, ["tanh", "linear"], dtype="float64", seed=0, engine=engine)
        before = net.parameters["piecewise_linear0_slopes"].copy()
        net.train(x, y, epochs=2, lr=0.1, optimizer="adam", lr_factors={"piecewise_linear0": rate}, verbose=0)
        assert (net.parameters["piecewise_linear0_slopes"] == before).all()
        trained.append([*net.weights, *net.biases])
    assert all((frozen == moving).all() for frozen, moving in zip(*trained, strict=True))
    names = list(net.parameters)
    options = StepOptions(Adam(), factors=tuple(float(not name.startswith("piecewise")) for name in names))
    written = {name for row in step_lowerings(net.architecture, options).fused.rows for name in row.writes}
    assert {name for name in names if f"d{name}" in written} == {"w1", "b1", "w2", "b2"}
