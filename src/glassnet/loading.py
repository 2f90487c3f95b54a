"""`glassnet.load`: whatever glassnet saved, read back as what it was: a network, an estimator, or a model of a table.

The document of the file says which; a class is looked up in the table below, never by a name in the file.
"""

from __future__ import annotations

from typing import Any

from glassnet.errors import ModelFileError
from glassnet.estimators import MLPClassifier, MLPRegressor
from glassnet.files.atomic_file import FilePath
from glassnet.files.estimator_file import saved_estimator
from glassnet.files.model_file import ESTIMATOR, saved_model
from glassnet.files.storage import read_tensors
from glassnet.network import NeuralNetwork

ESTIMATORS: dict[str, Any] = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}


def load(path: FilePath) -> Any:
    """Read what glassnet saved to a model file: a NeuralNetwork, or a fitted estimator with all that it needs.

    Raises ModelFileError (a ValueError), one sentence, for any other file and for one that is damaged or too new.
    """
    tensors, document = read_tensors(path)
    if isinstance(document.get(ESTIMATOR), dict):
        saved = saved_estimator(path, tensors, document)
        if saved.parts.kind not in ESTIMATORS:
            known = ", ".join(ESTIMATORS)
            advice = f"glassnet.load knows {known}; call the load method of the class that saved it"
            raise ModelFileError(f"{path} holds a {saved.parts.kind[:60]!r}; {advice}.")
        return ESTIMATORS[saved.parts.kind].from_saved(saved)
    if "checkpoint" in document:
        raise ModelFileError(f"{path} is a checkpoint of a run; continue it with train(..., checkpoint=, resume=True).")
    return NeuralNetwork.from_saved(saved_model(path, document, tensors))
