"""The pictures of `glassnet train --plots` for a tabular model, all of them of rows that the networks had left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from glassnet.cli.confusion import confusion
from glassnet.cli.printing import print_line
from glassnet.data.target import ClassTarget, NumberTarget
from glassnet.plots.confusion import draw_confusion
from glassnet.plots.figure import save_figure
from glassnet.plots.importance import draw_importance
from glassnet.plots.residuals import draw_residuals
from glassnet.tabular.fitting import Fitted, Rows
from glassnet.tabular.importance import importance_on_holdouts
from glassnet.tabular.pictures import WEIGHTED, draw_curves, reliability

LEFT_OUT = "rows left out of training"
MAX_SECONDS = 15.0  # for the importance of the columns


def draw_pictures(fitted: Fitted, rows: Rows, folder: Path) -> None:
    """Draw the training curves, the calibration and confusion or the residuals, and the importance of the columns."""
    model, refinement = fitted.model, fitted.refinement
    if any(member.scores for member in model.members):
        print_line("Picture", save_figure(draw_curves(model), folder / "training.png"))
    predicted, true = refinement.predictions, rows.y[refinement.rows]
    if isinstance(model.target, ClassTarget):
        names = [str(name) for name in model.target.classes]
        counts = confusion(predicted.argmax(axis=1), true, len(names))
        print_line("Picture", save_figure(_confusion(counts, names), folder / "confusion.png"))
        remark = LEFT_OUT if rows.weights is None else f"{LEFT_OUT}; {WEIGHTED}"
        figure = reliability(predicted, true, model.target, remark)
        print_line("Picture", save_figure(figure, folder / "calibration.png"))
    else:
        for output, figure in enumerate(_residuals(predicted, true, model.target)):
            name = "residuals.png" if predicted.shape[1] == 1 else f"residuals_{output + 1}.png"
            print_line("Picture", save_figure(figure, folder / name))
    importance = importance_on_holdouts(model, rows, max_seconds=MAX_SECONDS)
    ax = draw_importance(importance.names, importance.mean, importance.deviation, importance.loss)
    print_line("Picture", save_figure(ax, folder / "importance.png"))


def _confusion(counts: Any, names: list[str]) -> Any:
    ax = draw_confusion(counts, names)
    ax.set_title(f"{ax.get_title()}, of {LEFT_OUT}", fontsize=10)
    return ax


def _residuals(predicted: Any, true: Any, target: NumberTarget) -> list[Any]:
    columns, name = target.decode(predicted).T, target.name
    names = [name] if len(columns) == 1 else [f"{name} {number + 1}" for number in range(len(columns))]
    return [draw_residuals(*pair, LEFT_OUT) for pair in zip(columns, target.true_values(true).T, names, strict=True)]
