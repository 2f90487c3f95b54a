"""Draws the loss of each epoch, for `plot_training` and below scikit-learn's diagram of the estimator in a notebook."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from glassnet.errors import DataError
from glassnet.plots.figure import GREY
from glassnet.plots.training import plot_training
from glassnet.training.history import History, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TEXT_COLOURS: tuple[Any, ...] = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")


def loss_history(estimator: Any) -> History:
    """The training and validation losses of a fit as a History."""
    check_is_fitted(estimator)
    losses = [loss for loss in getattr(estimator, "loss_curve_", []) if np.isfinite(loss)]
    validation = estimator.validation_loss_curve_ if losses else []
    # an earlier fit of a warm start may have had no validation data
    validation = [None] * (len(losses) - len(validation)) + validation[-len(losses) :]
    pairs = enumerate(zip(losses, validation, strict=True), 1)
    history = History([Report(epoch, 0, loss, 0.0, cost) for epoch, (loss, cost) in pairs])
    scores = (getattr(estimator, "validation_scores_", None) or [])[: len(losses)]
    if scores and validation[-1] is not None and len(scores) == len(losses):
        history.best_epoch, history.best_by = int(np.nanargmax(scores)) + 1, "validation score"
    return history


def draw(estimator: Any, ax: Axes | None) -> Axes:
    """Draw the loss of each epoch. Raises DataError after a fit by L-BFGS, which has no epochs."""
    if not getattr(estimator, "loss_curve_", []):
        check_is_fitted(estimator)
        raise DataError(f"solver={estimator.solver!r} records no loss per epoch; fit with 'adam' or 'sgd'.")
    return plot_training(loss_history(estimator), ax)


def curve_html(estimator: Any) -> str:
    """The loss curve as static SVG in the page's own colours, or an empty string before the second epoch."""
    if len(getattr(estimator, "loss_curve_", [])) < 2:
        return ""
    import matplotlib
    from matplotlib.figure import Figure

    file = io.StringIO()
    with matplotlib.rc_context(dict.fromkeys(TEXT_COLOURS, GREY)):
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")  # not pyplot's, which a notebook would show once more
        draw(estimator, figure.add_subplot())
        figure.savefig(file, format="svg", transparent=True)
    svg = file.getvalue().partition("<svg")[2].replace(GREY.lower(), "currentColor")  # a page may be light or dark
    return f"<div style='max-width:40em'><svg style='max-width:100%;height:auto'{svg}</div>"
