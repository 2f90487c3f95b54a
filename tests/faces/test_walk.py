"""The walk through a step: the numbers of the run's own next step, spelled-out sums, experiments, MathML."""

import json
import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from glassnet.batches.sources import checked_sources
from glassnet.errors import ParameterError
from glassnet.frames.drawn_units import drawn_units
from glassnet.frames.encoding import decoded, json_text
from glassnet.frames.walk import StepWalk
from glassnet.network import NeuralNetwork
from glassnet.see.every_gradient import check_gradients
from glassnet.see.formula_markup import mathml
from glassnet.see.next_step import NextStep, explain_next_step
from glassnet.see.nudge import Experiment
from glassnet.see.stage import SAMPLES, affine_text, signed
from glassnet.see.trace import number
from glassnet.tables.costs import CategoricalCrossEntropy
from glassnet.tables.embeddings import PiecewiseLinear
from glassnet.tables.layers import Dropout

from .frames_runs import curve, lesson_run, run_of, three_classes, two_classes


def walk_of(training, samples):
    return StepWalk(training, samples, drawn_units(training.model, samples))


def cells(walk, key):
    """The numbers of a stage by the names of its quantities."""
    stage = next(stage for stage in walk.message()["stages"] if stage["key"] == key)
    return {term["quantity"]: decoded(term["values"]) for term in stage["terms"] if isinstance(term, dict)}


@pytest.fixture
def lesson():
    network, one, training = lesson_run()
    return network, walk_of(training, one)


@pytest.fixture
def moons():
    samples = two_classes()
    network = NeuralNetwork([2, 3, 1], ["tanh", "sigmoid"], "binary_cross_entropy", dtype="float64", seed=3)
    training = run_of(network, samples, "adam", 0.05)
    training.run(steps=7)
    return network, samples, training


@pytest.mark.parametrize(("weights", "rounded"), [((0.5, -0.4), False), ((0.80274, -0.22236), True)])
def test_a_sum_whose_shown_terms_do_not_add_up_says_that_they_are_rounded(weights, rounded) -> None:
    inputs, bias = (0.46834, 0.44329), 0.1
    total = float(np.dot(weights, inputs) + bias) if rounded else float(np.dot(weights, (1, 0)) + bias)
    text = affine_text(np.array(weights), np.array(inputs if rounded else (1.0, 0.0)), bias, total)
    assert text.endswith("(the terms are shown rounded)") == rounded
    products = re.findall(r"\(?(−?[\d.]+)\)?·\(?(−?[\d.]+)\)?", text)
    shown = sum(float(a.replace("−", "-")) * float(b.replace("−", "-")) for a, b in products) + bias
    assert (number(shown) != number(total)) == rounded


def test_the_sample_lesson(lesson) -> None:
    _, walk = lesson
    assert cells(walk, "forward.1")["z1"].ravel() == pytest.approx([0.6, 5])
    assert cells(walk, "forward.1.a")["a1"].ravel() == pytest.approx([0.6457, 0.9933], abs=5e-5)
    assert cells(walk, "forward.2.a")["a2"].item() == pytest.approx(0.3833, abs=5e-5)
    assert cells(walk, "cost")["C"].item() == pytest.approx(0.1901, abs=6e-5)
    assert cells(walk, "bp1")["delta2"].item() == pytest.approx(-0.1458, abs=5e-5)
    arrives = cells(walk, "bp2.1.arrives")
    assert arrives["da1"].ravel() == pytest.approx([-0.1166, 0.1749], abs=6e-5)
    gate = cells(walk, "bp2.1.gate")
    assert gate["gate1"].ravel() == pytest.approx([0.2288, 0.0066], abs=6e-5)
    assert gate["delta1"].ravel() == pytest.approx([-0.0267, 0.0012], abs=5e-5)
    assert np.array_equal(gate["da1"], arrives["da1"])


def test_a_sentence_calls_a_sample_of_the_batch_as_the_tables_do(moons) -> None:
    _, samples, training = moons
    stages = {stage["key"]: stage for stage in walk_of(training, samples).message()["stages"]}
    for key, name in (("bp2.1.arrives", "da1"), ("bp2.1.gate", "da1")):
        error = cells(walk_of(training, samples), key)[name]
        sample = np.unravel_index(np.abs(error[:, :SAMPLES]).argmax(), error[:, :SAMPLES].shape)[1]
        assert f"(s{sample})" in stages[key]["sentence"] and "(sample" not in stages[key]["sentence"]


