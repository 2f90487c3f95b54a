"""MLPClassifier and MLPRegressor: scikit-learn's parameters, attributes and results on glassnet's engine."""

from glassnet.estimators.classifier import MLPClassifier
from glassnet.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
