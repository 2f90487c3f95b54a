"""What an estimator has learnt from rows that stand for all of them, as plain data that encode blocks on the workers.

It stands apart from estimator_encoding.py because it needs scikit-learn, which a worker should not load.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from glassnet.data.reading import Array
from glassnet.estimators.base_mlp import BaseMLP
from glassnet.estimators.multioutput import MultiOutputBinarizer
from glassnet.scale.encoding import NetworkEncoding
from glassnet.scale.estimator_encoding import ClassColumns, EstimatorEncoding


def learnt_encoding(estimator: BaseMLP) -> EstimatorEncoding:
    """The encoding of an estimator that knows its network, columns and classes."""
    network = NetworkEncoding(estimator._network.architecture, str(estimator._network.dtype))
    binarizer = getattr(estimator, "_label_binarizer", None)
    if binarizer is None:
        return EstimatorEncoding(network, None)
    classes = _classes(binarizer)
    return EstimatorEncoding(network, ClassColumns(classes, _weights(estimator.class_weight, classes)))


def _classes(binarizer: Any) -> tuple[Array, ...]:
    """The classes of each column; those of labels are 0 and 1."""
    if isinstance(binarizer, MultiOutputBinarizer):
        return tuple(binarizer.classes_)
    if binarizer.y_type_.startswith("multilabel"):
        return tuple(np.arange(2) for _ in binarizer.classes_)
    return (binarizer.classes_,)


def _weights(class_weight: Any, classes: tuple[Array, ...]) -> tuple[Array, ...] | None:
    """The weight of each class, in the order of the classes of each column."""
    if class_weight is None:
        return None
    settings = [class_weight] if len(classes) == 1 else class_weight
    return tuple(compute_sample_weight(*pair) for pair in zip(settings, classes, strict=True))