def test_sentences_of_one_sample_speak_of_its_numbers_alone(moons) -> None:
    _, samples, training = moons
    walk = walk_of(training, samples)
    told = {stage["key"]: stage["sentences"] for stage in walk.message()["stages"] if stage["sentences"]}
    assert {"forward.1.a", "bp2.1.arrives", "bp2.1.gate"} <= told.keys()
    trace = walk.trace
    for sample in range(trace.m):
        error, gate = trace["da1"][:, sample], 1 - trace["a1"][:, sample] ** 2
        neuron = int(np.abs(error).argmax())
        assert f"neuron {neuron} receives the largest, {signed(error[neuron])}." in told["bp2.1.arrives"][sample]
        assert f"arrives at neuron {neuron}, " in told["bp2.1.gate"][sample]
        assert f"lies between {number(gate.min())} and {number(gate.max())};" in told["forward.1.a"][sample]


def test_an_update_can_be_computed_again_from_what_is_shown(moons) -> None:
    _, samples, training = moons
    update = next(s for s in walk_of(training, samples).message()["stages"] if s["key"] == "update.w1")
    known = {name: float(value) for name, value in re.findall(r"(\w+) = ([\d.e-]+\d)", update["sentence"])}
    terms = {term["symbol"]: decoded(term["values"]) for term in update["terms"] if isinstance(term, dict)}
    step = known["rate"] * terms["mean w1"] / (np.sqrt(terms["square w1"]) * known["scale"] + known["epsilon"])
    assert np.allclose(terms["W1"] - step, terms["after"], rtol=1e-5)


def test_nudging_z_in_the_sample_lesson_measures_delta(lesson) -> None:
    _, walk = lesson
    first, second = walk.nudge("z1[0,0]", 1e-5), walk.nudge("z1[1,0]", 1e-5)
    assert (first["slope"], second["slope"]) == pytest.approx((-0.0266806, 0.0011629), abs=5e-8)
    assert first["difference"] < 1e-7 and not first["kink"]
    assert first["up"] < first["cost"] < first["down"]
    assert first["value"] == pytest.approx(0.6) and first["step"] == 1e-5
    assert first["quantity"] == "z1[0]" and first["sentence"].startswith("z1[0] ± 1e-05 moves C")


@pytest.mark.parametrize(("lr", "predicted", "real"), [(0.1, -0.005250, -0.005237), (5, -0.2625, -0.1690)])
def test_did_it_help_in_the_sample_lesson(lr, predicted, real) -> None:
    _, one, training = lesson_run(lr)
    message = walk_of(training, one).message()
    assert (message["predicted"], message["real"]) == pytest.approx((predicted, real), rel=1e-3)
    assert ("curves away" in message["verdict"]) == (lr == 5)


def test_the_sweep_is_a_v(lesson) -> None:
    _, walk = lesson
    sweep = {each["step"]: each["difference"] for each in walk.nudge("w1[0,0]", sweep=True)["sweep"]}
    steps = sorted(sweep)
    best = min(sweep, key=sweep.get)
    assert 1e-7 < best < 1e-3 and sweep[best] < 1e-8
    assert sweep[steps[-1]] > 1e3 * sweep[best] and sweep[steps[0]] > 1e3 * sweep[best]


def test_stages_come_in_the_order_of_the_equations(lesson) -> None:
    keys = [stage["key"] for stage in lesson[1].message()["stages"]]
    assert keys == [
        *("batch", "forward.1", "forward.1.a", "forward.2", "forward.2.a", "cost", "bp1.cost", "bp1"),
        *("bp2.1.arrives", "bp2.1.gate", "bp3.2", "bp3.1", "bp4.2", "bp4.1"),
        *("update.w1", "update.b1", "update.w2", "update.b2"),
    ]


def test_every_number_of_a_walk_is_that_of_the_trace_and_of_the_runs_own_step(moons) -> None:
    network, samples, training = moons
    step = NextStep.of(training)
    walk = walk_of(training, samples)
    message = walk.message()
    trace = network.trace(step.data.x.T, step.data.y.T, training=True)
    compared = 0
    for stage in message["stages"]:
        for term in stage["terms"]:
            if isinstance(term, dict) and term["quantity"] in trace and not stage["key"].startswith("update"):
                values = trace[term["quantity"]]
                assert np.array_equal(decoded(term["values"]), values.T if term["transposed"] else values)
                compared += 1
    assert compared > 30
    for name, values in trace.items():
        assert np.array_equal(decoded(message["quantities"][name]), values), name
    after = {name: cells(walk, f"update.{name}")[f"after_{name}"] for name in ("w1", "b1", "w2", "b2")}
    memory = cells(walk, "update.w1")["square w1"]
    assert np.array_equal(samples.x[message["samples"]], step.data.x)
    assert (message["t"], message["hash"], message["m"]) == (7, training.hash(), 10)
    training.run(steps=1)
    for name, values in after.items():
        assert np.array_equal(values, network.parameters[name]), name
    assert np.array_equal(memory, training.executor.columns("square w1"))
    assert message["after"] == pytest.approx(network.cost(step.data.x.T, step.data.y.T), rel=1e-12)


