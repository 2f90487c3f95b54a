"""Frames: the network between two steps, as the page draws it."""

import dataclasses
import json
import time

import numpy as np
import pytest

from glassnet.errors import percent
from glassnet.frames import findings
from glassnet.frames import frame as frame_module
from glassnet.frames import run_info as run_info_module
from glassnet.frames.drawn_units import MAX_UNITS, drawn_units
from glassnet.frames.encoding import decoded, encoded, finite, json_text
from glassnet.frames.frame import Clock, Costs, FrameMaker
from glassnet.frames.run_info import run_info
from glassnet.frames.samples import Samples
from glassnet.network import NeuralNetwork
from glassnet.tables.activations import LeakyReLU
from glassnet.tables.layers import BatchNorm

from .frames_runs import curve, run_of, three_classes, two_classes


@pytest.fixture
def maker():
    samples = two_classes()
    network = NeuralNetwork([2, 3, 1], ["tanh", "sigmoid"], "binary_cross_entropy", dtype="float64", seed=3)
    return FrameMaker(run_of(network, samples), samples)


@pytest.mark.parametrize("kind", ["f8", "f4", "u1"])
def test_an_array_survives_the_wire(kind) -> None:
    values = np.array([[0, 1, 2], [200, 17, 255]])
    message = json.loads(json_text(encoded(values, kind)))
    assert np.array_equal(decoded(message), values)


def test_every_bit_of_a_float64_survives_the_wire() -> None:
    values = np.array([np.nan, np.inf, -0.0, 0.1, 5e-324, -1e308]).reshape(2, 3).T  # not contiguous
    back = decoded(json.loads(json_text(encoded(values))))
    assert back.tobytes() == np.ascontiguousarray(values).tobytes() and back.shape == (3, 2)


def test_json_refuses_what_it_cannot_hold() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"cost": float("nan")})
    assert finite(float("inf")) is None and finite(None) is None and finite(2) == 2.0


def test_quantities_are_those_of_a_trace(maker) -> None:
    samples, model = maker.samples, maker.training.model
    maker.training.run(steps=5)
    maker.sample = 7
    quantities = {name: decoded(each) for name, each in maker.frame()["quantities"].items()}
    network = NeuralNetwork([2, 3, 1], ["tanh", "sigmoid"], "binary_cross_entropy", dtype="float64", seed=3)
    network.parameters.vector[:] = model.parameters.vector
    trained, one = samples.part(samples.trained), samples.part([7])
    whole, single = network.trace(trained.x.T, trained.y.T), network.trace(one.x.T, one.y.T)
    for name in ("w1", "b1", "w2", "b2", "dw1", "db1", "dw2", "db2", "C"):
        assert np.array_equal(quantities[name], whole[name]), name
    for name in ("a0", "z1", "a1", "delta1", "z2", "a2", "delta2", "y", "c"):
        assert np.array_equal(quantities[name], single[name]), name
    assert np.array_equal(quantities["gate1"], 1 - single["a1"] ** 2)


def test_costs_and_scores_are_those_of_evaluate(maker) -> None:
    samples = maker.samples
    maker.training.run(steps=40)
    frame = maker.frame()
    network = NeuralNetwork([2, 3, 1], ["tanh", "sigmoid"], "binary_cross_entropy", dtype="float64", seed=3)
    network.parameters.vector[:] = maker.training.model.parameters.vector
    trained, held_out = samples.part(samples.trained), samples.part(samples.held_out)
    assert frame["cost"] == pytest.approx(network.cost(trained.x.T, trained.y.T), rel=1e-12)
    judged = network.evaluate(held_out.x.T, held_out.y.T)
    assert frame["validation"] == pytest.approx(judged.cost, rel=1e-12)
    assert frame["accuracy"] == pytest.approx(judged.accuracy)
    counts = decoded(frame["scores"]["confusion"])
    assert counts.sum() == samples.held_out.sum() and np.trace(counts) / counts.sum() == judged.accuracy
    predicted = network.predict(held_out.x.T)[0] > 0.5
    assert counts[1, 0] == ((held_out.y[:, 0] == 1) & ~predicted).sum()


