"""Between classes, their numbers and outputs: targets as one-hot rows, and the class that outputs predict.

Outputs may be several distributions side by side; `groups` are the numbers of outputs of each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassnet.errors import DataError
from glassnet.program.architecture import Architecture
from glassnet.program.equations import one_hot_columns
from glassnet.program.parameters import Array


def one_hot(labels: Array, classes: int) -> Array:
    """Class numbers (n,) as rows (n, classes) with a single True."""
    return one_hot_columns(labels, classes).T


def one_hot_groups(labels: Sequence[Array], groups: Sequence[int]) -> Array:
    """Class numbers (n,) of each group as rows (n, Σ groups) of uint8, with a single 1 in each group."""
    parts = [one_hot(numbers, size) for numbers, size in zip(labels, groups, strict=True)]
    return np.ascontiguousarray(np.concatenate(parts, axis=1), np.uint8)


def class_numbers(y: Array, classes: Array, name: str) -> Array:
    """The index of each element of y in the sorted `classes`. Raises DataError where one is not among them."""
    try:
        numbers = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    except TypeError:  # text and numbers, or missing values, have no order
        raise DataError(f"{name} has classes not among {classes}.") from None
    if not (classes[numbers] == y).all():
        raise DataError(f"{name} has classes not among {classes}.")
    return numbers


def numeric_targets(y: Array, outputs: int) -> Array:
    """Targets in the form of the outputs, (n, outputs): class numbers (n,) become one-hot rows."""
    return one_hot(y, outputs) if y.ndim == 1 else y


def learnt_targets(encoded: Array, architecture: Architecture, *, classes: bool) -> Array:
    """What a network learns, (fan_out, batch) or class numbers (batch,), from class numbers or numbers (batch, ...)."""
    if not classes:
        return encoded.T
    if architecture.cost.target_sum is not None:
        return encoded
    if architecture.outputs == 1:
        return encoded[np.newaxis].astype(np.float32)
    return one_hot(encoded, architecture.outputs).T.astype(np.float32)


def predicted_classes(outputs: Array, groups: Sequence[int]) -> Array:
    """The most probable class of each row, (n,), or of each of its groups, (n, groups).

    For a single output, whether it exceeds one half.
    """
    if len(groups) > 1:
        parts = np.split(outputs, np.cumsum(groups)[:-1], axis=1)
        return np.stack([part.argmax(axis=1) for part in parts], axis=1)
    return outputs.argmax(axis=1) if outputs.shape[1] > 1 else np.greater(outputs[:, 0], 0.5)


def misclassified(predicted: Array, classes: Array) -> Array:
    """Which samples (n,) are predicted wrongly, in any of their groups."""
    differs = np.not_equal(predicted, classes).reshape(len(predicted), -1)
    return np.asarray(differs.any(axis=1))


def target_classes(architecture: Architecture, y: Array) -> Array | None:
    """The class of each sample, (n,) or (n, groups), where the cost is a cross-entropy; None where it is not."""
    if y.ndim == 1:
        return y
    if architecture.cost.target_sum is None and architecture.cost.name != "binary_cross_entropy":
        return None
    return predicted_classes(y, architecture.groups)