def test_a_walk_leaves_the_run_as_it_was_and_does_not_follow_it(moons) -> None:
    network, samples, training = moons
    before = training.hash()
    walk = walk_of(training, samples)
    w1 = network.weights[0].copy()
    walk.nudge("w1[0,0]", 0.5)
    walk.check_gradient()
    walk.cost_with({"w2[0,1]": 3.0, "z1[1,2]": 0.0})
    assert training.hash() == before
    training.run(steps=20)
    assert np.array_equal(decoded(walk.quantity("w1")["values"]), w1)
    assert walk.nudge("w1[0,0]")["value"] == w1[0, 0]


def test_experiments_do_not_disturb_each_other(moons) -> None:
    _, samples, training = moons
    walk = walk_of(training, samples)
    first = walk.nudge("w1[2,1]")
    walk.cost_with({"w1[2,1]": 9.0, "x[0,0]": 4.0, "a1[0,0]": 1.0})
    walk.nudge("a2[0,3]")
    assert walk.nudge("w1[2,1]") == first and first["difference"] < 1e-7
    assert walk.cost_with({})["cost"] == walk.message()["before"]


@pytest.mark.parametrize("stage", ["forward.2", "bp2.1.arrives", "bp2.1.gate", "bp3.1", "bp4.1", "bp1", "bp1.full"])
def test_spelled_shares_add_up_to_the_shown_number(moons, stage) -> None:
    _, samples, training = moons
    walk = walk_of(training, samples)
    result = list(cells(walk, stage).values())[-1]
    for row, column in np.ndindex(result.shape):
        spelled = walk.spell(stage, row, column)
        products = [term["product"] for term in spelled["terms"]]
        assert [abs(one) >= abs(two) for one, two in pairwise(products)].count(False) == 0
        assert all(term["product"] == term["left_value"] * term["right_value"] for term in spelled["terms"])
        divisor = 10 if stage.startswith(("bp3", "bp4")) else 1
        assert sum(products) / divisor == pytest.approx(result[row, column], rel=1e-12, abs=1e-16)
        assert spelled["sum"] == result[row, column]


def test_shares_are_called_by_the_names_of_their_numbers(moons) -> None:
    network, samples, training = moons
    walk = walk_of(training, samples)
    spelled = walk.spell("bp2.1.arrives", 2, 4)
    assert [(term["left"], term["right"]) for term in spelled["terms"]] == [("W2[0, 2]", "δ2[0, 4]")]
    assert spelled["terms"][0]["left_value"] == network.weights[1][0, 2]
    assert spelled["name"] == "∂c/∂a1[2, 4]" and spelled["text"].startswith("∂c/∂a1[2, 4] = ")
    gradient = walk.spell("bp4.1", 1, 0, sample=3)
    assert [(term["left"], term["right"]) for term in gradient["terms"]] == [("δ1[1, 3]", "a0[0, 3]")]
    assert gradient["sum"] == gradient["terms"][0]["product"]
    bias = [term for term in walk.spell("forward.1", 0, 0)["terms"] if term["left"] == "b1[0, 0]"]
    assert bias[0]["product"] == network.biases[0][0, 0]


def test_a_long_sum_lists_its_largest_shares() -> None:
    rng = np.random.default_rng(0)
    samples = two_classes()
    samples = type(samples)("wide", rng.normal(size=(20, 300)), samples.y[:20], np.zeros(20, bool), ("x",) * 300)
    network = NeuralNetwork([300, 2, 1], dtype="float64", seed=0)
    walk = walk_of(run_of(network, samples), samples)
    spelled = walk.spell("forward.1", 1, 0)
    listed = sum(term["product"] for term in spelled["terms"])
    assert (len(spelled["terms"]), spelled["more"]) == (100, 201)  # 300 products and the bias
    assert listed + spelled["rest"] == pytest.approx(spelled["sum"])
    assert "… (295 smaller)" in spelled["text"]


