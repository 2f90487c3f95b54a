"""Pictures of a fitted estimator and of rows whose y is known: calibration, residuals, importance; and of its training.

Rows that the estimator was fitted to look better than new ones: the pictures of rows kept for testing are honest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.target import ClassTarget
from glassnet.errors import DataError, ParameterError, ParameterTypeError
from glassnet.plots.calibration import draw_calibration
from glassnet.plots.importance import draw_importance
from glassnet.plots.members import draw_members
from glassnet.plots.residuals import draw_residuals
from glassnet.plots.subject import class_codes, is_tabular
from glassnet.tabular.importance import importance_in_model
from glassnet.tabular.metrics import CLASS_METRICS, NUMBER_METRICS
from glassnet.tabular.model import TabularModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]

WEIGHTED = "the classes are weighted: these are not their frequencies in the data"


def plot_calibration(estimator: Any, X: Any, y: Any) -> Figure:
    """Plot how often an outcome really occurs by the probability that a fitted classifier predicts for it.

    estimator : TabularClassifier, or another fitted classifier with predict_proba and classes_
    X, y : rows and their classes (n,); the outcome is the second of two classes, or with more classes a correct
        prediction

    The bars are 95 % intervals. Raises DataError for a class that the estimator does not know, and ParameterTypeError
    for an estimator without probabilities.
    """
    if not hasattr(estimator, "predict_proba"):
        raise ParameterTypeError(f"estimator is a {type(estimator).__name__}; pass a fitted classifier.")
    probabilities = np.asarray(estimator.predict_proba(X), float)
    codes = class_codes(estimator, y)
    _check_rows(probabilities, codes)
    target = ClassTarget("y", np.asarray(estimator.classes_).tolist())
    return reliability(probabilities, codes, target, WEIGHTED if _is_weighted(estimator) else "")


def plot_residuals(estimator: Any, X: Any, y: Any, output: int = 0) -> Figure:
    """Plot the true numbers over the predictions of a fitted regressor, and the errors.

    estimator : TabularRegressor, or another fitted regressor
    X, y : rows and their numbers, (n,) or (n, outputs); `output` chooses one of several outputs

    Raises DataError if X and y do not fit, and ParameterError for an output that does not exist.
    """
    if hasattr(estimator, "predict_proba"):
        raise ParameterTypeError(
            f"estimator is a {type(estimator).__name__}, which predicts classes; pass a regressor."
        )
    predicted, true = np.asarray(estimator.predict(X), float), np.asarray(y, float)
    _check_rows(predicted, true)
    predicted, true = predicted.reshape(len(predicted), -1), true.reshape(len(true), -1)
    if predicted.shape != true.shape:
        raise DataError(f"y has {true.shape[1]} columns, but the estimator predicts {predicted.shape[1]}.")
    if not 0 <= output < true.shape[1]:
        raise ParameterError(f"output is {output}, but y has {true.shape[1]} columns: 0 to {true.shape[1] - 1}.")
    return draw_residuals(predicted[:, output], true[:, output], "y" if true.shape[1] == 1 else f"y[:, {output}]")


def plot_importance(estimator: Any, X: Any, y: Any, ax: Axes | None = None) -> Axes:
    """Plot how much worse the predictions become when a column is shuffled, for the most important columns.

    estimator : a fitted TabularClassifier or TabularRegressor
    X, y : rows in the form that `predict` takes, and their classes or numbers

    Raises DataError if X and y do not fit, and ParameterTypeError for another estimator.
    """
    if not is_tabular(estimator):
        raise ParameterTypeError(
            f"estimator is a {type(estimator).__name__}; pass a fitted TabularClassifier or TabularRegressor."
        )
    x = estimator._inputs(X)
    true = class_codes(estimator, y) if hasattr(estimator, "classes_") else np.asarray(y, float)
    _check_rows(x, true)
    result = importance_in_model(estimator.model_, x, true)
    return draw_importance(result.names, result.mean, result.deviation, result.loss, ax)


def draw_curves(model: TabularModel, ax: Axes | None = None) -> Axes:
    """Draw the score of each member by epoch. Raises DataError where the model was read from a file."""
    if not any(member.scores for member in model.members):
        raise DataError("The model has no record of its epochs; a file holds none. Fit it again, in this process.")
    metric, units = str(model.training.get("metric", "auto")), ""
    if metric == "auto":
        metric = "log_loss" if isinstance(model.target, ClassTarget) else "rmse"
        units = "" if isinstance(model.target, ClassTarget) else " of the standardised target"
    named = (CLASS_METRICS | NUMBER_METRICS).get(metric)
    sign = -1 if named and named.is_loss else 1
    members = dict(enumerate(model.members, 1))
    losses = {number: [sign * score for score in member.scores] for number, member in members.items()}
    best = {number: member.best_epoch for number, member in members.items()}
    return draw_members(losses, best, f"{named.name if named else metric}{units}", ax)


def reliability(probabilities: Array, codes: Array, target: ClassTarget, remark: str = "") -> Figure:
    """Of two classes the probability of the second, of more that of the class that is predicted."""
    if probabilities.shape[1] == 2:
        return draw_calibration(probabilities[:, 1], codes == 1, f"{target.name} = {target.classes[1]}", remark)
    predicted = probabilities.argmax(axis=1)
    return draw_calibration(probabilities.max(axis=1), predicted == codes, "the predicted class is right", remark)


def _is_weighted(estimator: Any) -> bool:
    """Whether the classes had weights in `fit`, or in the command that wrote its file."""
    if getattr(estimator, "class_weight", None) is not None:
        return True
    training = estimator.model_.training if is_tabular(estimator) else {}
    return training.get("class weight", "none") != "none"


def _check_rows(x: Array, y: Array) -> None:
    if len(x) != len(y):
        raise DataError(f"X has {len(x)} rows, but y has {len(y)}.")
