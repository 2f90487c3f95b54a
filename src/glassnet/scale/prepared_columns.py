"""The preparation of a table's columns as the first step of a scikit-learn pipeline."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from glassnet.data.preprocessing import TablePreparation
from glassnet.data.reading import Array
from glassnet.scale.table_encoding import prepared_columns


class PreparedColumns(TransformerMixin, BaseEstimator):
    """Columns of a DataFrame as numbers, by a preparation that was learnt in an earlier fit."""

    def __init__(self, preparation: TablePreparation) -> None:
        self.preparation = preparation

    def fit(self, X: Any, y: Any = None) -> Self:
        """No-op: everything was learnt before."""
        return self

    def transform(self, X: Any) -> Array:
        """The inputs of the network, (n, features) float32."""
        return prepared_columns(self.preparation, X)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """The names of the inputs."""
        return np.asarray(self.preparation.features, object)

    def __sklearn_is_fitted__(self) -> bool:
        return True