def test_r2_of_numbers_and_their_pairs() -> None:
    samples = curve()
    network = NeuralNetwork([1, 4, 1], ["tanh", "linear"], dtype="float64", seed=1)
    maker = FrameMaker(run_of(network, samples, lr=0.05), samples)
    maker.training.run(steps=300)
    frame = maker.frame()
    assert frame["accuracy"] == pytest.approx(network.evaluate(samples.x.T, samples.y.T).r2)
    pairs = decoded(frame["scores"]["pairs"])
    assert np.array_equal(pairs, np.stack([samples.y[:, 0], network.predict(samples.x.T)[0]], axis=1))
    assert frame["scores"]["values"][1] == pytest.approx(np.sqrt(np.mean((pairs[:, 0] - pairs[:, 1]) ** 2)))
    assert frame["validation"] is None


def test_the_last_change_is_that_of_one_step(maker) -> None:
    maker.training.run(steps=3)
    before = maker.training.model.parameters["w2"].copy()
    maker.remember()
    maker.training.run(steps=1)
    frame = maker.frame()
    change = decoded(frame["quantities"]["change2"])
    after = maker.training.model.parameters["w2"]
    assert np.array_equal(change, after - before) and change.any()
    assert frame["layers"][1]["ratio"] == pytest.approx(np.linalg.norm(change) / np.linalg.norm(after))
    maker.training.run(steps=1)
    assert "change2" not in maker.frame()["quantities"]  # it would be that of an earlier step


def test_a_frame_leaves_the_run_as_it_was(maker) -> None:
    samples = maker.samples
    network = NeuralNetwork([2, 3, 1], ["tanh", "sigmoid"], "binary_cross_entropy", dtype="float64", seed=3)
    alone = run_of(network, samples)
    for _ in range(6):
        maker.frame(judged=True)
        maker.training.run(steps=1)
    alone.run(steps=6)
    assert maker.training.hash() == alone.hash() == maker.frame()["hash"]


def test_layer_statistics(maker) -> None:
    maker.training.run(steps=4)
    layer = maker.frame()["layers"][0]
    samples = maker.samples.part(maker.samples.trained)
    network = NeuralNetwork([2, 3, 1], ["tanh", "sigmoid"], "binary_cross_entropy", dtype="float64", seed=3)
    network.parameters.vector[:] = maker.training.model.parameters.vector
    trace = network.trace(samples.x.T, samples.y.T)
    sizes = np.abs(trace["delta1"])
    assert layer["delta"][3] == pytest.approx(np.sqrt((sizes**2).mean()))
    assert layer["delta"][:3] == pytest.approx(np.quantile(sizes, (0.1, 0.5, 0.9)), rel=0.05)
    assert layer["dw"][3] == pytest.approx(np.sqrt((trace["dw1"] ** 2).mean()))
    counts, edges = decoded(layer["z"]["counts"]), decoded(layer["z"]["edges"])
    assert np.array_equal(counts, np.histogram(trace["z1"], edges)[0])
    assert edges[0] == trace["z1"].min() and edges[-1] == pytest.approx(trace["z1"].max())


def test_saturated_and_dead_neurons_are_counted() -> None:
    samples = two_classes()
    network = NeuralNetwork([2, 4, 1], ["relu", "sigmoid"], "binary_cross_entropy", dtype="float64", seed=3)
    network.biases[0] = [[-100], [100], [100], [100]]
    layer = FrameMaker(run_of(network, samples), samples).frame()["layers"][0]
    assert layer["dead"] == layer["saturated"] == 0.25


def test_field_is_what_the_network_answers(maker) -> None:
    field = maker.frame()["field"]
    assert field["axes"] == [0, 1] and field["fixed"] == ""
    size, output = field["size"], decoded(field["output"])
    assert output.shape == (1, size * size)
    x1, x2 = (np.linspace(low, high, size) for low, high in zip(field["low"], field["high"], strict=True))
    point = np.array([[x1[5]], [x2[20]]])  # the first axis varies fastest
    network = NeuralNetwork([2, 3, 1], ["tanh", "sigmoid"], "binary_cross_entropy", dtype="float64", seed=3)
    assert output[0, 20 * size + 5] == pytest.approx(network.predict(point)[0, 0], rel=1e-6)
    neuron = decoded(field["neurons"][0])
    y1, y2 = (np.linspace(low, high, 32) for low, high in zip(field["low"], field["high"], strict=True))
    a1 = network.feedforward(np.array([[y1[3]], [y2[30]]]))[1][1]
    assert neuron[:, 30 * 32 + 3] == pytest.approx(a1[:, 0], rel=1e-6)


