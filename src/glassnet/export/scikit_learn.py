"""`from_sklearn`: scikit-learn's own MLPs as ours, whichever of the two they are."""

from __future__ import annotations

from typing import Any

from glassnet.errors import ParameterTypeError
from glassnet.estimators import MLPClassifier, MLPRegressor
from glassnet.estimators.conversion import counterpart


def from_sklearn(fitted: Any) -> MLPClassifier | MLPRegressor:
    """Convert a fitted MLP of scikit-learn, with its weights and the state of its optimiser; the predictions are equal.

    `to_sklearn` of the estimator converts back. Raises ParameterTypeError (a TypeError) for anything else.
    """
    for kind in (MLPClassifier, MLPRegressor):
        if isinstance(fitted, counterpart(kind)):
            estimator: MLPClassifier | MLPRegressor = kind.from_sklearn(fitted)
            return estimator
    raise ParameterTypeError(
        f"from_sklearn takes an MLPClassifier or MLPRegressor of scikit-learn, not {type(fitted).__name__}."
    )
