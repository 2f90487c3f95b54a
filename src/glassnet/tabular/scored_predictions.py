"""Predictions in the form of estimators, for a scorer of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

Array = np.ndarray[Any, Any]


class PredictedClasses(ClassifierMixin, BaseEstimator):
    """What a scorer of scikit-learn takes for a classifier: it answers with predictions that are there already."""

    def __init__(self, classes: Array, probabilities: Array) -> None:
        self.classes_, self.probabilities = classes, probabilities

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Array:
        """The most probable classes (n,)."""
        return self.classes_[self.probabilities.argmax(axis=1)]

    def predict_proba(self, X: Any) -> Array:
        """The probabilities (n, classes)."""
        return self.probabilities


class PredictedNumbers(RegressorMixin, BaseEstimator):
    """The same for numbers."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Array:
        """The numbers (n,) or (n, outputs)."""
        return self.values
