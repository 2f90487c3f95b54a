"""`net.play()`: the widget of a notebook answers as a page's socket does, and trains a copy of the network."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import numpy as np
import pytest

import glassnet
from glassnet.play import built_page

from .play_page import Page

RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 60))
Y = (X[:1] * X[1:2] > 0).astype(float)


def network(**settings: Any) -> glassnet.NeuralNetwork:
    arguments: dict[str, Any] = {"cost": "binary_cross_entropy", "seed": 3} | settings
    return glassnet.NeuralNetwork([3, 6, 1], ["tanh", "sigmoid"], **arguments)


class FrontEnd(Page):
    """What the JavaScript of the widget does, by the comm's own messages."""

    def __init__(self, widget: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        import json

        monkeypatch.setattr(type(widget), "send", lambda _, content, buffers=None: self.take(json.dumps(content)))
        self.widget = widget

    def put(self, message: Any) -> None:
        threading.Thread(target=self.widget._handle_custom_msg, args=(message, [])).start()

    def wait_for_acknowledgements(self) -> None:
        session, end = self.widget.session, time.monotonic() + 10
        while session._acknowledged < session.number and time.monotonic() < end:
            time.sleep(0.01)


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("widget.js", "widget.css"):
        (tmp_path / name).write_text("export default {}" if name.endswith("js") else "")
    monkeypatch.setenv(built_page.STATIC_FOLDER, str(tmp_path))
    return tmp_path


@pytest.fixture
def front_end(static: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    net = network()
    widget = net.play(X, Y, batch_size=7, lr=0.2, optimizer="momentum", validation=0.25)
    page = FrontEnd(widget, monkeypatch)
    page.net = net  # type: ignore[attr-defined]
    page.put({"id": 0, "do": "hello"})
    page.frame(0)
    yield page
    widget.session.close()


def test_a_widget_says_hello_and_trains_a_copy(front_end: Any) -> None:
    page = front_end
    assert [message["type"] for message in page.messages[:2]] == ["hello", "run"]
    assert page.run["setup"] | {"shape": [3, 6, 1], "batch": 7, "lr": 0.2, "opt": "momentum"} == page.run["setup"]
    assert page.run["link"] == ""
    assert (page.run["data"]["train"], page.run["data"]["test"]) == (45, 15)
    before = page.net.parameters.vector.copy()
    page.ask("step", count=30)
    frame = page.frame(30)
    assert np.array_equal(page.net.parameters.vector, before)
    run = page.widget.session.run
    trained = run.samples.part(run.samples.trained)
    plain = page.net.astype("float64")
    plain.train(trained.x.T, trained.y.T, 7, epochs=10, lr=0.2, optimizer="momentum", verbose=0)
    page.ask("go", t=plain.history[-1].step)
    page.frame(plain.history[-1].step)
    assert np.array_equal(page.widget.network.parameters.vector, plain.parameters.vector)
    page.ask("go", t=30)
    again = page.wait_for(
        lambda message: message["type"] == "frame" and message["t"] == 30 and message["number"] > frame["number"]
    )
    assert again["hash"] == frame["hash"]


def test_it_trains_while_this_thread_works(front_end: Any) -> None:
    page = front_end
    page.ask("play", speed=0)
    end = time.monotonic() + 60
    while page.widget.session.t <= 50 and time.monotonic() < end:  # a cell that runs
        sum(range(1000))
    page.ask("pause")
    assert page.ask("step", count=1)["t"] > 50


def test_a_view_that_comes_back_gets_all_again(front_end: Any) -> None:
    page = front_end
    page.ask("step", count=5)
    page.reads = False
    page.ask("play", speed=50)
    time.sleep(0.5)
    page.ask("pause")
    page.reads = True
    seen = len(page.messages)
    page.put({"id": 0, "do": "hello"})
    page.wait_for(lambda message: message["type"] == "frame" and message in page.messages[seen:] and message["t"] > 5)
    assert "hello" in [message["type"] for message in page.messages[seen:]]
    costs = [message["costs"] for message in page.messages[seen:] if message["type"] == "frame"]
    assert (0, [page.widget.session.run.t]) in [(each["from"], each["train"]["shape"]) for each in costs]


def test_settings_change_and_the_start_stays(front_end: Any) -> None:
    page = front_end
    start = page.frame(0)["quantities"]["w1"]
    page.ask("step", count=4)
    page.ask("restart", new_start=False)
    page.wait_for(lambda message: message is page.messages[-1] and message["type"] == "frame" and message["t"] == 0)
    assert page.of("frame")[-1]["quantities"]["w1"] == start
    page.ask("setup", set={"shape": [3, 4, 1]})
    assert page.run["layers"][1]["units"] == 4
    assert "network.train" in page.ask("program")["code"]


def test_the_samples_of_the_last_training_serve(static: Path) -> None:
    net = network()
    with pytest.raises(glassnet.ParameterError, match="has not been trained yet"):
        net.play()
    net.train(X, Y, epochs=1)
    widget = net.play()
    assert widget.session.run.samples.x.shape == (60, 3)
    widget.close()


def test_what_the_page_does_not_have_is_refused(static: Path) -> None:
    with pytest.raises(glassnet.ParameterError, match="up to 30 layers"):
        glassnet.NeuralNetwork([3, *[2] * 30, 1]).play(X, Y)
    with pytest.raises(ValueError, match="this network has 3 inputs"):
        network().play(X[:2], Y)
    with pytest.raises(glassnet.ParameterError, match="lr is 0"):
        network().play(X, Y, lr=0)


def test_missing_parts_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(built_page.STATIC_FOLDER, str(tmp_path))
    with pytest.raises(glassnet.ParameterError, match=r"widget\.js, widget\.css missing"):
        network().play(X, Y)
    monkeypatch.setattr("glassnet.play.widget.find_spec", lambda name: None)
    with pytest.raises(glassnet.ParameterError, match=r'pip install "glassnet\[notebook\]"'):
        network().play(X, Y)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
def test_a_kernel_shows_the_widget_and_trains_while_a_cell_runs() -> None:
    cells = [
        "import time, numpy as np, glassnet\n"
        "x = np.random.default_rng(0).normal(size=(2, 50)); y = (x[:1] > 0) * 1.0\n"
        "net = glassnet.NeuralNetwork([2, 3, 1], seed=0, engine='numpy')\n"
        "widget = net.play(x, y)\n"
        "widget",
        "widget.session.receive({'id': 1, 'do': 'play', 'speed': 100})\n"
        "time.sleep(1.5)\n"
        "step = widget.session.run.t\n"
        "widget.close()\n"
        "print(step > 20, np.array_equal(widget.network.weights[0], net.weights[0]))",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = notebook.cells[0].outputs[-1]["data"]
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert notebook.cells[1].outputs[-1]["text"] == "True False\n"


def test_it_sends_in_the_context_of_the_last_message(front_end: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By that context ipykernel has the next message handled while a cell runs."""
    page, shell, shells = front_end, ContextVar("shell", default="main"), list[str]()
    monkeypatch.setattr(type(page.widget), "send", lambda _, content, buffers=None: shells.append(shell.get()))

    def from_subshell() -> None:
        shell.set("subshell")
        page.widget._handle_custom_msg({"id": 7, "do": "step", "count": 3}, [])

    page.wait_for_acknowledgements()  # they come from threads of their own, in another context
    threading.Thread(target=from_subshell).start()
    end = time.monotonic() + 10
    while shells.count("subshell") < 2 and time.monotonic() < end:
        time.sleep(0.01)
    assert shells[-2:] == ["subshell"] * 2  # a reply and a frame, both by the session's thread
