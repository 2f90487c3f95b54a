"""TabularClassifier, TabularRegressor: raw columns in, several averaged networks out."""

from glassnet.tabular.classifier import TabularClassifier
from glassnet.tabular.regressor import TabularRegressor

__all__ = ["TabularClassifier", "TabularRegressor"]
