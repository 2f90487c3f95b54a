"""MLPClassifier and MLPRegressor in scikit-learn's contract: the same words, attributes and results."""

from glassnet.estimators.classifier import MLPClassifier
from glassnet.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
