"""Predictions for the training rows that are as honest as those for new rows: by networks that had left them out."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.cli.constant import constant_prediction
from glassnet.data.target import ClassTarget
from glassnet.tabular.ensemble import holdout_outputs
from glassnet.tabular.fitting import Rows
from glassnet.tabular.model import TabularModel

Array = np.ndarray[Any, Any]


def honest_predictions(model: TabularModel, rows: Rows) -> tuple[dict[str, Array], Array]:
    """Probabilities (n, classes) or values (n, outputs) by "model" and "constant", and the numbers of their rows."""
    chosen, outputs = holdout_outputs(model.members, model.inputs(rows.table))
    predictions = {"model": outputs if isinstance(model.target, ClassTarget) else model.target.decode(outputs)}
    constant = constant_prediction(model.target, model.training, len(chosen))
    if constant is not None:
        predictions["constant"] = constant
    return predictions, chosen