def test_a_slice_through_more_inputs_says_so() -> None:
    samples = three_classes()
    network = NeuralNetwork([4, 5, 3], ["tanh", "softmax"], "categorical_cross_entropy", dtype="float64")
    maker = FrameMaker(run_of(network, samples), samples)
    maker.field_maker.choose([3, 1])
    field = maker.frame()["field"]
    assert field["fixed"] == "a slice: the other 2 inputs are held at their medians" and field["neurons"] == []
    x = np.median(samples.x, axis=0)
    x[3], x[1] = field["high"][0], field["low"][1]
    corner = decoded(field["output"])[:, field["size"] - 1]
    assert corner == pytest.approx(network.predict(x[:, np.newaxis])[:, 0], rel=1e-6)


def test_only_drawn_units_of_large_layers_are_sent() -> None:
    samples = two_classes()
    network = NeuralNetwork([2, 60, 1], dtype="float64", seed=2)
    training = run_of(network, samples)
    shown = drawn_units(network.model, samples)
    maker = FrameMaker(training, samples, shown)
    info, quantities = run_info(training, samples, shown), maker.frame()["quantities"]
    units = info["layers"][1]["shown"]
    assert info["layers"][1]["units"] == 60 and len(units) == MAX_UNITS and units == sorted(units)
    assert np.array_equal(decoded(quantities["w1"]), network.weights[0][units])
    assert np.array_equal(decoded(quantities["w2"]), network.weights[1][:, units])
    errors = np.square(network.trace(samples.x[~samples.held_out].T, samples.y[~samples.held_out].T)["delta1"])
    assert set(units) == set(np.argsort(-errors.sum(axis=1))[:MAX_UNITS])


def test_run_info_says_what_a_page_must_know() -> None:
    samples = three_classes()
    network = NeuralNetwork([4, 5, 3], ["relu", "softmax"], "categorical_cross_entropy", dtype="float64")
    training = run_of(network, samples, "adam", 0.01)
    info = json.loads(json_text(run_info(training, samples, drawn_units(network.model, samples))))
    assert [layer["units"] for layer in info["layers"]] == [4, 5, 3]
    assert info["layers"][2]["names"] == info["classes"] == ["r", "g", "b"] and info["kind"] == "classes"
    assert info["parameters"] == 4 * 5 + 5 + 5 * 3 + 3 and info["program"] == str(training.program)
    assert info["optimizer"]["text"].splitlines()[-1].startswith("W1 ← W1 − rate · mean w1")
    data = info["data"]
    assert np.array_equal(decoded(data["x"]), samples.x) and np.array_equal(decoded(data["y"])[:, 0], samples.y)
    assert (data["train"], data["test"]) == (48, 12) and decoded(data["test_rows"]).sum() == 12
    assert data["raw"][2]["high"] == samples.x[:, 2].max()


def test_large_data_are_sent_in_part_and_it_is_said() -> None:
    n = 5000
    x = np.random.default_rng(0).normal(size=(n, 120))
    samples = Samples("large", x, x[:, :1], np.zeros(n, bool), tuple(map(str, range(120))))
    message = samples.message()
    assert decoded(message["x"]).shape == (2000, 100) and len(message["inputs"]) == 100
    assert [note.split(",")[0] for note in samples.limits()] == ["Of 5", "Of 120 inputs"]
    assert (
        samples.listed_indices([0]) == [0] and samples.listed_indices([0, 1]) == []
    )  # sample 1 is not among those sent


def test_places_of_samples_skip_those_held_out() -> None:
    samples = two_classes()
    indices = samples.listed_indices(range(5))
    assert indices == [1, 2, 3, 5, 6] and np.array_equal(samples.x[indices], samples.part(samples.trained).x[:5])


def test_clock_and_costs_pass_through(maker) -> None:
    maker.training.run(steps=2)
    costs = Costs(1, np.array([0.7, np.nan]), np.array([np.nan, 0.8]))
    frame = maker.frame(Clock(9, 40, True, 20.0, 18.5), costs, field=False)
    assert (frame["number"], frame["last"], frame["playing"], frame["speed"], frame["rate"]) == (9, 40, True, 20, 18.5)
    assert frame["t"] == 2 and frame["field"] is None and frame["costs"]["from"] == 1
    assert np.array_equal(decoded(frame["costs"]["train"]), costs.train, equal_nan=True)


