"""Into scikit-learn's own estimators and out of them: the same weights, the same predictions."""

from __future__ import annotations

import importlib
from typing import Any, TypeVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.estimators.stochastic import OptimizerState, optimizer_row
from glassnet.estimators.sklearn_names import activation_name, hidden_rows

Model = TypeVar("Model")
WORDS = ("identity", "logistic", "tanh", "relu")
NOT_SHARED = ("coefs_", "intercepts_", "validation_loss_curve_")


def from_sklearn(kind: type[Model], fitted: Any) -> Model:
    """An estimator of ours with the words, weights and state of a fitted one of scikit-learn's."""
    theirs = counterpart(kind)
    if not isinstance(fitted, theirs):
        raise ParameterTypeError(f"from_sklearn takes scikit-learn's {theirs.__name__}, not {type(fitted).__name__}.")
    check_is_fitted(fitted)
    model: Any = kind(**fitted.get_params())
    _copy_attributes(fitted, model)
    widths = [len(fitted.coefs_[0]), *(len(b) for b in fitted.intercepts_)]
    values = list(zip(fitted.coefs_, fitted.intercepts_, strict=True))
    model._adopt(model._make(widths, np.dtype(fitted.coefs_[0].dtype)), values)
    model._best, model.validation_loss_curve_ = None, []
    if hasattr(fitted, "_optimizer"):
        model._optimizer = _state(model, fitted._optimizer)
    return model


def to_sklearn(model: Any) -> Any:
    """scikit-learn's estimator with the same weights; what only training needs and it has no word for is left out.

    Raises ParameterError where it could not give the same predictions.
    """
    check_is_fitted(model)
    if model.batch_norm or model.layer_norm:
        raise ParameterError("scikit-learn's networks have no normalisation; fit without batch_norm and layer_norm.")
    theirs = counterpart(type(model))
    if isinstance(getattr(model, "classes_", None), list):
        raise ParameterError(
            f"scikit-learn's {theirs.__name__} learns one column of classes, this network {len(model.classes_)}; there "
            "is no such estimator to turn it into."
        )
    words = {name: value for name, value in model.get_params().items() if name in theirs().get_params()}
    words["activation"] = _activation(model)
    outputs = {"identity": "squared_error", "exp": "poisson", "softmax": None, "logistic": None}
    if model.out_activation_ not in outputs or ("loss" in words) == (outputs[model.out_activation_] is None):
        raise ParameterError(f"scikit-learn's {theirs.__name__} has no output activation {model.out_activation_!r}.")
    if "loss" in words:
        words["loss"] = outputs[model.out_activation_]
    other = theirs(**words)
    _copy_attributes(model, other)
    model._current()
    other.coefs_, other.intercepts_ = ([array.copy() for array in held] for held in model._views)
    return other


def counterpart(kind: type) -> Any:
    """scikit-learn's class of the same name, for a class or what is derived from it."""
    module = importlib.import_module("sklearn.neural_network")
    return next(getattr(module, base.__name__) for base in kind.__mro__ if hasattr(module, base.__name__))


def _copy_attributes(source: Any, target: Any) -> None:
    """What both libraries call the same."""
    for name, value in vars(source).items():
        shared = name.endswith("_") and name not in NOT_SHARED
        if shared or name in ("_label_binarizer", "_no_improvement_count"):
            setattr(target, name, list(value) if isinstance(value, list) else value)


def _activation(model: Any) -> str:
    """scikit-learn's one word for all hidden layers."""
    names = {activation_name(row) for row in hidden_rows(model.activation, len(model.coefs_) - 1)} or {"relu"}
    if len(names) > 1 or not names <= set(WORDS):
        known = ", ".join(WORDS)
        raise ParameterError(f"activation is {model.activation!r}; scikit-learn has one of {known} for all layers.")
    return names.pop()


def _state(model: Any, theirs: Any) -> OptimizerState:
    """scikit-learn's optimiser as ours: its moments or velocities, its rate and its count of steps."""
    row = optimizer_row(model)
    held = [theirs.ms, theirs.vs] if model.solver == "adam" else [theirs.velocities][: len(row.states)]
    states, layers = [], len(model.coefs_)
    for arrays in held:
        vector = model._network.parameters.like()
        for number in range(layers):
            vector.rows(f"w{number + 1}")[...] = arrays[number]
            vector.rows(f"b{number + 1}")[...] = arrays[layers + number]
        states.append(vector.vector)
    rate = float(model.learning_rate_init if model.solver == "adam" else theirs.learning_rate)
    return OptimizerState(row, rate, int(getattr(theirs, "t", 0)), states)
