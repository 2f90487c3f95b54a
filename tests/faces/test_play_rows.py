"""What stands behind a number of the page: the samples of a cell of the confusion matrix, and δ back to the inputs."""

from __future__ import annotations

import numpy as np
import pytest

import glassnet
from glassnet.frames.encoding import decoded
from glassnet.frames.input_gradient import input_gradient
from glassnet.frames.samples import Samples
from glassnet.frames.scores import cell_samples

from .play_page import session_page

RNG = np.random.default_rng(2)


def test_the_samples_of_all_cells_are_those_that_the_matrix_counts() -> None:
    with session_page("#v=1&data=clusters&test=0.3&n=300&lr=0.01") as page:
        page.ask("step", count=15)
        frame, run = page.frame(15), page.session.run
        counts = decoded(frame["scores"]["confusion"]).astype(int)
        found = []
        for true in range(3):
            for predicted in range(3):
                cell = page.ask("cell", true=true, predicted=predicted)
                assert (cell["t"], cell["count"]) == (15, counts[true, predicted])
                assert len(cell["samples"]) == len(cell["numbers"]) == cell["count"]
                outputs = decoded(cell["outputs"]).reshape(-1, 3)
                assert (outputs.argmax(axis=1) == predicted).all()
                assert (np.diff(outputs[:, predicted]) <= 0).all()  # the most certain first
                assert (run.samples.labels(cell["numbers"]) == true).all()
                x = decoded(cell["x"]).reshape(-1, 2)
                assert np.array_equal(x, decoded(page.run["data"]["x"])[cell["samples"]])
                found += cell["numbers"]
        assert sorted(found) == np.flatnonzero(run.samples.held_out).tolist()
        page.ask("step", count=40)
        assert page.ask("cell", t=15, true=0, predicted=0)["count"] == counts[0, 0]
        assert "true is 3" in page.error("cell", true=3, predicted=0)
        assert "has not been reached" in page.error("cell", t=99, true=0, predicted=0)


def test_numbers_have_no_cells() -> None:
    with session_page("#v=1&data=curve") as page:
        assert "predicts numbers" in page.error("cell", true=0, predicted=0)


def test_the_rows_behind_a_cell_are_bounded_and_may_be_unlisted() -> None:
    x, y = RNG.normal(size=(300, 2)), np.zeros((300, 1))
    samples = Samples("x", x, y, np.zeros(300, bool), ("a", "b"), classes=("no", "yes"), max_listed=30)
    cell = cell_samples(samples, np.arange(300), RNG.uniform(0, 0.4, (300, 1)), (0, 0))
    assert (cell["count"], len(cell["numbers"]), cell["x"]["shape"]) == (300, 100, [100, 2])
    listed = dict(zip(cell["numbers"], cell["samples"], strict=True))
    assert {place for place in listed.values() if place >= 0}
    assert all((place < 0) == (number not in samples.listed) for number, place in listed.items())
    assert all(samples.listed[place] == number for number, place in listed.items() if place >= 0)


LAYERS = {
    "dense": [3, 5, 1],
    "batch norm": [3, 5, glassnet.BatchNorm(before_activation=True), 4, 1],
    "waves": [3, glassnet.PeriodicEmbedding([1]), 4, 1],
}


@pytest.mark.parametrize("case", LAYERS)
def test_the_gradient_of_the_inputs_is_the_slope_of_the_cost(case: str) -> None:
    network = glassnet.NeuralNetwork(LAYERS[case], dtype="float64", seed=3, engine="numpy")
    x, y = RNG.normal(size=(6, 3)), RNG.uniform(size=(6, 1))
    samples = Samples("x", x, y, np.zeros(6, bool), ("a", "b", "c"), outputs=("y",))
    message = input_gradient(network.model, samples, 4)
    slopes = []
    for place in range(3):
        step = np.zeros((3, 1))
        step[place] = 1e-6
        ends = [network.cost(x[4:5].T + sign * step, y[4:5].T) for sign in (1, -1)]
        slopes.append((ends[0] - ends[1]) / 2e-6)
    gradient = decoded(message["gradient"])[:, 0]
    assert np.allclose(gradient, slopes, rtol=1e-5, atol=1e-10)
    assert message["c"] == pytest.approx(network.cost(x[4:5].T, y[4:5].T))
    largest = int(np.abs(gradient).argmax())
    direction = "more" if gradient[largest] > 0 else "less"
    assert message["sentence"].startswith(f"Most of the cost hangs on {direction} {'abc'[largest]} (")


def test_codes_have_no_slope() -> None:
    network = glassnet.NeuralNetwork([3, glassnet.Embedding([4], [0]), 4, 1], dtype="float64", engine="numpy")
    samples = Samples("x", np.ones((2, 3)), np.ones((2, 1)), np.zeros(2, bool), ("a", "b", "c"), outputs=("y",))
    message = input_gradient(network.model, samples, 0)
    gradient = decoded(message["gradient"])[:, 0]
    assert np.isnan(gradient[0]) and np.isfinite(gradient[1:]).all()
    assert " a (" not in message["sentence"]


def test_the_page_asks_for_the_gradient_of_the_followed_sample() -> None:
    with session_page("#v=1&data=moons&n=30&test=0.2") as page:
        page.ask("step", count=9)
        page.ask("follow", sample=7)
        message = page.ask("input_gradient")
        assert (message["t"], message["sample"], message["number"]) == (9, 7, 7)
        frame = page.wait_for(lambda message: message["type"] == "frame" and message["sample"] == 7)
        w, delta = (decoded(frame["quantities"][name]) for name in ("w1", "delta1"))
        assert np.allclose(decoded(message["gradient"]), w.T @ delta, rtol=1e-12)
        assert page.ask("input_gradient", t=3, sample=0)["t"] == 3