@pytest.mark.parametrize(
    ("stage", "row", "message"), [("bp9", 0, "no stage"), ("cost", 0, "no sum"), ("bp1", 5, "no row 5")]
)
def test_what_cannot_be_spelled_says_why(moons, stage, row, message) -> None:
    _, samples, training = moons
    with pytest.raises(ParameterError, match=message):
        walk_of(training, samples).spell(stage, row, 0)


def test_the_mean_table_is_the_mean_of_the_samples_tables(moons) -> None:
    _, samples, training = moons
    walk = walk_of(training, samples)
    for name in ("dw1", "db1", "dw2"):
        tables = walk.per_sample(name)
        values, mean = decoded(tables["values"]), decoded(tables["mean"])
        assert len(values) == 10 and values.std(axis=0).all()
        assert values.mean(axis=0) == pytest.approx(mean, rel=1e-10)
        assert np.array_equal(mean, walk.trace[name])


def test_softmax_has_a_jacobian_and_no_elementwise_product() -> None:
    samples = three_classes()
    network = NeuralNetwork([4, 5, 3], ["tanh", "softmax"], "categorical_cross_entropy", dtype="float64", seed=1)
    walk = walk_of(run_of(network, samples), samples)
    stages = {stage["key"]: stage for stage in walk.message()["stages"]}
    assert "bp1.full" not in stages and "delta2" in cells(walk, "bp1")
    shortcut, long_way = stages["bp1"], stages["bp1.jacobian"]
    assert all("⊙" not in json.dumps(stage, ensure_ascii=False) for stage in (shortcut, long_way))
    named = cells(walk, "bp1.jacobian")
    a = walk.trace["a2"][:, 0]
    assert named["jacobian2"] == pytest.approx(np.diag(a) - np.outer(a, a))
    delta = named["jacobian2"] @ named["da2"]
    assert delta == pytest.approx(walk.trace["a2"][:, :1] - walk.trace["y"][:, :1])
    assert long_way["product"] and walk.spell("bp1.jacobian", 0, 0)["sum"] == pytest.approx(delta[0, 0])


def test_softmax_without_its_cost_has_the_jacobian_as_bp1() -> None:
    samples = three_classes()
    y = np.eye(3)[samples.y]
    samples = type(samples)("shares", samples.x, y, samples.held_out, samples.inputs)
    network = NeuralNetwork([4, 5, 3], ["tanh", "softmax"], "quadratic", dtype="float64", seed=1)
    walk = walk_of(run_of(network, samples), samples)
    named = cells(walk, "bp1")
    assert set(named) == {"jacobian2", "da2", "delta2"}
    assert named["jacobian2"] @ named["da2"] == pytest.approx(named["delta2"])
    assert walk.nudge("z2[1,0]")["difference"] < 1e-6


def test_a_kink_within_the_step_is_named_instead_of_called_wrong() -> None:
    network, one, _ = lesson_run()
    relu = NeuralNetwork([2, 2, 1], ["relu", "sigmoid"], dtype="float64", seed=0)
    relu.parameters.vector[:] = network.parameters.vector
    relu.biases[0] = [[-0.5 + 1e-4], [2]]  # z1[0] is 1e-4
    walk = walk_of(run_of(relu, one, batch_size=1), one)
    crossing, beside = walk.nudge("w1[0,0]", 1e-3), walk.nudge("w1[0,0]", 1e-6)
    assert crossing["kink"] and "neuron 0 of layer 1 (s0) passes z = 0, where relu bends" in crossing["sentence"]
    assert "wrong" not in crossing["sentence"] and crossing["difference"] > 0.1
    assert not beside["kink"] and beside["difference"] < 1e-6
    assert not walk.nudge("w1[1,0]", 1e-3)["kink"]  # the other neuron stays on its side


def test_a_kink_of_the_cost_is_named() -> None:
    samples = curve()
    network = NeuralNetwork([1, 2, 1], ["tanh", "linear"], "absolute", dtype="float64", seed=0)
    experiment = Experiment(network.model, (samples.x.T, network.predict(samples.x.T) + 1e-4, None))
    assert "output 0 (sample" in experiment.nudge("b2[0]", 1e-3).kink
    assert experiment.nudge("b2[0]", 1e-5).kink == ""


