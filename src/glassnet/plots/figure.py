"""What all pictures share: colours, new figures, and writing a figure to a file.

The colours are Okabe and Ito's, which colour-blind readers can distinguish; no picture relies on colour alone.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassnet.errors import DataError, ParameterTypeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"
OKABE_ITO = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
DIVERGING = "PuOr"  # colours of positive and negative numbers


def new_figure(width: float, height: float) -> Figure:
    """A new figure, of pyplot where a person uses pyplot or a notebook; width and height in inches."""
    from glassnet.plots.displayed_figure import create_figure

    return create_figure(figsize=(width, height), layout="constrained")


def axes_for(ax: Axes | None, width: float, height: float) -> Axes:
    """The axes that were given, or those of a new figure; width and height in inches. Raises ParameterTypeError."""
    from matplotlib.axes import Axes

    if ax is None:
        return new_figure(width, height).add_subplot()
    if not isinstance(ax, Axes):
        raise ParameterTypeError(f"ax is a {type(ax).__name__}; pass one of Matplotlib's axes, such as plt.gca().")
    return ax


def refuse_axes(**arguments: Any) -> None:
    """Raise ParameterTypeError where axes stand in the place of another argument: `plot_layers(history, plt.gca())`."""
    for name, value in arguments.items():
        if hasattr(value, "transAxes"):
            raise ParameterTypeError(f"{name} is an Axes; pass it by its name, ax=...")


def add_colorbar(drawn: Any, ax: Axes, label: str, **options: Any) -> None:
    """A colour bar beside the axes, as high as these are; `options` are those of Matplotlib's colorbar.

    In a figure without a layout, nothing makes room for what stands beside its axes: there it takes a part of them.
    """
    figure: Any = ax.get_figure(root=True)
    if figure.get_layout_engine() is None:
        figure.colorbar(drawn, ax=ax, label=label, **options)
    else:
        figure.colorbar(drawn, cax=ax.inset_axes((1.03, 0.0, 0.05, 1.0)), label=label, **options)


def shortened(name: str, length: int) -> str:
    """The name in so many characters: names often differ in their beginning or their end."""
    if len(name) <= length:
        return name
    end = (length - 1) // 2
    return f"{name[: length - 1 - end]}…{name[-end:]}"


def distinct_names(names: Sequence[str], length: int) -> list[str]:
    """The names in so many characters, of the part in which they differ; numbered where that is too long."""
    start = max(len(os.path.commonprefix(list(names))) - length // 3, 0)  # noqa: RUF071
    ways = [
        [shortened(name, length) for name in names],
        [_part(name, 0, length) for name in names],
        [_part(name, start, length) for name in names],
    ]
    for short in ways:
        if len(set(short)) == len(set(names)):
            return short
    return [f"{number} {shortened(name, length - 4)}" for number, name in enumerate(names, 1)]


def _part(name: str, start: int, length: int) -> str:
    """So many characters of a name from some place on, with dots where something is left out."""
    begin = "…" if start else ""
    rest = name[start:]
    room = length - len(begin)
    return f"{begin}{rest}" if len(rest) <= room else f"{begin}{rest[: room - 1]}…"


def wrapped(title: str, inches: float, size: float = 12.0) -> str:
    """A title in lines that fit into so many inches, of letters of a size in points."""
    return textwrap.fill(title, max(int(inches * 72 / (0.56 * size)), 10), break_long_words=False)


def save_figure(drawn: Axes | Figure, path: Path) -> Path:
    """Write the figure as PNG, atomically, and return the path. Raises DataError if it cannot be written."""
    from glassnet.files.atomic_file import atomic_file

    figure: Any = getattr(drawn, "figure", drawn)
    with atomic_file(path, DataError) as file:
        figure.savefig(file, format="png", dpi=120, bbox_inches="tight", pad_inches=0.1)
    return path
