"""The formula of every entry against its definition, and every derivative against central differences.

The definitions are written as in their sources, without the tables' precautions against overflow. A new entry of a
table without a definition here fails the first test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from glassnet.errors import FormulaError
from glassnet.program.equations import softmax_cost
from glassnet.tables import costs
from glassnet.tables.activations import ACTIVATIONS, ELU, Activation, LeakyReLU, Softmax, activation
from glassnet.tables.costs import COSTS, BinaryCrossEntropy, Cost, Huber, Quantile, cost, custom_cost
from glassnet.tables.custom_activation import custom_activation
from glassnet.tables.formula import trace
from glassnet.tables.optimizers import OPTIMIZERS, Adam, optimizer

Array = np.ndarray[Any, Any]
TANH_GELU = np.sqrt(2 / np.pi)
LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772

CUSTOM_ACTIVATION = custom_activation("cubic", lambda z: z + 0.1 * z**3, lambda z: 1 + 0.3 * z**2)
CUSTOM_COST = custom_cost("fourth", lambda a, y: (a - y) ** 4, lambda a, y: 4 * (a - y) ** 3)

ACTIVATION_DEFINITIONS: dict[Activation, Callable[[Array], Array]] = {
    activation("linear"): lambda z: z,
    activation("sigmoid"): lambda z: 1 / (1 + np.exp(-z)),
    activation("tanh"): lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    activation("relu"): lambda z: np.where(z > 0, z, 0),
    activation("leaky_relu"): lambda z: np.where(z > 0, z, 0.01 * z),
    LeakyReLU(0.3): lambda z: np.where(z > 0, z, 0.3 * z),
    activation("elu"): lambda z: np.where(z > 0, z, np.exp(z) - 1),
    ELU(0.5): lambda z: np.where(z > 0, z, 0.5 * (np.exp(z) - 1)),
    activation("selu"): lambda z: LAMBDA * np.where(z > 0, z, ALPHA * (np.exp(z) - 1)),
    activation("gelu"): lambda z: 0.5 * z * (1 + np.tanh(TANH_GELU * (z + 0.044715 * z**3))),
    activation("silu"): lambda z: z / (1 + np.exp(-z)),
    activation("mish"): lambda z: z * np.tanh(np.log(1 + np.exp(z))),
    activation("softplus"): lambda z: np.log(1 + np.exp(z)),
    activation("softsign"): lambda z: z / (1 + np.abs(z)),
    activation("exp"): np.exp,
    activation("softmax"): lambda z: np.exp(z) / np.exp(z).sum(axis=0),
    Softmax((2, 3)): lambda z: np.exp(z) / np.repeat([np.exp(z[:2]).sum(axis=0), np.exp(z[2:]).sum(axis=0)], (2, 3), 0),
    CUSTOM_ACTIVATION: lambda z: z + 0.1 * z**3,
}

COST_DEFINITIONS: dict[Cost, Callable[[Array, Array], Array]] = {
    cost("quadratic"): lambda a, y: (a - y) ** 2 / 2,
    cost("binary_cross_entropy"): lambda a, y: -y * np.log(a) - (1 - y) * np.log(1 - a),
    cost("categorical_cross_entropy"): lambda a, y: -y * np.log(a),
    cost("absolute"): lambda a, y: np.where(a > y, a - y, y - a),
    cost("huber"): lambda a, y: np.where(abs(a - y) <= 1, (a - y) ** 2 / 2, abs(a - y) - 0.5),
    Huber(0.3): lambda a, y: np.where(abs(a - y) <= 0.3, (a - y) ** 2 / 2, 0.3 * (abs(a - y) - 0.15)),
    cost("quantile"): lambda a, y: abs(a - y) / 2,
    Quantile(0.9): lambda a, y: np.where(y > a, 0.9 * (y - a), 0.1 * (a - y)),
    cost("poisson"): lambda a, y: a - y * np.log(a),
    cost("poisson_deviance"): lambda a, y: a - y + np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / a), 0),
    CUSTOM_COST: lambda a, y: (a - y) ** 4,
}

ELEMENTWISE = [entry for entry in ACTIVATION_DEFINITIONS if entry.elementwise]
PAIRS = [(entry, activation(name)) for entry in COST_DEFINITIONS for name in entry.pairs]
PAIRS += [(entry, Softmax((2, 3))) for entry, last in PAIRS if last == Softmax()]


def central(function: Callable[[Array], Array], x: Array, step: float = 1e-5) -> Array:
    """The derivative of an elementwise function by central differences."""
    return (function(x + step) - function(x - step)) / (2 * step)


def away_from_kinks(x: Array, *kinks: float) -> Array:
    """The numbers at least 1e-3 from every kink."""
    return x[np.all([abs(x - kink) > 1e-3 for kink in kinks], axis=0)]


def samples(entry: Cost, count: int = 400) -> tuple[Array, Array]:
    """Outputs and targets within the domains of a cost, away from its kinks; every tenth target is at a closed end."""
    rng = np.random.default_rng(7)
    low, high = max(entry.outputs.low, -3), min(entry.outputs.high, 4)
    a = rng.uniform(low + 0.02, high - 0.02, count)
    y = rng.uniform(max(entry.targets.low, -3), min(entry.targets.high, 4), count)
    if entry.targets.low_closed:
        y[::10] = entry.targets.low
    if entry.targets.high_closed:
        y[5::10] = entry.targets.high
    kinks = (0, getattr(entry, "delta", 0), -getattr(entry, "delta", 0))
    smooth = np.all([abs(a - y - kink) > 1e-3 for kink in kinks], axis=0)
    return a[smooth], y[smooth]


def test_every_entry_has_its_definition() -> None:
    assert {entry.name for entry in ACTIVATION_DEFINITIONS} == {*ACTIVATIONS, "cubic"}
    assert {entry.name for entry in COST_DEFINITIONS} == {*COSTS, "fourth"}


# ---- activations


@pytest.mark.parametrize("entry", ACTIVATION_DEFINITIONS, ids=str)
def test_activation_matches_its_definition(entry: Activation) -> None:
    z = np.random.default_rng(1).uniform(-8, 8, (5, 400))
    np.testing.assert_allclose(entry.value(z), ACTIVATION_DEFINITIONS[entry](z), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("entry", ELEMENTWISE, ids=str)
def test_derivative_equals_central_differences(entry: Activation) -> None:
    z = away_from_kinks(np.random.default_rng(2).uniform(-8, 8, 2000), 0)
    derivative = np.broadcast_to(entry.derivative(z, entry.value(z)), z.shape)
    np.testing.assert_allclose(derivative, central(entry.value, z), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("entry", ELEMENTWISE, ids=str)
def test_smooth_tells_whether_the_derivative_is_continuous_at_0(entry: Activation) -> None:
    z = np.array([-1e-9, 1e-9])
    before, after = np.broadcast_to(entry.derivative(z, entry.value(z)), 2)
    assert entry.smooth == (abs(before - after) < 1e-6)


@pytest.mark.parametrize(("name", "at_0"), [("relu", 0), ("leaky_relu", 0.01), ("elu", 1), ("selu", LAMBDA * ALPHA)])
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_derivative_at_a_kink_is_the_left_derivative(name: str, at_0: float, zero: float) -> None:
    entry, z = activation(name), np.array([zero])
    assert entry.derivative(z, entry.value(z))[0] == at_0


@pytest.mark.parametrize(
    ("name", "z", "value", "slope"),
    [  # digits that the textbook formulas lose; exp(−40) is 4.2483542552915889e-18, and its square adds nothing
        ("elu", 1e-12, 1e-12, 1),
        ("elu", -1e-12, -9.999999999995e-13, 0.9999999999990),
        ("softplus", -40.0, 4.2483542552915889e-18, 4.2483542552915889e-18),
        ("sigmoid", -40.0, 4.2483542552915889e-18, 4.2483542552915889e-18),
        ("silu", -40.0, -1.6993417021166356e-16, -1.6568581595637196e-16),
        ("mish", -40.0, -1.6993417021166356e-16, -1.6568581595637196e-16),
    ],
)
def test_no_precision_is_lost(name: str, z: float, value: float, slope: float) -> None:
    entry = activation(name)
    a = entry.value(np.array([z]))
    np.testing.assert_allclose(a, value, rtol=1e-14)
    np.testing.assert_allclose(entry.derivative(np.array([z]), a), slope, rtol=1e-13)


GROUPINGS = pytest.mark.parametrize("groups", [(), (6,), (1, 3, 2)], ids=str)


@GROUPINGS
def test_softmax_jacobian_product_is_its_definition(groups: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    z, v = rng.normal(size=(2, 6, 9))
    entry = Softmax(groups)
    a = entry.value(z)
    same_group = np.equal.outer(*[np.repeat(range(len(groups or (6,))), groups or (6,))] * 2)
    for sample in range(z.shape[1]):
        jacobian = np.diag(a[:, sample]) - np.outer(a[:, sample], a[:, sample]) * same_group
        np.testing.assert_allclose(entry.jacobian_product(a, v)[:, sample], jacobian.T @ v[:, sample], atol=1e-15)


@GROUPINGS
def test_softmax_jacobian_product_equals_central_differences(groups: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    z, v = rng.normal(size=(2, 6, 9))
    entry = Softmax(groups)
    product = entry.jacobian_product(entry.value(z), v)
    for output in range(6):
        step = np.zeros((6, 1))
        step[output] = 1e-5
        slope = (v * (entry.value(z + step) - entry.value(z - step))).sum(axis=0) / 2e-5
        np.testing.assert_allclose(product[output], slope, atol=1e-9)


def test_softmax_has_no_elementwise_derivative() -> None:
    with pytest.raises(FormulaError, match="jacobian_product"):
        Softmax().derivative(np.zeros((2, 1)), np.full((2, 1), 0.5))


# ---- costs


@pytest.mark.parametrize("entry", COST_DEFINITIONS, ids=str)
def test_cost_matches_its_definition(entry: Cost) -> None:
    a, y = samples(entry)
    np.testing.assert_allclose(entry.value(a, y), COST_DEFINITIONS[entry](a, y), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("entry", COST_DEFINITIONS, ids=str)
def test_cost_gradient_equals_central_differences(entry: Cost) -> None:
    a, y = samples(entry)
    np.testing.assert_allclose(
        entry.gradient(a, y), central(lambda a: entry.value(a, y), a, 1e-6), rtol=1e-6, atol=1e-8
    )


@pytest.mark.parametrize("name", ["absolute", "quantile", "huber", "quadratic"])
def test_cost_and_gradient_are_0_where_a_is_y(name: str) -> None:
    a = np.array([-1.5, 0.0, 3.0])
    assert not cost(name).value(a, a).any()
    assert not cost(name).gradient(a, a).any()


@pytest.mark.parametrize(
    ("name", "a", "y", "gradient"),
    [
        ("binary_cross_entropy", 0, 0, 1),
        ("binary_cross_entropy", 1, 1, -1),
        ("categorical_cross_entropy", 0, 0, 0),
        ("categorical_cross_entropy", 1, 1, -1),
        ("poisson", 0, 0, 1),
        ("poisson_deviance", 0, 0, 1),
        ("poisson_deviance", 1, 1, 0),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_certain_and_correct_output_costs_nothing(
    name: str, a: float, y: float, gradient: float, dtype: type
) -> None:
    outputs, targets = np.array([a], dtype), np.array([y], dtype)
    assert cost(name).value(outputs, targets) == 0
    assert cost(name).gradient(outputs, targets) == gradient


@pytest.mark.parametrize(("entry", "last"), PAIRS, ids=str)
def test_a_pair_equals_cost_and_activation(entry: Cost, last: Activation) -> None:
    _, y = samples(entry)
    targets = y[:300].reshape(60, 5).T
    if entry.target_sum is not None:
        parts = np.split(targets, np.cumsum(last.groups or (5,))[:-1])
        targets = np.concatenate([part / part.sum(axis=0) * entry.target_sum for part in parts])
    z = np.random.default_rng(5).uniform(-5, 5, targets.shape)
    a = last.value(z)
    general, pair = entry.gradient(a, targets), entry.pairs[last.name]
    assert entry.outputs.contains(last.range)
    if pair is None:
        assert isinstance(last, Softmax)
        np.testing.assert_allclose(last.jacobian_product(a, general), a - targets, atol=1e-13)
        from_z, expected = (
            softmax_cost(z, targets, last.groups or (5,)),
            entry.value(a, targets).sum(axis=0, keepdims=True),
        )
        np.testing.assert_allclose(from_z, expected, rtol=1e-12)
        return
    np.testing.assert_allclose(pair(z, targets), entry.value(a, targets), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(general * last.derivative(z, a), a - targets, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(central(lambda z: pair(z, targets), z), a - targets, rtol=1e-6, atol=1e-8)


def test_label_smoothing_mixes_the_targets_with_the_uniform_distribution() -> None:
    y = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    smooth = costs.CategoricalCrossEntropy(label_smoothing=0.3).smoothed(y, (3,))
    np.testing.assert_allclose(smooth, [[0.8, 0.1], [0.1, 0.1], [0.1, 0.8]], rtol=1e-15)
    both = np.vstack([y, [[0, 1], [1, 0]]])
    smooth = costs.CategoricalCrossEntropy(label_smoothing=0.3).smoothed(both, (3, 2))
    np.testing.assert_allclose(smooth[:3], [[0.8, 0.1], [0.1, 0.1], [0.1, 0.8]], rtol=1e-15)
    np.testing.assert_allclose(smooth[3:], [[0.15, 0.85], [0.85, 0.15]], rtol=1e-15)
    smooth = BinaryCrossEntropy(0.1).smoothed(np.array([[0.0, 1.0]]), (1,))
    np.testing.assert_allclose(smooth, [[0.05, 0.95]], rtol=1e-15)
    for entry in COST_DEFINITIONS:
        assert entry.smoothed(y, (3,)) is y


# ---- tracing: NumPy calls the function; the engine and the page read its operations


def formulas() -> Iterator[Any]:
    """Every formula of the tables: the function and its number of inputs."""
    for entry in ELEMENTWISE:
        yield pytest.param(entry.value, 1, id=f"{entry}-value")
        yield pytest.param(entry.derivative, 2, id=f"{entry}-derivative")
    for entry in COST_DEFINITIONS:
        yield pytest.param(entry.value, 2, id=f"{entry}-value")
        yield pytest.param(entry.gradient, 2, id=f"{entry}-gradient")
        for name, pair in entry.pairs.items():
            if pair is not None:
                yield pytest.param(pair, 2, id=f"{entry}-{name}")
    for rule in (*map(optimizer, OPTIMIZERS), Adam(corrected_epsilon=False)):
        names = tuple(rule.scalars(np.ones(1), np.ones(1)))
        arrays = 2 + len(rule.states)

        def update(*values: Any, rule: Any = rule, names: Any = names, arrays: int = arrays) -> Any:
            results = rule.update(*values[:arrays], **dict(zip(names, values[arrays:], strict=True)))
            return results if len(results) > 1 else results[0]

        yield pytest.param(update, arrays + len(names), id=f"{rule}-update")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("function", "inputs"), list(formulas()))
def test_traced_formula_is_the_function_bit_for_bit(function: Callable[..., Any], inputs: int, dtype: type) -> None:
    rng = np.random.default_rng(6)
    arrays = [rng.uniform(0.02, 0.98, 4001).astype(dtype) for _ in range(inputs)]
    if inputs == 1:
        arrays = [rng.uniform(-20, 20, 4001).astype(dtype)]
    direct, traced = function(*arrays), trace(function, inputs)(*arrays)
    pairs = zip(direct, traced, strict=True) if isinstance(direct, tuple) else [(direct, traced)]
    for expected, result in pairs:
        if isinstance(expected, float):
            assert expected == result  # a constant
            continue
        assert expected.dtype == result.dtype == dtype
        assert expected.tobytes() == result.tobytes()


def test_an_input_is_never_mistaken_for_a_constant() -> None:
    rng = np.random.default_rng(8)
    a, y = rng.normal(size=(2, 50))
    for function in (
        lambda a, y: a * y,
        lambda a, y: a / y,
        lambda a, y: (a + y) * (a + 1),
        lambda a, y: np.where(y > 0, a, 2) + np.where(y > a, a, 3),
    ):
        assert np.array_equal(trace(function, 2)(a, y), function(a, y))
    assert repr(trace(lambda z, a: 1.0, 2)) != repr(trace(lambda z, a: a, 2))


@pytest.mark.parametrize(
    "name", ["relu", "leaky_relu", "elu", "selu", "sigmoid", "tanh", "softplus", "softsign", "exp"]
)
def test_a_derivative_that_reads_a_does_not_read_z(name: str) -> None:
    assert trace(activation(name).derivative, 2).reads == {1}
    assert trace(activation("linear").derivative, 2).reads == frozenset()
