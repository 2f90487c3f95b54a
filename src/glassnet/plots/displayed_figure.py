"""A figure that is seen wherever it is made: in a notebook once per cell, by `plt.show()` in a script.

pyplot manages the figure where a person uses pyplot or sits at a prompt. Elsewhere (a service, a command, a thread) the
figure is nobody's but the caller's, no window opens and no global state keeps it alive. It is loaded with Matplotlib,
when the first picture is drawn.
"""

from __future__ import annotations

import io
import sys
import threading
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from glassnet.training.notebook import at_prompt, show_in_cell


class DisplayedFigure(Figure):
    """A figure that a notebook shows as the value of a cell, and not a second time at the end of that cell."""

    is_given = False  # whether the person made it, and so may still need it

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, bytes]:
        """A PNG; nothing where the inline backend has its own format, in which it draws what is displayed."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None and _is_inline(pyplot):
            pyplot.close(self)  # or the inline backend would draw it again
            return {}
        file = io.BytesIO()
        self.savefig(file, format="png")
        return {"image/png": file.getvalue()}

    def tight_layout(self, **options: Any) -> None:
        """No-op in a constrained layout, which keeps the same things apart, and legends and colour bars too."""
        if not isinstance(self.get_layout_engine(), ConstrainedLayoutEngine):
            super().tight_layout(**options)


def create_figure(**options: Any) -> DisplayedFigure:
    """A new figure, of pyplot where one is used; `options` are those of Matplotlib's Figure.

    If pyplot's current figure is empty, the person has just made it for this picture: it keeps its size and is used.
    """
    pyplot = _pyplot()
    if pyplot is None:
        return DisplayedFigure(**options)
    empty = _empty_figure(pyplot)
    if empty is not None:
        empty.set_layout_engine(options.get("layout"))
        return empty
    _make_room(pyplot)
    figure: DisplayedFigure = pyplot.figure(FigureClass=DisplayedFigure, **options)
    return figure


def _pyplot() -> Any:
    """The module pyplot where a person uses it or could, None elsewhere: a window may open in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        return None
    if "matplotlib.pyplot" not in sys.modules and not at_prompt():
        return None
    import matplotlib.pyplot

    return matplotlib.pyplot


def _empty_figure(pyplot: Any) -> Any:
    """pyplot's current figure if nothing was drawn in it, as a DisplayedFigure; None where there is none."""
    figure = pyplot.gcf() if pyplot.get_fignums() else None
    if type(figure) is not Figure or figure.get_layout_engine() is not None:
        return None
    if figure.get_children() != [figure.patch]:
        return None
    figure.__class__ = DisplayedFigure  # it behaves as ours from here on; its canvas and window stay
    given: Any = figure
    given.is_given = True
    return given


def _make_room(pyplot: Any) -> None:
    """Close our oldest figures before pyplot warns that too many are open; a notebook shows them first.

    A window stays: closing it would hide a picture, so there pyplot's warning has to do.
    """
    limit = matplotlib.rcParams["figure.max_open_warning"]
    for figure in map(pyplot.figure, pyplot.get_fignums()):
        if not 0 < limit <= len(pyplot.get_fignums()):
            return
        is_ours = isinstance(figure, DisplayedFigure) and not figure.is_given
        if is_ours and figure.canvas.required_interactive_framework is None:
            if _is_inline(pyplot):
                show_in_cell(figure)
            pyplot.close(figure)


def _is_inline(pyplot: Any) -> bool:
    """Whether the figures of a cell are drawn below it."""
    return "inline" in pyplot.get_backend()