def test_all_gradients_agree_and_a_planted_fault_does_not(moons) -> None:
    network, samples, training = moons
    walk = walk_of(training, samples)
    check = walk.check_gradient()
    assert check["checked"] == network.model.parameters.count == 13 and check["largest"] < 1e-6
    assert check["sentence"].startswith("13 gradients were measured by experiment, 26 forward passes against 1 back")
    assert "agree" in check["sentence"]

    class Wrong(Experiment):
        def nudge(self, quantity, step=None):
            nudge = super().nudge(quantity, step)
            return nudge._replace(derivative=-nudge.derivative) if quantity == "w1[1,0]" else nudge

    wrong = check_gradients(Wrong(network.model, walk.data))
    assert wrong.wrong == 1 and wrong.worst.quantity == "W1[1, 0]" and "1 does not agree" in wrong.sentence


def test_gradients_of_a_large_network_are_checked_in_part() -> None:
    samples = two_classes()
    network = NeuralNetwork([2, 900, 1], dtype="float64", seed=0)
    check = check_gradients(Experiment(network.model, (samples.x[:2].T, samples.y[:2].T, None)), seconds=0.2)
    assert 1 <= check.checked < check.parameters == 3601
    assert f"of {check.parameters:,} (evenly spread)" in check.sentence


def test_a_kink_and_what_is_too_small_are_counted_apart() -> None:
    network, one, _ = lesson_run()
    relu = NeuralNetwork([2, 2, 1], ["relu", "sigmoid"], dtype="float64", seed=0)
    relu.parameters.vector[:] = network.parameters.vector
    relu.biases[0] = [[-0.5], [-9]]  # one neuron at its kink, one that is dead
    check = check_gradients(Experiment(relu.model, (one.x.T, one.y.T, None)))
    assert check.kinks == 2 and check.small >= 3 and check.wrong == 0  # w1[0,0] and b1[0]; the second x is 0


def test_dropout_of_the_very_step_is_walked_and_nudged() -> None:
    samples = two_classes()
    network = NeuralNetwork(
        [2, 6, Dropout(0.5), 1], ["tanh", "sigmoid"], "binary_cross_entropy", dtype="float64", seed=3
    )
    training = run_of(network, samples)
    training.run(steps=5)
    walk = walk_of(training, samples)
    after = cells(walk, "update.w2")["after_w2"]
    assert walk.nudge("w1[0,0]")["cost"] == walk.message()["before"]
    assert walk.nudge("w1[0,0]")["difference"] < 1e-6
    training.run(steps=1)
    assert np.array_equal(after, network.weights[1])


def test_float32_is_walked_in_float32() -> None:
    samples = two_classes()
    network = NeuralNetwork([2, 3, 1], dtype="float32", seed=3)
    training = run_of(network, samples)
    walk = walk_of(training, samples)
    after = cells(walk, "update.w1")["after_w1"]
    training.run(steps=1)
    assert np.array_equal(after.astype(np.float32), network.weights[0])
    assert walk.nudge("w1[0,0]")["difference"] < 1e-7  # an experiment needs float64


@pytest.mark.parametrize("size", [1e160, 1e307])
def test_numbers_beyond_all_bounds_still_make_messages(size) -> None:
    network, one, training = lesson_run()
    network.parameters.vector[:] *= size
    walk = walk_of(training, one)
    message = json.loads(json_text(walk.message()))
    assert decoded(message["quantities"]["w1"])[0, 0] == 0.5 * size
    for stage in ("forward.1", "bp2.1.arrives", "bp4.1"):
        json_text(walk.spell(stage, 0, 0))
    json_text(walk.check_gradient())
    json_text(walk.per_sample("dw1"))


def test_a_step_that_a_number_has_no_digits_for_is_refused(lesson) -> None:
    network, walk = lesson
    message = r"step 1e-30 is too small for W1\[0, 0\] = 0.5: adding it changes nothing"
    with pytest.raises(ParameterError, match=message):
        walk.nudge("w1[0,0]", 1e-30)
    network.weights[0] = network.weights[0] * 1e9
    assert network.nudge([[1.0], [0.0]], [[1.0]], "b2[0]").difference < 1e-6


def test_a_run_that_has_ended_takes_no_next_step(moons) -> None:
    _, _, training = moons
    training.counters.epoch = training.recipe.epochs
    with pytest.raises(ParameterError, match="has ended"):
        NextStep.of(training)


