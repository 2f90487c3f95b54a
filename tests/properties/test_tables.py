"""What holds for every entry of every table: names, settings, dtypes, ranges and extreme inputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.errors import GlassnetError, ParameterError, ParameterTypeError
from glassnet.tables import costs, initializers, optimizers, schedules
from glassnet.tables.activations import ACTIVATIONS, ELU, LeakyReLU, Softmax, activation
from glassnet.tables.costs import COSTS, CustomCost, Huber, Quantile, cost, custom_cost
from glassnet.tables.custom_activation import CustomActivation, custom_activation
from glassnet.tables.initializers import INITIALIZERS, He, initializer
from glassnet.tables.interval import Interval
from glassnet.tables.optimizers import OPTIMIZERS, Adam, AdamW, optimizer
from glassnet.tables.schedules import SCHEDULES, Cosine, InverseScaling, OneCycle, Step, WarmUp, schedule

Array = np.ndarray[Any, Any]
TABLES: list[tuple[str, dict[str, Any], Callable[[Any], Any]]] = [
    ("activation", ACTIVATIONS, activation),
    ("cost", COSTS, cost),
    ("optimizer", OPTIMIZERS, optimizer),
    ("schedule", SCHEDULES, schedule),
    ("initializer", INITIALIZERS, initializer),
]
ALL = [pytest.param(table, resolve, name, id=name) for _, table, resolve in TABLES for name in table]
ELEMENTWISE = [name for name, entry in ACTIVATIONS.items() if entry.elementwise]
CUBIC = custom_activation("cubic", lambda z: z + 0.1 * z**3, lambda z, a: 1 + 0.3 * z**2)
FOURTH = custom_cost("fourth", lambda a, y: (a - y) ** 4, lambda a, y: 4 * (a - y) ** 3, targets=(0, 1))


def strict() -> Any:
    """NumPy raises for all floating-point errors but underflow."""
    return np.errstate(all="raise", under="ignore")


# ---- names


@pytest.mark.parametrize(("table", "resolve", "name"), ALL)
def test_an_entry_resolves_from_its_name_its_class_and_itself(table: dict[str, Any], resolve: Any, name: str) -> None:
    entry = resolve(name)
    assert type(entry) is table[name] and entry.name == name
    assert resolve(entry) is entry
    assert resolve(table[name]) == entry
    assert hash(entry) == hash(resolve(name))
    assert entry.source and table[name].__doc__ and repr(entry).startswith(table[name].__name__ + "(")


@pytest.mark.parametrize(("what", "table", "resolve"), TABLES)
def test_an_unknown_name_is_refused_and_the_closest_suggested(what: str, table: dict[str, Any], resolve: Any) -> None:
    for name in table:
        with pytest.raises(ParameterError, match=f"{what} '{name.upper()}x' is unknown. Did you mean '{name}'"):
            resolve(name.upper() + "x")
    with pytest.raises(ParameterError) as caught:
        resolve("qqq")
    assert all(name in str(caught.value) for name in table) and "Did you mean" not in str(caught.value)


@pytest.mark.parametrize(("what", "table", "resolve"), TABLES)
@pytest.mark.parametrize("identifier", [3, None, ["relu"], np.tanh, int, object(), CustomActivation, CustomCost])
def test_anything_else_is_refused(what: str, table: dict[str, Any], resolve: Any, identifier: Any) -> None:
    with pytest.raises(ParameterTypeError, match=f"{what} must be a name or an instance such as"):
        resolve(identifier)


def test_an_entry_of_another_table_is_refused() -> None:
    with pytest.raises(ParameterTypeError):
        activation(cost("huber"))


# ---- settings


@pytest.mark.parametrize(
    ("kind", "settings", "problem"),
    [
        (LeakyReLU, {"slope": 1}, r"slope of LeakyReLU must lie in \[0, 1\), not 1"),
        (LeakyReLU, {"slope": -0.1}, "slope"),
        (ELU, {"alpha": 0}, r"alpha of ELU must lie in \(0, ∞\)"),
        (ELU, {"alpha": math.nan}, "alpha"),
        (Huber, {"delta": -1}, "delta"),
        (Huber, {"delta": math.inf}, "delta"),
        (Quantile, {"q": 0}, "q of Quantile"),
        (Quantile, {"q": 1}, "q of Quantile"),
        (costs.BinaryCrossEntropy, {"label_smoothing": 1}, "label_smoothing"),
        (costs.CategoricalCrossEntropy, {"label_smoothing": -0.1}, "label_smoothing"),
        (optimizers.Momentum, {"momentum": 1.1}, "momentum"),
        (optimizers.Nesterov, {"momentum": -0.1}, "momentum"),
        (optimizers.RMSProp, {"rho": 1}, "rho"),
        (optimizers.RMSProp, {"epsilon": 0}, "epsilon"),
        (optimizers.AdaGrad, {"epsilon": 1e-50}, "epsilon"),
        (Adam, {"beta1": 1}, "beta1"),
        (Adam, {"beta2": 1.5}, "beta2"),
        (Adam, {"epsilon": -1e-8}, "epsilon"),
        (AdamW, {"weight_decay": -1}, "weight_decay"),
        (AdamW, {"beta1": 1}, "beta1"),
        (Step, {"every": 0}, "every"),
        (Step, {"factor": 0}, "factor"),
        (schedules.Exponential, {"factor": -1}, "factor"),
        (InverseScaling, {"power": -1}, "power"),
        (InverseScaling, {"samples": 0}, "samples"),
        (Cosine, {"floor": -1}, "floor"),
        (OneCycle, {"peak": 0}, "peak"),
        (OneCycle, {"rise": 1.1}, "rise"),
        (WarmUp, {"steps": 0}, "steps"),
        (WarmUp, {"share": 2}, "share"),
        (initializers.Normal, {"scale": -1}, "scale"),
        (He, {"slope": -1}, "slope"),
        (initializers.Orthogonal, {"gain": 0}, "gain"),
    ],
)
def test_a_setting_out_of_range_is_refused(kind: Any, settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ParameterError, match=problem):
        kind(**settings)
    for wrong in ("1", None, [0.5], True):
        if wrong is None and next(iter(settings)) in ("samples", "peak", "steps"):
            continue
        with pytest.raises(ParameterTypeError, match=next(iter(settings))):
            kind(**dict.fromkeys(settings, wrong))


def test_whole_numbers_and_booleans_are_checked() -> None:
    with pytest.raises(ParameterTypeError, match="whole number"):
        Step(every=1.5)  # type: ignore[arg-type]
    with pytest.raises(ParameterTypeError, match="True or False"):
        Adam(corrected_epsilon=1)  # type: ignore[arg-type]


def test_a_numpy_setting_becomes_a_python_number_and_keeps_the_dtype() -> None:
    entry = Huber(np.float64(2))
    assert entry == Huber(2.0) and type(entry.delta) is float
    assert entry.value(np.ones(2, np.float32), np.zeros(2, np.float32)).dtype == np.float32
    assert type(Step(np.int64(3)).every) is int


def test_entries_compare_by_settings_and_are_immutable() -> None:
    assert Huber(delta=2) == Huber(2) != Huber()
    assert repr(Huber(delta=2)) == "Huber(delta=2)"
    assert activation("sigmoid") != activation("tanh")
    with pytest.raises(AttributeError):
        Huber().delta = 3  # type: ignore[misc]


def test_elu_has_the_range_and_smoothness_of_its_alpha() -> None:
    assert ELU(2).range == Interval(-2, low_closed=False) and not ELU(2).smooth
    assert ELU().range == Interval(-1, low_closed=False) and ELU().smooth


# ---- intervals


def test_an_interval_prints_and_contains() -> None:
    assert str(Interval(0, 1, low_closed=False)) == "(0, 1]"
    assert str(Interval(-0.5)) == "[−0.5, ∞)" and str(Interval()) == "(−∞, ∞)"
    closed, half, opened = Interval(0, 1), Interval(0, 1, True, False), Interval(0, 1, False, False)
    assert closed.contains(half) and half.contains(opened) and closed.contains(closed) and opened.contains(opened)
    assert not opened.contains(half) and not half.contains(closed)
    assert (
        Interval().contains(Interval(0)) and not Interval(0).contains(Interval()) and not closed.contains(Interval(0))
    )


def test_an_interval_finds_the_first_element_outside() -> None:
    array = np.array([[0.5, 1.0, 0.0], [0.2, 7.0, -3.0]], np.float32)
    assert Interval(0, 1).first_outside(array) == (1, 1)
    assert Interval(0, 1, False, True).first_outside(array) == (0, 2)
    assert Interval(0, 1, True, False).first_outside(array) == (0, 1)
    assert Interval(-3, 7).first_outside(array) is None
    assert Interval().first_outside(np.array([0, np.nan])) == (1,) and Interval().first_outside(np.array([np.inf])) == (
        0,
    )
    assert (
        Interval(0).first_outside(np.array([0, 1, 2])) is None and Interval(0).first_outside(np.zeros((0, 3))) is None
    )


# ---- dtypes, ranges and extreme inputs


def extremes(dtype: type) -> Array:
    """Finite numbers that overflow or underflow in textbook formulas."""
    info: Any = np.finfo(dtype)
    sizes = [info.max, info.max / 2, 1e30, 1e10, 1e4, 800, 100, 40, 17, 10, 1, 1e-3, 1e-20, info.tiny]
    sizes += [info.smallest_subnormal, 0.0]
    return np.array([*sizes, *(-size for size in sizes)], dtype)


def within_reach(name: str, z: Array) -> Array:
    """The z for which a is finite: `exp` and `selu` overflow for larger ones."""
    limit = np.log(np.finfo(z.dtype).max) if name == "exp" else np.finfo(z.dtype).max / (2 if name == "selu" else 1)
    return z[z <= limit]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_activations_are_finite_in_range_and_keep_the_dtype(name: str, dtype: type) -> None:
    entry, z = activation(name), within_reach(name, extremes(dtype))
    with strict():
        a = entry.value(z)
        slope = entry.derivative(z, a)
    assert a.dtype == dtype and a.shape == z.shape and np.isfinite(a).all()
    assert Interval(entry.range.low, entry.range.high).first_outside(a) is None
    assert slope == 1.0 if isinstance(slope, float) else slope.dtype == dtype and np.isfinite(slope).all()


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(z=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_activations_stay_in_their_range(name: str, z: float) -> None:
    entry, array = activation(name), within_reach(name, np.array([z], np.float32))
    with strict():
        a = entry.value(array)
        slope = np.broadcast_to(entry.derivative(array, a), a.shape)
    assert Interval(entry.range.low, entry.range.high).first_outside(a) is None
    assert np.isfinite(slope).all() and (abs(slope) < 2 if name != "exp" else slope >= 0).all()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_ranges_are_as_narrow_as_the_values(name: str) -> None:
    entry = activation(name)
    a = entry.value(np.linspace(-700, 700, 1_400_001))
    for end, value in ((entry.range.low, a.min()), (entry.range.high, a.max())):
        assert abs(value) > 6 if math.isinf(end) else abs(end - value) < (2e-3 if name == "softsign" else 1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_activations_propagate_nan(name: str, dtype: type) -> None:
    entry, nan = activation(name), np.array([np.nan], dtype)
    assert np.isnan(entry.value(nan)).all()
    assert name == "linear" or np.isnan(entry.derivative(nan, nan)).all() or name in ("elu", "selu")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_is_a_distribution_for_all_finite_inputs(dtype: type) -> None:
    z = np.random.default_rng(0).permuted(np.tile(extremes(dtype), (50, 1)), axis=1)
    with strict():
        a = Softmax().value(z.T)
        product = Softmax().jacobian_product(a, np.ones_like(a))
    assert a.dtype == product.dtype == dtype
    assert (a >= 0).all() and np.allclose(a.sum(axis=0), 1, atol=1e-6) and np.allclose(product, 0, atol=1e-6)
    assert (
        Softmax().value(np.array([[5.0], [3.0]]) + 1000).tobytes()
        == Softmax().value(np.array([[5.0], [3.0]])).tobytes()
    )
    assert np.isnan(Softmax().value(np.array([[np.nan, 0], [0, 0]], dtype)))[:, 0].all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", COSTS)
def test_costs_keep_the_dtype_and_propagate_nan(name: str, dtype: type) -> None:
    entry, a, y = cost(name), np.array([0.25, 0.5], dtype), np.array([1, 0], dtype)
    nan = np.array([np.nan, 0.5], dtype)
    with strict():
        results = [
            entry.value(a, y),
            entry.gradient(a, y),
            entry.smoothed(y, (2,)),
            entry.value(nan, y),
            entry.gradient(nan, y),
        ]
        results += [pair(a, y) for pair in entry.pairs.values() if pair is not None]
    assert all(result.dtype == dtype and result.shape == a.shape for result in results)
    assert np.isnan(results[3][0]) and np.isnan(results[4][0]) and np.isfinite(results[3][1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("label", [0, 1])
def test_sigmoid_cross_entropy_is_finite_for_all_z(dtype: type, label: int) -> None:
    z = extremes(dtype)
    with strict():
        value = costs.sigmoid_cross_entropy(z, np.full_like(z, label))
    assert (value >= 0).all() and np.isfinite(value).all()
    wrong = (z < 0) if label else (z > 0)
    assert (value[wrong & (abs(z) > 100)] == abs(z[wrong & (abs(z) > 100)])).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("kind", [costs.BinaryCrossEntropy, costs.CategoricalCrossEntropy])
def test_smoothing_keeps_dtype_and_sums(kind: Any, smoothing: float, dtype: type) -> None:
    smooth = kind(smoothing).smoothed(np.eye(4, dtype=dtype), (4,))
    assert smooth.dtype == dtype and kind.targets.first_outside(smooth) is None
    assert kind.target_sum is None or np.allclose(smooth.sum(axis=0), kind.target_sum, atol=1e-6)


# ---- custom entries


def test_custom_entries_store_the_formula_and_not_the_function() -> None:
    z = np.linspace(-2, 2, 9, dtype=np.float32)
    assert np.array_equal(CUBIC.value(z), z + 0.1 * z**3) and CUBIC.value(z).dtype == np.float32
    assert repr(CUBIC) == "CustomActivation('cubic')" and repr(FOURTH) == "CustomCost('fourth')"
    assert activation(CUBIC) is CUBIC and cost(FOURTH) is FOURTH
    assert FOURTH.targets == Interval(0, 1) and FOURTH.outputs == Interval() and not FOURTH.pairs
    assert custom_activation("half", lambda z: z / 2, lambda z: 0.5).derivative(z, z) == 0.5
    assert (
        custom_activation("custom tanh", np.tanh, lambda z, a: 1 - a * a, -1, 1, reached=False).range.high_closed
        is False
    )


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: custom_activation("relu", np.tanh, np.cos), "'relu' is already"),
        (lambda: custom_activation("", np.tanh, np.cos), "must be a non-empty string"),
        (lambda: custom_activation("f", 3, np.cos), "value of f must be a function"),  # type: ignore[arg-type]
        (lambda: custom_activation("f", np.tanh, "cos"), "derivative of f must be a function"),  # type: ignore[arg-type]
        (lambda: custom_activation("f", lambda z: z if z > 0 else 0, np.cos), "value of f.*where"),
        (lambda: custom_activation("f", np.tanh, lambda z: math.cos(z)), "derivative of f.*numpy"),
        (lambda: custom_activation("f", lambda z: z * np.float64(2), np.cos), "value of f.*float64"),
        (lambda: custom_activation("f", lambda z: (z, z), np.cos), "one output"),
        (lambda: custom_activation("f", lambda z, a: z, np.cos), "cannot be called with 1 arrays"),
        (lambda: custom_activation("f", np.sin, np.cos, 2, 1), "low ≤ high"),
        (lambda: custom_cost("huber", np.add, np.add), "already"),
        (lambda: custom_cost("f", np.add, lambda a, y: np.median(a)), "gradient of f.*median"),
        (lambda: custom_cost("f", np.add, np.add, targets=(2, 1)), "low ≤ high"),
        (lambda: CustomActivation("f", np.tanh, CUBIC.derivative_formula), "must be a Formula"),  # type: ignore[arg-type]
        (lambda: CustomCost("f", CUBIC.value_formula, FOURTH.gradient_formula), "2 inputs"),
        (lambda: CustomCost("f", FOURTH.value_formula, FOURTH.value_formula, (0, 1)), "Interval"),  # type: ignore[arg-type]
    ],
)
def test_an_invalid_custom_entry_is_refused_at_once(make: Callable[[], Any], problem: str) -> None:
    with pytest.raises(GlassnetError, match=problem):
        make()
