"""Traces and nudges: names, tables, JSON, the slope that δ is, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from glassnet.errors import GlassnetError, ParameterError, ParameterTypeError
from glassnet.network import NeuralNetwork
from glassnet.tables.layers import BatchNorm, Dropout, LayerNorm, Scaling

ENGINES = ("numpy", "compiled")


def lesson(engine: str = "numpy", dtype: str = "float64") -> tuple[NeuralNetwork, np.ndarray, np.ndarray]:
    """The 2-2-1 network with a saturated neuron."""
    net = NeuralNetwork([2, 2, 1], dtype=dtype, seed=0, engine=engine)
    net.weights, net.biases = [[[0.5, -0.4], [3, 1]], [[0.8, -1.2]]], [[[0.1], [2]], [[0.2]]]
    return net, np.array([[1.0], [0.0]]), np.array([[1.0]])


def batch(seed: int = 0, m: int = 7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(3, m)), rng.integers(0, 4, m)


def classifier(*layers: object, **options: object) -> NeuralNetwork:
    net = NeuralNetwork([3, 5, *layers, 4], ["tanh", "softmax"], "categorical_cross_entropy", seed=3, **options)
    rng = np.random.default_rng(5)
    for name in net.parameters:
        net.parameters[name] = net.parameters[name] + 0.3 * rng.normal(size=net.parameters[name].shape)
    return net


@pytest.mark.parametrize("engine", ENGINES)
def test_the_lesson_of_the_saturated_neuron(engine: str) -> None:
    net, x, y = lesson(engine)
    trace = net.trace(x, y)
    assert trace["z1"].ravel() == pytest.approx([0.6, 5])
    assert trace["a1"].ravel() == pytest.approx([0.6457, 0.9933], abs=5e-5)
    assert trace["a2"].item() == pytest.approx(0.3833, abs=5e-5) and trace.cost == pytest.approx(0.1901, abs=5e-5)
    assert trace["delta2"].item() == pytest.approx(-0.1458, abs=5e-5)
    assert trace["da1"].ravel() == pytest.approx([-0.1166, 0.1749], abs=5e-5)
    assert trace["delta1"].ravel() == pytest.approx([-0.0267, 0.0012], abs=5e-5)
    slopes = [net.nudge(x, y, f"z1[{neuron},0]", step=1e-5).slope for neuron in (0, 1)]
    assert slopes == pytest.approx([-0.0266806, 0.0011629], abs=5e-8)


def test_every_spelling_of_a_name_means_the_same() -> None:
    net, x, y = lesson()
    trace = net.trace(x, y)
    for spelling, name in {"δ2": "delta2", "dW2": "dw2", "W1": "w1", "x": "a0", "∂c/∂a1": "da1"}.items():
        assert trace[spelling] is trace[name] and spelling in trace
    assert "delta3" not in trace and 3 not in trace
    with pytest.raises(ParameterError, match=r"'detla2' is unknown. Did you mean 'delta2'\?"):
        trace["detla2"]
    with pytest.raises(ParameterError, match=r"'z1\[0\]' has an index; ask for 'z1'"):
        trace["z1[0]"]
    with pytest.raises(ParameterError, match="is not a gradient of the parameters; per_sample has dw1, db1, dw2, db2"):
        trace.per_sample("a1")


def test_a_trace_is_a_copy_and_leaves_the_network_unchanged() -> None:
    x, y = batch()
    net = classifier(BatchNorm(), Dropout(0.5))
    before = net.parameters.vector.copy(), net.statistics.vector.copy()
    trace = net.trace(x, y, training=True)
    snapshot = {name: values.copy() for name, values in trace.items()}
    assert (net.parameters.vector == before[0]).all() and (net.statistics.vector == before[1]).all()
    net.train(x, y, epochs=1)
    assert all((trace[name] == values).all() for name, values in snapshot.items())
    assert (trace["w2"] != net.weights[1]).any() and "dropout1" in trace


def test_float64_on_request() -> None:
    net, x, y = lesson(dtype="float32")
    assert {values.dtype.name for name, values in net.trace(x, y).items() if name not in "cC"} == {"float32"}
    trace = net.trace(x, y, dtype="float64")
    assert {values.dtype.name for values in trace.values()} == {"float64"} and "float64" in str(trace)


def test_json_keeps_every_bit() -> None:
    x, y = batch()
    for dtype in ("float32", "float64"):
        trace = classifier(dtype=dtype).trace(x, y)
        document = json.loads(trace.to_json())
        assert document["cost"] == trace.cost and document["batch"] == 7
        for name, values in trace.items():
            again = np.array(document["quantities"][name]["values"])
            assert again.tobytes() == np.ascontiguousarray(values, np.float64).tobytes(), name


def test_the_table_says_what_is_a_mean() -> None:
    net, x, y = lesson()
    text, page = str(net.trace(x, y)), net.trace(x, y)._repr_html_()
    assert "dW, db, C: mean over the samples" in text and "δ1        BP2" in text and "−0.02668 0.001163" in text
    assert "<td>δ1</td><td>BP2</td><td>(2, 1)</td>" in page
    assert "0.0000" not in text and text.startswith("1 sample (columns)")


# ---- the nudge


ELEMENTS = ["w1[4,2]", "b1[4]", "z1[4,6]", "a1[0,3]", "x[2,1]", "W2[3,4]", "b2[0,0]", "z2[3,5]", "a2[1,6]"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("element", ELEMENTS)
def test_the_slope_of_a_nudge_is_the_derivative(engine: str, element: str) -> None:
    x, y = batch()
    nudge = classifier(l2=0.1, engine=engine).nudge(x, y, element, sample_weight=np.arange(1.0, 8))
    assert nudge.difference < 1e-6 and abs(nudge.slope) > 1e-5, str(nudge)
    of_sample = element[0] in "zax"
    assert ("/m, with m = 7" in str(nudge)) == of_sample and ("a mean over the batch" in str(nudge)) != of_sample


@pytest.mark.parametrize("layer", [BatchNorm(), LayerNorm(), Scaling(), BatchNorm(before_activation=True)], ids=str)
def test_nudges_around_layers(layer: object) -> None:
    x, y = batch()
    net = classifier(layer)
    segment = next(name for name in net.parameters if name.endswith("gamma"))
    for element in ("z1[4,6]", "a1[0,3]", "x[2,1]", f"{segment}[2]"):
        assert net.nudge(x, y, element).difference < 1e-6, element
    with pytest.raises(ParameterError, match="no equation computes"):
        NeuralNetwork([3, 2, BatchNorm(), 1]).nudge(x, np.ones((1, 7)), "batch_norm1_normal[0,0]")


def test_the_slope_of_a_sample_is_its_delta_over_m() -> None:
    x, y = batch()
    net = classifier(dtype="float64")
    nudge, trace = net.nudge(x, y, "z1[2,4]"), net.trace(x, y)
    assert nudge.derivative == trace["δ1"][2, 4] / 7 and "δ1[2, 4]/m" in nudge.kind


def test_cost_with_numbers_set() -> None:
    x, y = batch()
    net = classifier(dtype="float64")
    changed = net.astype("float64")
    changed.weights[0][2, 0] = 0.3
    assert net.cost(x, y, override={"w1[2,0]": 0.3}) == pytest.approx(changed.cost(x, y), rel=1e-14)
    other = x.copy()
    other[1, 0] = 9.0
    assert net.cost(x, y, override={"x[1,0]": 9}) == pytest.approx(net.cost(other, y), rel=1e-14)
    both = net.cost(x, y, override={"z1[2,3]": 0.25, "w1[2,0]": 0.3})
    z_s, _ = changed.feedforward(x)
    assert both == changed.cost(x, y, override={"z1[2,3]": 0.25}) and z_s[0][2, 3] != 0.25
    a = net.trace(x, y)["a2"]
    loss = net.cost(x, y, override={"a2[1,0]": float(a[1, 0]) / 2}) - net.cost(x, y)
    assert loss == pytest.approx(np.log(2) * (y[0] == 1) / 7, abs=1e-12)
    assert net.cost(x, y, override={}) == pytest.approx(net.cost(x, y), rel=1e-15)


REFUSED = {
    "w1[5,0]": "is outside W1, which is (5, 3): row and column go to 4 and 2",
    "z1[0,7]": "is outside z1, which is (5, 7): neuron and sample go to 4 and 6",
    "z1": "'z1' needs neuron and sample, counted from 0, such as z1[0,0]",
    "z1[-1,0]": "needs neuron and sample, counted from 0",
    "z3[0,0]": "the quantity 'z3' is unknown. Known: w1, b1, w2, b2, a0, z1, a1, z2, a2.",
    "delta1[0,0]": "δ1 cannot be set: nudge z1, its slope is what δ1 says; what can be set is x, w1",
    "C": "C cannot be set",
    "y[0,0]": "y cannot be set",
    "z1[0,0": "an entry is named by text",
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_element_that_does_not_exist_gets_one_sentence(name: str) -> None:
    net = classifier()
    before = net.parameters.vector.copy()
    for call in (lambda: net.nudge(*batch(), name), lambda: net.cost(*batch(), override={name: 1.0})):
        with pytest.raises(GlassnetError) as error:
            call()
        assert REFUSED[name] in str(error.value) and "\n" not in str(error.value)
    assert (net.parameters.vector == before).all()


def test_other_bad_arguments() -> None:
    net = classifier()
    for value in (np.nan, "much", None):
        with pytest.raises(ParameterError, match=r"W1\[2, 0\] cannot be set to .*; it must be a finite number"):
            net.cost(*batch(), override={"w1[2,0]": value})
    with pytest.raises(ParameterTypeError, match="override must map entries to numbers"):
        net.cost(*batch(), override=["w1[2,0]"])
    with pytest.raises(ParameterTypeError, match="an entry is named by text"):
        net.nudge(*batch(), 3)
    for step in (0, -1e-6, np.inf, True, "small"):
        with pytest.raises(ParameterError, match=r"step is .*; it must be a number above 0"):
            net.nudge(*batch(), "w1[0,0]", step=step)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_slope_of_rounding_size_is_said_to_be_one(engine: str) -> None:
    net, y = NeuralNetwork([2, 2, 1], seed=0, engine=engine), np.array([[0.3]])
    nothing = net.nudge(np.zeros((2, 1)), y, "w1[0,0]")
    assert "(both are 0 up to rounding: with this step, no slope below " in str(nothing)
    noise = nothing._replace(slope=-2.3e-16)
    assert "both are 0 up to rounding" in str(noise) and "1.0e+00" not in str(noise)
    short, usual = (net.nudge(np.ones((2, 1)), y, "b1[0]", step=step) for step in (1e-9, 1e-3))
    assert "of the size of rounding" in str(short) and short.difference < 1e-3
    assert "rounding" not in str(usual)  # the cost bends within such a step
    wrong = short._replace(derivative=2 * short.derivative)
    assert "rounding" not in str(wrong) and "relative difference 5.0e-01" in str(wrong)


def test_a_trace_says_in_plain_words_what_was_computed() -> None:
    net, x, y = NeuralNetwork([2, 1], seed=0), np.ones((2, 3)), np.ones((1, 3))
    assert str(net.trace(x, y)).startswith("3 samples (columns), computed as in a prediction, float32;")
    assert "computed as in a training step, float32" in str(net.trace(x, y, training=True))
