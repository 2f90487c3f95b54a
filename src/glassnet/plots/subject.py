"""What a picture is of: a network, or the network, data and classes of a fitted estimator, whose samples are rows.

An estimator is known by what it has, because scikit-learn need not be installed for a picture of a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from glassnet.batches.sparse import is_sparse
from glassnet.errors import DataError, ParameterTypeError
from glassnet.network import NeuralNetwork
from glassnet.program.parameters import Array
from glassnet.training.history import History


class Estimator(Protocol):
    """An estimator as scikit-learn defines it; the pictures need one of ours, and say so otherwise."""

    def get_params(self, deep: bool = ...) -> dict[str, Any]:
        """The parameters it was made with."""


class Subject(NamedTuple):
    """A network, x and y as it takes them (samples are columns), and the names of the classes where they are known."""

    network: NeuralNetwork
    x: Any = None
    y: Any = None
    classes: Sequence[Any] | None = None


def subject_of(given: Any, x: Any = None, y: Any = None) -> Subject:
    """A network with x and y as they are; a fitted estimator's network with X (rows) and y as `fit` takes them."""
    network = network_of(given)
    if network is given:
        return Subject(network, x, y)
    classes = getattr(given, "classes_", None)
    if isinstance(classes, list):  # one array for each column of y
        classes = None
    if x is None:
        return Subject(network, classes=classes)
    x, y = given._validated_X(x), y if is_sparse(y) else np.asarray(y)
    if y.shape[:1] != x.shape[:1]:
        raise DataError(f"X has {x.shape[0]} rows, but y has the shape {y.shape}.")
    targets = given._encode(y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y)
    return Subject(network, (x.toarray() if is_sparse(x) else x).T, targets.T, classes)


def is_tabular(given: Any) -> bool:
    """Whether it is a TabularClassifier or TabularRegressor."""
    return hasattr(type(given), "members_")


def class_codes(estimator: Any, y: Any) -> Array:
    """The position of each class of y (n,) in the estimator's `classes_`. Raises DataError for another class."""
    codes = {label: code for code, label in enumerate(np.asarray(estimator.classes_).tolist())}
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"y has the shape {values.shape}; pass the class of each row, (n,).")
    unknown = [value for value in values.tolist() if value not in codes]
    if unknown:
        raise DataError(f"y holds {unknown[0]!r}, which the estimator was not fitted with; leave such rows out.")
    return np.array([codes[value] for value in values.tolist()], np.int64)


def confusion_counts(predicted: Array, true: Array, classes: int) -> Array:
    """The samples of each true class (row) by predicted class (column); both given as codes (n,)."""
    if len(predicted) != len(true):
        raise DataError(f"X has {len(predicted)} rows, but y has {len(true)}.")
    return np.bincount(true * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def network_of(given: Any) -> NeuralNetwork:
    """The network, or that of a fitted estimator. Raises ParameterTypeError for anything else, or DataError."""
    if isinstance(given, NeuralNetwork):
        return given
    name = type(given).__name__
    if hasattr(given, "_synced_network"):
        if not hasattr(given, "coefs_"):
            raise DataError(f"this {name} is not fitted yet; call fit first.")
        network: NeuralNetwork = given._synced_network()
        return network
    if is_tabular(given):
        raise ParameterTypeError(
            f"network is a {name}, a model of several networks; pass one of them, model.members_[0].network. "
            "Of the whole model: plot_training, plot_confusion, plot_calibration, plot_residuals and plot_importance."
        )
    if hasattr(given, "named_steps"):
        raise ParameterTypeError(
            f"network is a {name}; pass its last step, model[-1], and X as model[:-1].transform(X)"
        )
    advice = ""
    if hasattr(given, "coefs_"):
        advice = f"; for one of scikit-learn, pass glassnet's {name}.from_sklearn(model)"
    raise ParameterTypeError(f"network is a {name}; pass a NeuralNetwork or a fitted estimator of glassnet{advice}.")


def history_of(given: Any) -> History:
    """The History, or that of an estimator's last fit. Raises DataError or ParameterTypeError for anything else."""
    if given is None:
        raise DataError("history is None: this network was not trained yet; call train first.")
    if isinstance(given, History):
        return given
    if hasattr(given, "_synced_network"):
        history = network_of(given).history
        if history is None:
            raise DataError(
                f"this {type(given).__name__} has no record of its epochs; fit it with solver 'adam' or 'sgd', in this "
                "process: copies have none."
            )
        return history
    has_one = isinstance(getattr(given, "history", None), History)
    advice = "pass its .history" if has_one else "pass what train returned, or a fitted estimator of glassnet"
    raise ParameterTypeError(f"history is a {type(given).__name__}; {advice}.")
