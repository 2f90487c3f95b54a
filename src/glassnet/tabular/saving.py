"""`save` and `load` of the tabular estimators: the whole model with its parameters, in one file."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from sklearn.utils.validation import check_is_fitted

from glassnet.data.preprocessing import Preparation, TablePreparation
from glassnet.errors import ModelFileError
from glassnet.estimators.saving import set_attributes, with_parameters
from glassnet.files.atomic_file import FilePath
from glassnet.files.estimator_file import EstimatorParts, undamaged
from glassnet.files.storage import read_tensors
from glassnet.tabular.model import TabularModel
from glassnet.tabular.model_file import model_and_parts, write_tabular
from glassnet.tabular.reporting import KEY as REPORT
from glassnet.tabular.reporting import stored_notes

REBUILT = ("model_", "classes_", "feature_names_in_", "n_features_in_", "_number_inputs", "_rows_prepared")


class TabularSavingMixin:
    """Adds `save` and `load` to a tabular estimator."""

    _get_param_names: ClassVar[Any]
    model_: TabularModel

    def save(self, path: FilePath) -> None:
        """Write the fitted estimator to a model file (safetensors; no pickle); `glassnet.load` reads it.

        A warning names parameters that are left out because a file cannot hold them, such as a scorer. The numbers of
        the rows that each network left out are not stored. Raises ModelFileError (a ValueError) where the file cannot
        be written.
        """
        check_is_fitted(self)
        names = self._get_param_names()
        attributes = {name: value for name, value in vars(self).items() if name not in (*names, *REBUILT)}
        parts = EstimatorParts(type(self).__name__, {name: getattr(self, name) for name in names}, attributes)
        write_tabular(path, self.model_, parts)

    @classmethod
    def load(cls, path: FilePath) -> Self:
        """Read an estimator that `save` or `glassnet train` wrote.

        Raises ModelFileError (a ValueError) if the file cannot be trusted or contains something else.
        """
        model, parts = model_and_parts(path, *read_tensors(path))
        if parts.kind != cls.__name__:
            raise ModelFileError(f"{path} holds a {parts.kind}, not a {cls.__name__}; use glassnet.load.")
        return restored(cls, path, model, parts)


def restored(cls: Any, path: FilePath, model: TabularModel, parts: EstimatorParts) -> Any:
    """The fitted estimator of a model that was read."""
    estimator = with_parameters(cls, path, parts.parameters)
    undamaged(path, lambda: _inplace_fitted(estimator, model, dict(parts.attributes)))
    return estimator


def _inplace_fitted(estimator: Any, model: TabularModel, attributes: dict[str, Any]) -> None:
    """Set the model and the attributes of a fitted estimator."""
    names, named = attributes.pop("_names", None), attributes.pop("_is_named", True)
    if names is None:  # a model of the command line
        names, named = _column_names(model.preparation), isinstance(model.preparation, TablePreparation)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or type(named) is not bool:
        raise ValueError("the names of its columns")
    if isinstance(model.preparation, TablePreparation):
        lacking = {column.name for column in model.preparation.columns} - set(names)
        if lacking or len(set(names)) != len(names):
            raise ValueError("the names of its columns")
    estimator.notes_ = stored_notes(model.training.get(REPORT))  # of the command line, or those among the attributes
    set_attributes(estimator, attributes)
    estimator._set_model(model, names, named)


def _column_names(preparation: Preparation) -> list[str]:
    """The names of the columns that a model uses, or of the features of arrays."""
    if isinstance(preparation, TablePreparation):
        return [column.name for column in preparation.columns]
    return [f"x{index}" for index in range(preparation.width)]
