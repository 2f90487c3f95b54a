"""Where a figure goes: to pyplot where a person uses it, to nobody else; and pyplot never complains of too many."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg

import glassnet
from glassnet import History, Report
from glassnet.plots.figure import axes_for

HISTORY = History([Report(epoch, epoch, 1 / epoch, 0.1) for epoch in (1, 2, 3)])


@pytest.fixture(autouse=True)
def no_open_figure() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")


def test_pyplot_shows_and_saves_a_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ax = glassnet.plot_training(HISTORY)
    assert plt.get_fignums() == [1] and plt.gcf() is ax.figure and plt.gca() is ax
    plt.title("mine")
    plt.savefig(tmp_path / "cost.png")
    assert ax.get_title() == "mine" and (tmp_path / "cost.png").read_bytes()[:4] == b"\x89PNG"
    shown: list[Any] = []
    monkeypatch.setattr(plt._get_backend_mod(), "show", lambda *arguments, **options: shown.append(plt.get_fignums()))
    plt.show()
    assert shown == [[1]]
    figure, own = plt.subplots()
    assert glassnet.plot_training(HISTORY, ax=own) is own and plt.get_fignums() == [1, figure.number]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_html_of_an_estimator_opens_no_figure() -> None:
    """A notebook would show it once more below the cell."""
    model = glassnet.MLPRegressor(hidden_layer_sizes=2, max_iter=3, random_state=0).fit(
        [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]
    )
    assert "<svg" in model._repr_html_() and plt.get_fignums() == []
    assert model.plot_training().figure is plt.gcf()


def test_a_hundred_plots_leave_few_figures_open() -> None:
    """A warning of pyplot would fail the test. Figures of the person stay."""
    own = [plt.figure(), plt.figure()]
    axes = [axes_for(None, 1, 1) for _ in range(100)]
    assert len(plt.get_fignums()) <= plt.rcParams["figure.max_open_warning"]
    assert all(plt.fignum_exists(figure.number) for figure in own)
    assert plt.gcf() is axes[-1].figure
    FigureCanvasAgg(axes[0].figure).draw()  # a closed one can still be drawn and saved


def test_open_windows_are_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    first = axes_for(None, 1, 1).figure
    monkeypatch.setattr(FigureCanvasAgg, "required_interactive_framework", "qt", raising=False)
    monkeypatch.setitem(plt.rcParams, "figure.max_open_warning", 1)
    with pytest.warns(RuntimeWarning, match="More than 1 figures have been opened"):
        axes_for(None, 1, 1)
    assert plt.fignum_exists(first.number)


def test_a_thread_gets_a_figure_of_its_own() -> None:
    """A window may be opened by the main thread only."""
    figures: list[Any] = []
    thread = threading.Thread(target=lambda: figures.append(glassnet.plot_training(HISTORY).figure))
    thread.start()
    thread.join()
    assert plt.get_fignums() == [] and figures[0].get_axes()
    assert figures[0]._repr_mimebundle_()["image/png"][:4] == b"\x89PNG"


def test_a_process_without_pyplot_stays_without_it() -> None:
    code = (
        "import sys, glassnet\n"
        "history = glassnet.History([glassnet.Report(1, 1, 0.5, 0.1)])\n"
        "glassnet.plot_training(history).figure.savefig(sys.stdout.buffer, format='png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules and 'IPython' not in sys.modules\n"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, check=False)
    assert run.returncode == 0 and run.stdout[:4] == b"\x89PNG", run.stderr.decode()


def test_a_prompt_uses_pyplot() -> None:
    code = (
        "import glassnet\n"
        "ax = glassnet.plot_training(glassnet.History([glassnet.Report(1, 1, 0.5, 0.1)]))\n"
        "import matplotlib.pyplot as plt\n"
        "print(plt.gcf() is ax.figure)\n"
    )
    run = subprocess.run(
        [sys.executable, "-i", "-q", "-c", code], input="", capture_output=True, text=True, check=False
    )
    assert run.stdout.strip() == "True", run.stderr
