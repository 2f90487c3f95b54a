"""In a notebook, run by a real kernel: each plot shows once, a run shows one bar, results show as HTML."""

from __future__ import annotations

import os
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")

SETUP = """
import numpy as np, glassnet
x = np.random.default_rng(0).normal(size=(2, 90))
y = (x[0] > 0).astype(int) + (x[1] > 0)
net = glassnet.NeuralNetwork([2, 5, 3], ["tanh", "softmax"], "categorical_cross_entropy", engine="numpy", seed=0)
history = net.train(x, y, epochs=3, lr=0.1)
images = np.arange(6 * 16.0).reshape(6, 4, 4)
"""
ONE_PICTURE = [
    "glassnet.plot_training(history)",
    "glassnet.plot_layers(history)",
    "glassnet.plot_saturation(history)",
    "glassnet.plot_predictions(net, x, y)",
    "glassnet.plot_weights(net)",
    "glassnet.plot_confusion(net, x, y)",
    "glassnet.plot_network(net, x, y)",
    "glassnet.plot_samples(images, [0, 1, 2, 0, 1, 2], [0, 1, 2, 0, 1, 1])",  # returns a figure, which is displayed too
    "ax = glassnet.plot_training(history); ax.set_title('mine'); None",
    "figure = glassnet.plot_training(history).figure; figure",
    "figure",
]
WITH_PYPLOT = [
    "fig, ax = plt.subplots(); glassnet.plot_training(history, ax=ax)",
    "glassnet.plot_training(history); plt.show()",
    "glassnet.plot_training(history); plt.title('by pyplot'); None",
    *ONE_PICTURE[:1],
    *ONE_PICTURE[7:],
]
HTML = ["history", "net", "net.diagnose()", "net.nudge(x, y, 'w1[2,0]')", "net.explain_step(x[:, :3], y[:3])"]
BARS = [
    "net.train(x, y, batch_size=90, epochs=200, verbose=1); None",
    "net.train(x, y, epochs=10**7, time_limit=1.3); None",
]
SILENT = ["net.train(x, y, epochs=3); None", "net.train(x, y, epochs=3, verbose=0); None"]


def run(cells: list[str], monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """The outputs of each cell, by a kernel whose environment is that of a person."""
    monkeypatch.delenv("MPLBACKEND")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=300, kernel_name="python3", env=dict(os.environ)).execute()
    return [cell.outputs for cell in notebook.cells]


def pictures(outputs: list[Any]) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs)


def streams(outputs: list[list[Any]]) -> list[str]:
    """What was printed, without Matplotlib's complaints about a machine's fonts."""
    printed = [output.text for each in outputs for output in each if output.output_type == "stream"]
    return [text for text in printed if not text.startswith("findfont")]


@pytest.mark.slow
def test_a_notebook_without_pyplot_or_magic(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = (
        "import matplotlib; matplotlib.rc('figure', max_open_warning=3)\nfor _ in range(7): glassnet.plot_weights(net)"
    )
    cells = [SETUP, *ONE_PICTURE, loop, *HTML, *SILENT, *BARS]
    outputs = dict(zip(cells, run(cells, monkeypatch), strict=True))
    assert {cell: pictures(outputs[cell]) for cell in ONE_PICTURE} == dict.fromkeys(ONE_PICTURE, 1)
    assert pictures(outputs[loop]) == 7
    for cell in HTML:
        (result,) = outputs[cell]
        assert result.output_type == "execute_result" and "text/html" in result.data, cell
    for cell in (SETUP, *SILENT):
        assert outputs[cell] == []
    for cell, text in zip(BARS, ("epoch 200/200  cost", "/10000000  cost"), strict=True):
        (bar,) = outputs[cell]
        assert "<progress" in bar.data["text/html"] and text in bar.data["text/plain"], cell
    assert streams(list(outputs.values())) == []


def test_a_notebook_with_pyplot(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ["%matplotlib inline\nimport matplotlib.pyplot as plt", SETUP, *WITH_PYPLOT]
    outputs = run(cells, monkeypatch)[2:]
    assert list(map(pictures, outputs)) == [1] * len(WITH_PYPLOT)
    assert streams(outputs) == []
