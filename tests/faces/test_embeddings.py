"""Embeddings of inputs as a person meets them: what codes and columns mean, what is refused, what one can look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import Embedding, NeuralNetwork, PeriodicEmbedding, PiecewiseLinear, Scaling
from glassnet.execution.executor import ENGINES
from glassnet.tables.embeddings import slopes_and_offsets

Array = np.ndarray[Any, Any]
engines = pytest.mark.parametrize("engine", ENGINES)
LEVELS = (3, 5)


def network(engine: str = "numpy", **options: Any) -> NeuralNetwork:
    """Numbers in columns 0 and 3, codes in 1 and 2, and column 4 passes through."""
    layers = [5, PeriodicEmbedding((0, 3), frequencies=6), Embedding(LEVELS, (1, 2), 4), Scaling(), 7, 2]
    return NeuralNetwork(layers, ["tanh", "linear"], **{"seed": 1, "engine": engine, "dtype": "float64", **options})


def data(samples: int = 9) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, samples))
    x[1], x[2] = rng.integers(0, 4, samples), rng.integers(0, 6, samples)
    return x, rng.normal(size=(2, samples))


@engines
def test_numbers_become_waves_as_written_by_hand(engine: str) -> None:
    net, (x, y) = network(engine), data()
    out = net.trace(x, y)["periodic_embedding0"]
    names = ("frequencies", "phases", "weights", "biases")
    w1, b1, w2, b2 = (net.parameters[f"periodic_embedding0_{name}"] for name in names)
    assert (out[:5] == x).all() and out.shape == (5 + 2 * 3, 9)
    for number, column in enumerate((0, 3)):
        waves, new = slice(6 * number, 6 * number + 6), slice(3 * number, 3 * number + 3)
        expected = w2[:, new].T @ np.cos(2 * np.pi * w1[waves] * x[column] + b1[waves]) + b2[new]
        np.testing.assert_allclose(out[5:][new], expected, rtol=1e-12, atol=1e-14)


@engines
def test_codes_become_vectors_and_what_is_unknown_is_code_0(engine: str) -> None:
    net, (x, y) = network(engine), data()
    vectors = net.parameters["embedding0_vectors"]
    assert vectors.shape == (4, 4 + 6) and not vectors[:, [0, 4]].any() and vectors[:, [1, 2, 3, 5]].all()
    vectors[:, [0, 4]] = 9  # so that code 0 is seen
    x[1] = [0, 1, 2, 3, 4, -1, 2.4, 3.4, 3.6]
    out = net.trace(x, y)["embedding0"]
    others = net.trace(x, y)["periodic_embedding0"][[0, 3, 4, *range(5, 11)]]
    assert (out[:9] == others).all()
    assert (out[9:13] == vectors[:, [0, 1, 2, 3, 0, 0, 2, 3, 0]]).all()
    assert (out[13:] == vectors[:, 4 + x[2].astype(int)]).all()


@engines
def test_a_vector_moves_only_with_the_samples_of_its_code(engine: str) -> None:
    net, (x, y) = network(engine), data(40)
    x[2] = np.where(x[2] == 4, 0, x[2])
    before = net.parameters["embedding0_vectors"].copy()
    net.train(x, y, batch_size=8, epochs=2, lr=0.1, optimizer="adam")
    moved = (net.parameters["embedding0_vectors"] != before).all(axis=0)
    assert moved.tolist() == [code in x[1] for code in range(4)] + [code in x[2] for code in range(6)]


@engines
def test_gradients_of_samples_add_up_and_x_has_its_own(engine: str) -> None:
    net, (x, y) = network(engine), data()
    trace = net.trace(x, y)
    for name in (name for name in net.parameters if "embedding" in name):
        np.testing.assert_allclose(trace.per_sample(f"d{name}").mean(axis=0), trace[f"d{name}"], atol=1e-15)
    parameters = ("embedding0_vectors[1,2]", "periodic_embedding0_weights[2,3]")
    for quantity in ("x[0,1]", "x[3,2]", "x[4,0]", "x[1,3]", *parameters):
        nudge = net.nudge(x, y, quantity)
        assert nudge.slope == pytest.approx(nudge.derivative, rel=1e-6, abs=1e-9), quantity
    assert not trace["da0"][1:3].any() and trace["da0"][[0, 3, 4]].all()


def test_the_name_of_a_layer_stands_for_its_parameters() -> None:
    x, y = data(40)
    for name, frozen in (("periodic_embedding0", 4), ("embedding0", 1), ("scaling0", 1), ("biases", 2), ("w1", 1)):
        net = network("compiled")
        before = {each: values.copy() for each, values in net.parameters.items()}
        net.train(x, y, batch_size=8, epochs=1, lr=0.1, lr_factors={name: 0})
        assert sum((net.parameters[each] == values).all() for each, values in before.items()) == frozen


def test_a_network_with_embeddings_is_saved_explained_and_diagnosed(tmp_path: Path) -> None:
    net, (x, y) = network("compiled", dtype="float32"), data(60)
    net.train(x, y, epochs=3, validation=0.2, validation_metric="rmse")
    net.save(tmp_path / "m")
    loaded = NeuralNetwork.load(tmp_path / "m")
    assert (loaded.predict(x) == net.predict(x)).all() and repr(loaded) == repr(net)
    assert loaded.history is not None and loaded.history.best_by == "validation rmse"
    text = " ".join(str(net.explain_step(x[:, :2], y[:, :2])).split())
    for sentence in ("chooses one of the learnt vectors", "Waves of the column", "are placed after the others"):
        assert sentence in text
    assert "layers" in str(net.diagnose(x, y)) and net.credit(x, y).shares.shape == (2, 60)


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ([5, 3, PeriodicEmbedding(), 1], r"PeriodicEmbedding acts on x itself.*layers=\[5, PeriodicEmbedding"),
        ([5, 3, 1, Embedding()], "Embedding acts on x itself"),
        ([5, PeriodicEmbedding((1, 5)), 1], "has column 5, but its input has 5 columns: 0 to 4"),
        ([5, Embedding((3, 4)), 1], "levels of Embedding has 2 numbers for 5 columns"),
    ],
    ids=str,
)
def test_what_cannot_be_built_is_refused(layers: list[Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        NeuralNetwork(layers)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: PeriodicEmbedding(()), "names no column"),
        (lambda: PeriodicEmbedding((1, 1)), "names a column twice"),
        (lambda: PeriodicEmbedding((-1,)), "at least 0"),
        (lambda: PiecewiseLinear(bins=0), "bins of PiecewiseLinear"),
        (lambda: PiecewiseLinear((2, 2)), "names a column twice"),
        (lambda: PeriodicEmbedding(outputs=1), "outputs of PeriodicEmbedding"),
        (lambda: Embedding(0), "levels of Embedding"),
        (lambda: Embedding((3, 0)), "levels of Embedding"),
        (lambda: Embedding(2.5), "levels of Embedding"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings_are_checked(make: Any, sentence: str) -> None:
    with pytest.raises((ValueError, TypeError), match=sentence):
        make()


@engines
def test_a_bin_says_how_far_a_number_has_passed_it(engine: str) -> None:
    layers = [2, PiecewiseLinear((1,), bins=3), 1]
    net = NeuralNetwork(layers, ["linear"], dtype="float64", seed=0, engine=engine)
    for name, values in slopes_and_offsets([[-1.0, 0.0, 0.5, 4.5]]).items():
        net.parameters[f"piecewise_linear0_{name}"] = np.array(values)[:, np.newaxis]
    x = np.array([[7.0] * 6, [-2.0, -1.0, -0.25, 0.25, 2.5, 9.0]])
    out = net.trace(x, x[:1])["piecewise_linear0"]
    expected = [[-1, -1, 0.5, 1, 1, 1], [-1, -1, -1, 0, 1, 1], [-1, -1, -1, -1, 0, 1]]
    np.testing.assert_allclose(out, [*x, *expected], atol=1e-12)
