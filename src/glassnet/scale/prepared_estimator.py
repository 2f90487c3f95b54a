"""A model file of an estimator whose columns are prepared first: the estimator, and the preparation beside it.

What is read is the pipeline that `to_local` gives. The file has a class name of its own, so that nothing that knows the
estimator alone reads it without its preparation.
"""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline, make_pipeline

from glassnet.data.preprocessing import TablePreparation
from glassnet.data.stored import table_preparation
from glassnet.errors import ModelFileError
from glassnet.estimators.base_mlp import BaseMLP
from glassnet.estimators.saving import COLUMNS
from glassnet.files.estimator_file import SavedEstimator
from glassnet.scale.prepared_columns import PreparedColumns


def prepared_pipeline(preparation: TablePreparation, estimator: BaseMLP) -> Pipeline:
    """Prepares columns, then predicts."""
    return make_pipeline(PreparedColumns(preparation), estimator)


def read_prepared(saved: SavedEstimator, plain: type[BaseMLP]) -> Pipeline:
    """The pipeline in a file that was read; `plain` is the class of its estimator.

    Raises ModelFileError (a ValueError) if the file is damaged.
    """
    estimator: Any = plain.from_saved(saved._replace(parts=saved.parts._replace(kind=plain.__name__)))
    preparation = table_preparation(saved.document.get(COLUMNS), str(saved.path))
    if preparation.width != estimator.n_features_in_:
        sizes = f"{preparation.width} inputs against {estimator.n_features_in_}"
        raise ModelFileError(f"{saved.path} is damaged: its columns do not fit its network, {sizes}; save it again.")
    return prepared_pipeline(preparation, estimator)
