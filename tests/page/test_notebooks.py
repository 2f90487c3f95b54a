"""`net.play()` in JupyterLab and in marimo: it is drawn, trains and pauses; in JupyterLab while another cell runs.

marimo hands no message of the page to its kernel before the cell that runs has ended.

Both are large, so they are not among the requirements of the tests: pip install jupyterlab marimo
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

from .reading import step_of

pytestmark = [pytest.mark.browser, pytest.mark.soak]
START = 90_000  # ms
OURS = re.compile(r"widget|glassnet|svelte|blob:", re.IGNORECASE)
NETWORK = """
import numpy as np, time, glassnet
x = np.random.default_rng(0).normal(size=(2, 200))
y = (x[:1] * x[1:] > 0).astype(float)
net = glassnet.NeuralNetwork([2, 6, 1], ["tanh", "sigmoid"], "binary_cross_entropy", seed=0)
"""
BUSY = "import pathlib\nwhile not pathlib.Path('stop').exists(): time.sleep(0.05)\nprint('cell', 'done')"
MARIMO = """
import marimo
app = marimo.App(width="full")

@app.cell
def _():{network}
    return net, time, x, y

@app.cell
def _(net, x, y):
    widget = net.play(x, y, batch_size=10, lr=0.2)
    widget
    return (widget,)

@app.cell
def _(time, widget):
    {busy}
    return
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(folder: Path, port: int, *arguments: str) -> Iterator[None]:
    """A program that listens on a port; its settings are in a folder of its own."""
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_WORKSPACES_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
    environment = os.environ | {name: str(folder / "own") for name in names}
    with (folder / "log").open("w") as log:
        command = [sys.executable, "-m", *arguments]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=folder)
        try:
            wait_for_port(port)
            yield
        finally:
            process.terminate()
            process.wait(30)


def wait_for_port(port: int) -> None:
    end = time.monotonic() + START / 1000
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.2)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that fails the test when the widget logs an error."""
    shown = browser.new_page(viewport={"width": 1440, "height": 1000})
    errors: list[str] = []
    shown.on(
        "console",
        lambda message: errors.append(f"{message.text} {message.location}") if message.type == "error" else None,
    )
    shown.on("pageerror", lambda error: errors.append(f"{error} {error.stack}"))
    yield shown
    shown.close()
    assert not [text for text in errors if OURS.search(text)]


def assert_drawn(page: Any) -> None:
    page.locator(".edges line").first.wait_for(state="attached", timeout=START)
    assert page.locator("[data-neuron]").count() == 9


def assert_trains_and_pauses(page: Any) -> None:
    play = page.get_by_test_id("play")
    t, end = step_of(page), time.monotonic() + 60
    while step_of(page) < t + 50 and time.monotonic() < end:
        page.wait_for_timeout(100)
    assert step_of(page) >= t + 50
    play.click()
    play.filter(has_text="Play").wait_for(timeout=60_000)
    t = step_of(page)
    page.wait_for_timeout(700)
    assert step_of(page) == t


def test_jupyterlab(page: Any, tmp_path: Path) -> None:
    pytest.importorskip("jupyterlab")
    cells = map(nbformat.v4.new_code_cell, (NETWORK + "net.play(x, y, batch_size=10, lr=0.2)", BUSY))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernel})
    nbformat.write(notebook, tmp_path / "play.ipynb")
    port = free_port()
    options = [f"--ServerApp.port={port}", "--IdentityProvider.token=t", "--LabApp.news_url=None"]
    with running(tmp_path, port, "jupyterlab", "--no-browser", "--allow-root", *options):
        page.goto(f"http://127.0.0.1:{port}/lab/tree/play.ipynb?token=t")
        page.get_by_text("| Idle").wait_for(timeout=START)
        page.wait_for_timeout(1000)
        editors = page.locator(".jp-CodeCell .cm-content")
        editors.nth(0).click()
        page.keyboard.press("Shift+Enter")
        assert_drawn(page)
        page.get_by_test_id("play").click()
        editors.nth(1).click()
        page.keyboard.press("Shift+Enter")
        page.get_by_text("| Busy").wait_for()
        assert_trains_and_pauses(page)
        assert page.get_by_text("cell done").count() == 0  # it still runs
        (tmp_path / "stop").touch()
        page.get_by_text("cell done").wait_for(timeout=START)


def test_marimo(page: Any, tmp_path: Path) -> None:
    pytest.importorskip("marimo")
    source = MARIMO.format(network=NETWORK.replace("\n", "\n    "), busy="time.sleep(3)")
    (tmp_path / "play.py").write_text(source)
    port = free_port()
    with running(tmp_path, port, "marimo", "-q", "run", "--headless", "--no-token", f"--port={port}", "play.py"):
        page.goto(f"http://127.0.0.1:{port}/")
        assert_drawn(page)
        page.get_by_test_id("play").click()
        assert_trains_and_pauses(page)
