"""The constant prediction: the best answer that does not look at the row, against which a model is judged.

It is the most frequent class, with the class frequencies as probabilities, or the mean of the target; both are those
of the training rows, and the model file stores them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data.target import ClassTarget, TargetColumn
from glassnet.tabular.scores import class_shares

Array = np.ndarray[Any, Any]

KEY = "constant"
MAX_CLASSES = 2_000  # whose counts are stored; a model file's header is bounded


def constant_of(target: TargetColumn, encoded: Array, weights: Array | None = None) -> dict[str, Any]:
    """What a model file says of the constant: the rows of each class, or the mean of each output, in training.

    With weights (n,) each row of a class counts by its weight.
    """
    if not isinstance(target, ClassTarget):
        return {KEY: np.mean(target.decode(encoded), axis=0).tolist()}
    if len(target.classes) > MAX_CLASSES:
        return {}
    return {KEY: np.bincount(encoded, weights, minlength=len(target.classes)).tolist()}


def constant_prediction(target: TargetColumn, training: dict[str, Any], rows: int) -> Array | None:
    """The probabilities (n, classes) or values (n, outputs) of the constant; None where the file does not hold them."""
    stored = training.get(KEY)
    outputs = len(target.classes) if isinstance(target, ClassTarget) else len(target.mean)
    if not isinstance(stored, list) or len(stored) != outputs:
        return None
    try:
        values = np.array(stored, np.float64)
    except (TypeError, ValueError):
        return None
    if isinstance(target, ClassTarget):
        if values.ndim != 1 or not values.sum() > 0 or (values < 0).any():
            return None
        values = class_shares(np.arange(outputs), outputs, values)
    return np.broadcast_to(values, (rows, outputs))


def constant_text(target: TargetColumn, training: dict[str, Any]) -> str:
    """A phrase that says what the constant predicts."""
    prediction = constant_prediction(target, training, 1)
    if prediction is None:
        return ""
    if isinstance(target, ClassTarget):
        name, share = target.classes[int(prediction[0].argmax())], float(prediction[0].max())
        return f"always {name!r} ({share:.1%} of the training rows), with the class frequencies as probabilities"
    means = ", ".join(f"{value:.6g}" for value in prediction[0])
    return f"always {means}, the mean of the training rows"