def test_large_layers_are_cut_to_the_drawn_units() -> None:
    samples = two_classes()
    network = NeuralNetwork([2, 60, 1], dtype="float64", seed=2)
    training = run_of(network, samples)
    walk = walk_of(training, samples)
    units, message = walk.drawn.units[1], walk.message()
    assert decoded(message["quantities"]["delta1"]).shape == (24, 10)
    assert np.array_equal(cells(walk, "bp2.1.arrives")["w2"], network.weights[1].T[units])
    assert decoded(walk.quantity("delta1")["values"]).shape == (60, 10)
    assert walk.spell("bp2.1.gate", 23, 4)["sum"] == walk.trace["delta1"][units[23], 4]
    assert walk.spell("bp4.2", 0, 7)["sum"] == walk.trace["dw2"][0, units[7]]
    right = walk.trace["delta1"][units].ravel().tolist()
    assert walk.answer("delta1", right)["right"]


def test_formulas_are_well_formed_and_name_their_parts(moons) -> None:
    _, samples, training = moons
    for stage in walk_of(training, samples).message()["stages"]:
        root = ElementTree.fromstring(f"<all>{stage['mathml']}</all>")
        parts = {element.attrib["data-part"] for element in root.iter() if "data-part" in element.attrib}
        quantities = {term["quantity"] for term in stage["terms"] if isinstance(term, dict)}
        lit = {part for part in parts if not part.startswith(("b1", "b2")) or part in quantities}
        assert lit & quantities or stage["key"] == "cost", stage["key"]
        text = "".join(root.itertext())
        for symbol in re.findall(r"[δz]\d", stage["formula"]):
            assert symbol in text, (stage["formula"], text)


def test_mathml_of_a_formula() -> None:
    known = {"W2": "w2", "δ2": "delta2", "∂c/∂a1": "da1"}
    root = ElementTree.fromstring(mathml("∂c/∂a1 = W2ᵀ·δ2 + sqrt(x)² / ½", known))
    tags = [element.tag for element in root.iter()]
    assert tags.count("mfrac") == 2 and tags.count("msup") == 2 and tags.count("msqrt") == 1
    parts = [element.attrib["data-part"] for element in root.iter() if "data-part" in element.attrib]
    assert parts == ["da1", "w2", "delta2"]


def test_text_in_a_formula_is_shown_as_text() -> None:
    assert "<script" not in mathml("a1 = <script>(z1)", {"z1": "z1"})


def test_a_walk_can_be_written_as_json(moons) -> None:
    _, samples, training = moons
    walk = walk_of(training, samples)
    message = json.loads(json_text(walk.message()))
    assert message["stages"][0]["key"] == "batch" and "0" not in message["verdict"][:3]
    assert all(isinstance(json.loads(json_text(walk.nudge("b1[1]", sweep=True)))["sweep"], list) for _ in range(1))


def test_the_explanation_says_which_step_it_is(moons) -> None:
    _, _, training = moons
    explanation = explain_next_step(training, NextStep.of(training))
    assert explanation.about.startswith("Step 8 of the run (epoch 3): adam at rate 0.05 on 10 samples, computed in")
    assert "after this step." in explanation.stages[-1].sentence


def test_a_kink_of_an_embedding_is_no_wrong_gradient() -> None:
    layers = [2, PiecewiseLinear(bins=4), 3, 1]
    network = NeuralNetwork(layers, ["tanh", "sigmoid"], dtype="float64", seed=0)
    x = np.linspace(-1.5, 1.5, 24).reshape(2, 12)
    x[0, 0] = -1  # where one bin of [-2, 2] ends and the next begins
    check = check_gradients(Experiment(network.model, (x, np.tile([0.0, 1.0], 6)[np.newaxis], None)))
    assert check.wrong == 0 and check.kinks > 0 and check.largest < 1e-6, check.sentence


def test_targets_are_smoothed_once_and_their_gradients_agree_in_float64() -> None:
    samples = three_classes()
    network = NeuralNetwork([4, 5, 3], ["tanh", "softmax"], CategoricalCrossEntropy(label_smoothing=0.1), seed=0)
    labels = samples.y
    sources = checked_sources(network.model.architecture, np.float32, samples.x.T, labels)
    checked = replace(samples, x=sources.x, y=sources.y)
    walk = walk_of(run_of(network, checked), checked)
    batch = walk.message()["samples"]
    assert walk.message()["before"] == pytest.approx(network.cost(samples.x[batch].T, labels[batch]), rel=1e-6)
    nudge = walk.nudge("w1[0,0]")
    assert nudge["cost"] == pytest.approx(walk.message()["before"], rel=1e-6)
    check = check_gradients(Experiment(network.model, walk.data))
    assert check.wrong == 0 and check.largest < 1e-7, check.sentence
