"""`glassnet.load`: whatever glassnet saved, read back as what it was: a network, an estimator, or a model of a table.

The document of the file says which; a class is looked up in the table below, never by a name in the file.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.errors import ModelFileError
from glassnet.estimators import MLPClassifier, MLPRegressor
from glassnet.estimators.saving import PREPARED
from glassnet.files.atomic_file import FilePath
from glassnet.files.estimator_file import saved_estimator
from glassnet.files.model_file import ESTIMATOR, refuse_checkpoint, saved_model
from glassnet.files.storage import read_tensors
from glassnet.network import NeuralNetwork
from glassnet.scale.prepared_estimator import read_prepared
from glassnet.tabular import TabularClassifier, TabularRegressor
from glassnet.tabular.model_file import holds_table, model_and_parts
from glassnet.tabular.saving import restored

Array = np.ndarray[Any, Any]
ESTIMATORS: dict[str, Any] = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}
TABULAR: dict[str, Any] = {"TabularClassifier": TabularClassifier, "TabularRegressor": TabularRegressor}


def load(path: FilePath) -> Any:
    """Read a model file: it returns the NeuralNetwork or the fitted estimator that was saved.

    A DaskMLPClassifier or DaskMLPRegressor comes back as what its `to_local` gives.

    Raises ModelFileError (a ValueError) for any other file, and for one that is damaged or from a newer version.
    """
    tensors, document = read_tensors(path)
    if holds_table(document):
        return _tabular_estimator(path, tensors, document)
    if isinstance(document.get(ESTIMATOR), dict):
        saved = saved_estimator(path, tensors, document)
        if saved.parts.kind.endswith(PREPARED):
            return read_prepared(saved, _known(path, saved.parts.kind.removesuffix(PREPARED), ESTIMATORS))
        return _known(path, saved.parts.kind, ESTIMATORS).from_saved(saved)
    refuse_checkpoint(path, document)
    return saved_model(path, document, tensors).build(NeuralNetwork)


def _tabular_estimator(path: FilePath, tensors: dict[str, Array], document: dict[str, Any]) -> Any:
    model, parts = model_and_parts(path, tensors, document)
    return restored(_known(path, parts.kind, TABULAR), path, model, parts)


def _known(path: FilePath, kind: str, table: dict[str, Any]) -> Any:
    """The class of this name."""
    if kind not in table:
        advice = (
            f"glassnet.load knows {', '.join([*ESTIMATORS, *TABULAR])}; call the load method of the class that saved it"
        )
        raise ModelFileError(f"{path} holds a {kind[:60]!r}; {advice}.")
    return table[kind]