def test_findings_have_what_a_person_needs() -> None:
    samples = two_classes()
    network = NeuralNetwork([2, 3, 1], dtype="float64", initializer="zeros", seed=3)
    maker = FrameMaker(run_of(network, samples), samples)
    assert maker.frame()["findings"] == []
    finding = maker.frame(judged=True)["findings"][0]
    assert finding["name"] == "symmetric start" and all(
        finding[key] for key in ("text", "equation", "change", "effect")
    )


def test_a_diverged_network_still_makes_a_frame(maker) -> None:
    maker.training.model.parameters.vector[:] = 1e308
    frame = json.loads(json_text(maker.frame()))
    assert frame["cost"] is None
    maker.training.model.parameters.vector[:] = np.nan
    assert json.loads(json_text(maker.frame(judged=True)))["cost"] is None


def test_a_frame_is_cheap() -> None:
    samples = two_classes(200)
    network = NeuralNetwork([2, 8, 8, 1], ["tanh", "tanh", "sigmoid"], "binary_cross_entropy", dtype="float64")
    maker = FrameMaker(run_of(network, samples), samples)
    seconds = []
    for _ in range(12):
        started = time.thread_time()
        json_text(maker.frame())
        seconds.append(time.thread_time() - started)
    assert min(seconds) < 0.006  # 2 ms on a quiet machine


def test_the_histogram_of_z_has_the_activation_over_its_axis() -> None:
    samples = three_classes()
    layers = [4, 5, BatchNorm(before_activation=True), 3, 3]
    network = NeuralNetwork(layers, ["tanh", LeakyReLU(0.3), "softmax"], "categorical_cross_entropy", seed=2)
    frame = FrameMaker(run_of(network, samples), samples).frame()
    below, straight, softmax = (layer["z"] for layer in frame["layers"])
    edges = decoded(straight["edges"])
    value, slope = decoded(straight["curve"])
    assert np.allclose(value, np.where(edges > 0, edges, 0.3 * edges), rtol=1e-6)
    assert np.allclose(slope, np.where(edges > 0, 1, 0.3), rtol=1e-6)
    assert "curve" not in below  # tanh acts on what BatchNorm made of z
    assert "curve" not in softmax  # each of its outputs depends on every z


def test_a_look_at_weights_begins_at_an_input_that_varies() -> None:
    rng = np.random.default_rng(0)
    x = np.stack([np.zeros(40), rng.normal(size=40), 3 * rng.normal(size=40), np.ones(40)], axis=1)
    samples = Samples("pixels", x, x[:, 1:2], np.zeros(40, bool), tuple("abcd"), outputs=("y",))
    assert run_info_module.first_input(samples) == 2
    alike = dataclasses.replace(samples, x=np.stack([x[:, 0], x[:, 1], x[::-1, 1], x[:, 3]], axis=1))
    assert run_info_module.first_input(alike) == 1


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.625, "63 %"),
        (0.285, "28 %"),
        (0, "0 %"),
        (0.001, "<1 %"),
        (1.0, "100 %"),
        (12.0, "1,200 %"),
        (np.inf, "inf %"),
    ],
)
def test_a_share_is_rounded_as_the_page_rounds_it(share: float, text: str) -> None:
    """Math.round(62.5) of the page is 63; Python's format would say 62."""
    assert percent(share) == text


def test_a_finding_and_the_chart_beside_it_say_the_same_share() -> None:
    samples = two_classes(2000)
    network = NeuralNetwork([2, 8, 1], ["relu", "sigmoid"], cost="binary_cross_entropy", dtype="float64", seed=1)
    network.biases[0] = [[-60.0]] * 5 + [[0.5]] * 3
    frame = FrameMaker(run_of(network, samples), samples).frame(judged=True)
    assert findings.MEASURED == frame_module.MEASURED
    assert frame["layers"][0]["dead"] == 0.625
    assert any("63 % of the 8 units of layer 1" in finding["text"] for finding in frame["findings"])
