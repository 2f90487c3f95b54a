"""The lessons of the page: their links open without a note, their stages exist, and what their cards say is true."""

from __future__ import annotations

import json
import re
import warnings
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette")

from glassnet import from_link
from glassnet.errors import DivergedError

FILE = files("glassnet.play").joinpath("lessons.json")
LESSONS = {lesson["key"]: lesson for lesson in json.loads(FILE.read_text("utf-8"))}
KINDS = {"stage", "nudge", "step", "set", "select", "cost_below", "answer", "diverged", "compare"}
VIEWS = {"start", "watch", "step", "inspect", "compare", "data", "digits", "export"}


def opened(key: str, **settings: str) -> Any:
    link = "#" + LESSONS[key]["link"]
    for name, value in settings.items():
        link = re.sub(rf"(?<=[#&]){name}=[^&]*", f"{name}={value}", link)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return from_link(link)


def number(run: Any, name: str, row: int = 0, column: int = 0) -> float:
    return float(np.atleast_2d(run.network.trace(run.x, run.y)[name])[row, column])


def cost(run: Any) -> float:
    return float(np.ravel(run.network.trace(run.x, run.y)["C"])[0])


def stages_of(layers: int) -> set[str]:
    """The keys of the stages that every walk of a network with so many layers has."""
    keys = {"batch", "cost", "bp1"}
    for layer in range(1, layers + 1):
        keys |= {f"forward.{layer}", f"forward.{layer}.a", f"bp3.{layer}", f"bp4.{layer}", f"update.w{layer}"}
        keys |= {f"bp2.{layer}.arrives", f"bp2.{layer}.gate"} if layer < layers else set()
    return keys


def test_there_are_nine_lessons_in_order():
    assert [lesson["number"] for lesson in LESSONS.values()] == list(range(1, 10))
    assert all(4 <= len(lesson["cards"]) <= 7 for lesson in LESSONS.values())


@pytest.mark.parametrize("key", LESSONS)
def test_a_link_opens_as_it_is_written(key):
    run = opened(key)
    assert not run.notes
    assert f"lesson={key}" in LESSONS[key]["link"]
    assert run.step == 0


@pytest.mark.parametrize("key", LESSONS)
def test_every_card_has_a_check_that_the_page_can_verify(key):
    known = stages_of(len(opened(key).network.weights))
    for card in LESSONS[key]["cards"]:
        check = card["check"]
        assert check["kind"] in KINDS and check["hint"].endswith(".")
        assert card.get("view", "watch") in VIEWS
        assert card.get("stage", "cost") in known
        if check["kind"] == "stage":
            assert check["value"] in known


def test_one_neuron_by_hand():
    run = opened("neuron")
    assert number(run, "z1") == 0.6
    assert f"{number(run, 'a1'):.4f}" == "0.6457"
    assert f"{cost(run):.4g}" == "0.06278"
    assert f"{number(run, 'delta1'):.4g}" == "-0.08107"
    run.go(1)
    assert f"{run.network.weights[0][0, 0]:.4f}" == "0.5405"
    assert run.network.weights[0][0, 1] == -0.4
    run.go(200)
    assert cost(run) < 0.005


def test_what_delta_is_and_how_it_is_shared():
    run = opened("sharing")
    assert f"{number(run, 'delta2'):.4f}" == "-0.1458"
    assert f"{number(run, 'delta1', 0):.4g}" == "-0.02668"
    assert f"{number(run, 'delta1', 1):.4g}" == "0.001163"
    shares = run.network.weights[1].T * number(run, "delta2")
    assert [f"{share:.4f}" for share in shares.ravel()] == ["-0.1166", "0.1749"]
    before = cost(run)
    run.go(1)
    assert f"{cost(run) - before:.6f}" == "-0.005237"
    far = opened("sharing", lr="5")
    far.go(1)
    assert f"{cost(far) - before:.4f}" == "-0.1690"


def test_the_saturated_neuron_creeps_and_cross_entropy_does_not():
    run = opened("saturation")
    assert f"{number(run, 'a1'):.4g}" == "0.009952"
    assert f"{number(run, 'delta1'):.4g}" == "-0.009755"
    assert f"{cost(run):.4f}" == "0.4901"
    run.go(20)
    assert f"{cost(run):.4f}" == "0.4878"
    run.go(50)
    assert f"{number(run, 'a1'):.3f}" == "0.019"
    entropy = opened("saturation", cost="binary_cross_entropy")
    assert f"{number(entropy, 'delta1'):.4f}" == "-0.9900"
    entropy.go(50)
    assert f"{number(entropy, 'a1'):.3f}" == "0.978"


def test_vanishing_gradients_and_their_cure():
    run = opened("vanishing")
    sizes = [np.sqrt(np.mean(run.network.trace(run.x, run.y)[f"delta{layer}"] ** 2)) for layer in (1, 11)]
    assert sizes[0] / sizes[1] < 1e-6
    run.go(200)
    assert 0.68 < cost(run) < 0.71
    relu = opened("vanishing", act="-".join(["relu"] * 10 + ["sigmoid"]))
    trace = relu.network.trace(relu.x, relu.y)
    assert np.sqrt(np.mean(trace["delta1"] ** 2)) > np.sqrt(np.mean(trace["delta11"] ** 2)) / 300
    relu.go(1500)
    assert cost(relu) < 0.3


def test_exploding_gradients_end_in_a_number_too_large():
    run = opened("exploding")
    trace = run.network.trace(run.x, run.y)
    sizes = [np.sqrt(np.mean(trace[f"delta{layer}"] ** 2)) for layer in range(1, 12)]
    assert sizes[0] / sizes[-1] > 500
    with pytest.raises(DivergedError):
        run.go(500)
    calm = opened("exploding", init="he", lr="0.01")
    calm.go(3000)
    assert cost(calm) < 0.05


def test_twins_stay_twins_until_chance_tells_them_apart():
    run = opened("twins")
    assert not np.any(run.network.trace(run.x, run.y)["delta1"])
    run.go(10)
    delta = run.network.trace(run.x, run.y)["delta1"]
    assert np.any(delta)
    assert np.array_equal(delta[0], delta[1]) and np.array_equal(delta[1], delta[2])
    drawn = opened("twins", init="auto")
    drawn.go(10)
    delta = drawn.network.trace(drawn.x, drawn.y)["delta1"]
    assert not np.array_equal(delta[0], delta[1])


def test_rates_too_small_good_and_too_large():
    costs = {}
    for lr in ("0.001", "0.5"):
        run = opened("rate", lr=lr)
        start = cost(run)
        run.go(200)
        costs[lr] = cost(run) / start
    assert costs["0.001"] > 0.7 > 0.4 > costs["0.5"]
    with pytest.raises(DivergedError):
        opened("rate", lr="100").go(1000)


def test_one_backward_pass_serves_105_parameters():
    network = opened("backward").network
    assert sum(w.size + b.size for w, b in zip(network.weights, network.biases, strict=True)) == 105
