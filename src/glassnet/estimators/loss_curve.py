"""The curve of a fit, drawn by plots.py, and shown under scikit-learn's diagram in a notebook."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from glassnet.errors import DataError
from glassnet.plots.training import plot_training
from glassnet.training.history import History, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def history(model: Any) -> History:
    """The losses of a fit, and those on held-out samples, as a History."""
    check_is_fitted(model)
    losses = [loss for loss in getattr(model, "loss_curve_", []) if np.isfinite(loss)]
    held = model.validation_loss_curve_ if losses else []
    held = [None] * (len(losses) - len(held)) + held[-len(losses) :]  # an earlier fit may have held nothing out
    reports = [Report(epoch, 0, losses[epoch - 1], 0.0, held[epoch - 1]) for epoch in range(1, len(losses) + 1)]
    found = History(reports)
    scores = (getattr(model, "validation_scores_", None) or [])[: len(losses)]
    if scores and held[-1] is not None and len(scores) == len(losses):
        found.best_epoch = int(np.nanargmax(scores)) + 1
    return found


def draw(model: Any, ax: Axes | None) -> Axes:
    """The loss of each epoch. Raises DataError where a fit by L-BFGS has no epochs."""
    if not getattr(model, "loss_curve_", []):
        check_is_fitted(model)
        raise DataError(f"solver={model.solver!r} keeps no loss of each epoch; fit with 'adam' or 'sgd'.")
    return plot_training(history(model), ax)


def curve_html(model: Any) -> str:
    """The same picture as static SVG; nothing where there is no curve yet."""
    if len(getattr(model, "loss_curve_", [])) < 2:
        return ""
    file = io.StringIO()
    figure: Any = draw(model, None).figure
    figure.savefig(file, format="svg")
    picture = file.getvalue()
    fitting = picture[picture.index("<svg") :].replace("<svg", "<svg style='max-width:100%;height:auto'", 1)
    return f"<div style='max-width:40em'>{fitting}</div>"
