"""The pictures of the tables' entries, each drawn from the entry itself, once for light and once for dark pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from glassnet.tables.activations import Activation
from glassnet.tables.costs import Cost
from glassnet.tables.initializers import Auto, Initializer
from glassnet.tables.optimizers import Optimizer
from glassnet.tables.schedules import Schedule

BLUE, ORANGE = {"light": "#0072b2", "dark": "#56b4e9"}, {"light": "#c04e00", "dark": "#f0a060"}
INK = {"light": "#303030", "dark": "#d8d8d8"}
SIZE = (5.2, 2.6)  # inches
EPOCHS, STEPS_PER_EPOCH = 30, 20  # of the run whose rates are shown
FAN_IN, FAN_OUT = 256, 64  # of the layer whose first weights are shown
VALLEY = np.array([1.0, 25.0])  # C = ½·(w0² + 25·w1²)
VALLEY_STEPS, VALLEY_START = 60, (-1.0, 0.4)
VALLEY_RATES = {"sgd": 0.03, "momentum": 0.01, "nesterov": 0.01, "adagrad": 0.3}  # others: 0.05


def draw(path: Path, draw_on: Callable[[Any, str, str], None]) -> None:
    """Write PATH-light.svg and PATH-dark.svg; `draw_on` gets the axes and the two colours of lines."""
    for theme in ("light", "dark"):
        ink = INK[theme]
        colours = dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), ink)
        style = {"svg.hashsalt": path.name, "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
        with mpl.rc_context({**colours, **style}):
            figure = Figure(SIZE, layout="constrained")
            axes = figure.subplots()
            draw_on(axes, BLUE[theme], ORANGE[theme])
            axes.grid(alpha=0.25, linewidth=0.5)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(frameon=False)
            figure.savefig(f"{path}-{theme}.svg", transparent=True, metadata={"Date": None})


def activation(entry: Activation) -> Callable[[Any, str, str], None]:
    """a and da/dz over z."""
    z = np.linspace(-5, 5 if entry.name != "exp" else 2, 401)

    def draw_on(axes: Any, blue: str, orange: str) -> None:
        a = entry.value(z)
        axes.plot(z, a, blue, label="a")
        axes.plot(z, np.broadcast_to(entry.derivative(z, a), z.shape), orange, linestyle="--", label="da/dz")
        axes.set_xlabel("z")

    return draw_on


def softmax(entry: Activation) -> Callable[[Any, str, str], None]:
    """The first two of three outputs while the first z moves and the others stay 0."""
    z = np.linspace(-5, 5, 401)

    def draw_on(axes: Any, blue: str, orange: str) -> None:
        a = entry.value(np.stack([z, 0 * z, 0 * z]))
        axes.plot(z, a[0], blue, label="a[0]")
        axes.plot(z, a[1], orange, linestyle="--", label="a[1] = a[2]")
        axes.set_xlabel("z[0], while z[1] = z[2] = 0")

    return draw_on


def cost(entry: Cost) -> Callable[[Any, str, str], None]:
    """c and ∂c/∂a of one output over a, for a target of 1."""
    low, high = max(entry.outputs.low, -2), min(entry.outputs.high, 4)
    margin = 0.02 if np.isfinite(entry.outputs.low) else 0.0
    a, y = np.linspace(low + 5 * margin, high - (margin if high == 1 else 0), 401), 1.0

    def draw_on(axes: Any, blue: str, orange: str) -> None:
        axes.plot(a, entry.value(a, np.full_like(a, y)), blue, label="c")
        axes.plot(a, entry.gradient(a, np.full_like(a, y)), orange, linestyle="--", label="∂c/∂a")
        axes.set_xlabel("a, for y = 1")

    return draw_on


def schedule(entry: Schedule) -> Callable[[Any, str, str], None]:
    """The rate over a run, for lr = 1."""
    t = np.arange(EPOCHS * STEPS_PER_EPOCH)

    def draw_on(axes: Any, blue: str, orange: str) -> None:
        axes.plot(t / STEPS_PER_EPOCH, entry.rates(1.0, t, len(t), STEPS_PER_EPOCH), blue)
        axes.set_xlabel(f"epoch, of {EPOCHS} with {STEPS_PER_EPOCH} steps each")
        axes.set_ylabel("rate for lr = 1")
        axes.set_ylim(bottom=0)

    return draw_on


def initializer(entry: Initializer) -> Callable[[Any, str, str], None] | None:
    """The first weights of a layer as a histogram; None for `auto`, which only chooses."""
    if isinstance(entry, Auto):
        return None
    weights = entry.draw(np.random.default_rng(0), FAN_IN, FAN_OUT).ravel()

    def draw_on(axes: Any, blue: str, orange: str) -> None:
        axes.hist(weights, bins=np.linspace(-0.3, 0.3, 61), color=blue)
        axes.set_xlabel(f"{weights.size:,} weights of a layer 256 → 64, standard deviation {weights.std():.3f}")

    return draw_on


def optimizer(entry: Optimizer) -> Callable[[Any, str, str], None]:
    """The path of two weights down a narrow valley."""
    lr = VALLEY_RATES.get(entry.name, 0.05)
    path = np.array(list(_path(entry, lr)))

    def draw_on(axes: Any, blue: str, orange: str) -> None:
        w0, w1 = np.meshgrid(np.linspace(-1.15, 0.6, 120), np.linspace(-0.45, 0.5, 80))
        height = 0.5 * (VALLEY[0] * w0**2 + VALLEY[1] * w1**2)
        axes.contour(w0, w1, height, levels=np.geomspace(0.02, 4, 9), colors=blue, alpha=0.35, linewidths=0.7)
        axes.plot(
            *path.T, color=orange, marker=".", markersize=3, linewidth=0.9, label=f"{VALLEY_STEPS} steps, lr = {lr:g}"
        )
        axes.set_xlabel("w0")
        axes.set_ylabel("w1")

    return draw_on


def _path(entry: Optimizer, lr: float) -> Any:
    """The weights before each step, computed by the entry's own recurrence."""
    table = entry.scalars(np.arange(1, VALLEY_STEPS + 1), np.full(VALLEY_STEPS, lr))
    w, states = np.array(VALLEY_START), tuple(np.zeros(2) for _ in entry.states)
    yield w
    for step in range(VALLEY_STEPS):
        w, *states = entry.update(w, VALLEY * w, *states, **{name: values[step] for name, values in table.items()})
        yield w
