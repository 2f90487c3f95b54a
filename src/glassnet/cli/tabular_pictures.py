"""The pictures of `glassnet train --plots` for a tabular model, all of them of rows that the networks had left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from glassnet.cli.confusion import confusion
from glassnet.cli.importance import column_importance
from glassnet.cli.printing import print_line
from glassnet.data.target import ClassTarget, NumberTarget
from glassnet.plots.calibration import plot_calibration
from glassnet.plots.confusion import draw_confusion
from glassnet.plots.figure import save_figure
from glassnet.plots.importance import plot_importance
from glassnet.plots.members import plot_members
from glassnet.plots.residuals import plot_residuals
from glassnet.tabular.fitting import Fitted, Rows
from glassnet.tabular.model import TabularModel

LEFT_OUT = "rows left out of training"
LOSSES = {"log_loss": "log-loss", "rmse": "RMSE", "mae": "MAE"}  # their scores have the opposite sign


def draw_pictures(fitted: Fitted, rows: Rows, scores: Mapping[int, Sequence[float]], folder: Path) -> None:
    """Draw the training curves, the calibration and confusion or the residuals, and the importance of the columns."""
    model, refinement = fitted.model, fitted.refinement
    if scores:
        print_line("Picture", save_figure(_curves(model, scores), folder / "training.png"))
    predicted, true = refinement.predictions, rows.y[refinement.rows]
    if isinstance(model.target, ClassTarget):
        names = [str(name) for name in model.target.classes]
        counts = confusion(predicted.argmax(axis=1), true, len(names))
        print_line("Picture", save_figure(_confusion(counts, names), folder / "confusion.png"))
        print_line("Picture", save_figure(_calibration(predicted, true, model.target), folder / "calibration.png"))
    else:
        for output, figure in enumerate(_residuals(predicted, true, model.target)):
            name = "residuals.png" if predicted.shape[1] == 1 else f"residuals_{output + 1}.png"
            print_line("Picture", save_figure(figure, folder / name))
    importance = column_importance(model, rows)
    figure = plot_importance(importance.names, importance.mean, importance.deviation, importance.loss)
    print_line("Picture", save_figure(figure, folder / "importance.png"))


def _curves(model: TabularModel, scores: Mapping[int, Sequence[float]]) -> Any:
    metric = model.training.get("metric", "auto")
    if metric == "auto":
        metric = "log_loss" if isinstance(model.target, ClassTarget) else "rmse"
        units = "" if isinstance(model.target, ClassTarget) else " of the standardised target"
    else:
        units = ""
    sign = -1 if metric in LOSSES else 1
    losses = {number: [sign * score for score in values] for number, values in scores.items()}
    best = {number: member.best_epoch for number, member in enumerate(model.members, 1)}
    return plot_members(losses, best, f"{LOSSES.get(metric, metric.replace('_', ' '))}{units}")


def _confusion(counts: Any, names: list[str]) -> Any:
    ax = draw_confusion(counts, names)
    ax.set_title(f"{ax.get_title()}, of {LEFT_OUT}", fontsize=10)
    return ax


def _calibration(probabilities: Any, codes: Any, target: ClassTarget) -> Any:
    """Of two classes the probability of the second, of more that of the class that is predicted."""
    if probabilities.shape[1] == 2:
        return plot_calibration(probabilities[:, 1], codes == 1, f"{target.name} = {target.classes[1]}", LEFT_OUT)
    predicted = probabilities.argmax(axis=1)
    return plot_calibration(probabilities.max(axis=1), predicted == codes, "the predicted class is right", LEFT_OUT)


def _residuals(predicted: Any, true: Any, target: NumberTarget) -> list[Any]:
    columns, name = target.decode(predicted).T, target.name
    names = [name] if len(columns) == 1 else [f"{name} {number + 1}" for number in range(len(columns))]
    return [plot_residuals(*pair, LEFT_OUT) for pair in zip(columns, target.true_values(true).T, names, strict=True)]
