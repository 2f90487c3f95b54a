"""Converts to and from scikit-learn's own estimators: the same weights, the same predictions."""

from __future__ import annotations

import importlib
from typing import Any, TypeVar

from sklearn.utils.validation import check_is_fitted

from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.estimators.sklearn_names import activation_name, hidden_activations
from glassnet.estimators.stochastic import OptimizerState, optimizer_entry

Estimator = TypeVar("Estimator")
SKLEARN_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
SKLEARN_LOSSES = {"identity": "squared_error", "exp": "poisson", "softmax": None, "logistic": None}  # by output
NOT_SHARED = ("coefs_", "intercepts_", "validation_loss_curve_")


def from_sklearn(kind: type[Estimator], fitted: Any) -> Estimator:
    """Our estimator with the parameters, weights and optimiser state of a fitted one of scikit-learn."""
    theirs = counterpart(kind)
    if not isinstance(fitted, theirs):
        raise ParameterTypeError(f"from_sklearn takes scikit-learn's {theirs.__name__}, not {type(fitted).__name__}.")
    check_is_fitted(fitted)
    estimator: Any = kind(**fitted.get_params())
    _copy_attributes(fitted, estimator)
    estimator.coefs_, estimator.intercepts_ = fitted.coefs_, fitted.intercepts_
    estimator._synced_network()
    estimator._best_vectors, estimator.validation_loss_curve_ = None, []
    if hasattr(fitted, "_optimizer"):
        estimator._optimizer = _optimizer_state(estimator, fitted._optimizer)
    return estimator


def to_sklearn(estimator: Any) -> Any:
    """scikit-learn's estimator with the same weights; parameters of training that it lacks are dropped.

    Raises ParameterError where it could not give the same predictions.
    """
    check_is_fitted(estimator)
    if estimator.batch_norm or estimator.layer_norm:
        raise ParameterError("scikit-learn's networks have no normalisation; fit without batch_norm and layer_norm.")
    theirs = counterpart(type(estimator))
    if isinstance(getattr(estimator, "classes_", None), list):
        raise ParameterError(
            f"scikit-learn's {theirs.__name__} learns one column of classes, this network {len(estimator.classes_)}; "
            "there is no such estimator to convert to."
        )
    parameters = {name: value for name, value in estimator.get_params().items() if name in theirs().get_params()}
    parameters["activation"] = _shared_activation(estimator)
    output = estimator.out_activation_
    if output not in SKLEARN_LOSSES or ("loss" in parameters) == (SKLEARN_LOSSES[output] is None):
        raise ParameterError(f"scikit-learn's {theirs.__name__} has no output activation {output!r}.")
    if "loss" in parameters:
        parameters["loss"] = SKLEARN_LOSSES[output]
    converted = theirs(**parameters)
    _copy_attributes(estimator, converted)
    estimator._synced_network()
    converted.coefs_, converted.intercepts_ = ([array.copy() for array in views] for views in estimator._views)
    return converted


def counterpart(kind: type) -> Any:
    """scikit-learn's class with the name of this class or of one of its bases."""
    module = importlib.import_module("sklearn.neural_network")
    return next(getattr(module, base.__name__) for base in kind.__mro__ if hasattr(module, base.__name__))


def _copy_attributes(source: Any, target: Any) -> None:
    """Copy the fitted attributes that have the same name in both libraries."""
    for name, value in vars(source).items():
        shared = name.endswith("_") and name not in NOT_SHARED
        if shared or name in ("_label_binarizer", "_no_improvement_count"):
            setattr(target, name, list(value) if isinstance(value, list) else value)


def _shared_activation(estimator: Any) -> str:
    """scikit-learn's name of the activation that all hidden layers share."""
    activations = hidden_activations(estimator.activation, len(estimator.coefs_) - 1)
    names = {activation_name(entry) for entry in activations} or {"relu"}
    if len(names) > 1 or not names <= set(SKLEARN_ACTIVATIONS):
        known = ", ".join(SKLEARN_ACTIVATIONS)
        raise ParameterError(f"activation is {estimator.activation!r}; scikit-learn has one of {known} for all layers.")
    return names.pop()


def _optimizer_state(estimator: Any, theirs: Any) -> OptimizerState:
    """The state of scikit-learn's optimiser as ours: its moments or velocities, its rate and its step count."""
    optimizer = optimizer_entry(estimator)
    adam = estimator.solver == "adam"
    moments = [theirs.ms, theirs.vs] if adam else [theirs.velocities][: len(optimizer.states)]
    states, layers = [], len(estimator.coefs_)
    for arrays in moments:
        vector = estimator._network.parameters.like()
        for number in range(layers):
            vector.rows(f"w{number + 1}")[...] = arrays[number]
            vector.rows(f"b{number + 1}")[...] = arrays[layers + number]
        states.append(vector.vector)
    rate = float(estimator.learning_rate_init if adam else theirs.learning_rate)
    return OptimizerState(optimizer, rate, int(getattr(theirs, "t", 0)), states)
