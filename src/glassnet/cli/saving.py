"""Saves a trained model so that the training is never lost.

What a model file cannot hold is left out of the summary; where the file cannot be written after all (a full disk, a
folder that has gone), the model is written to the folder for temporary files.
"""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassnet.cli.stored_model import write_model
from glassnet.errors import GlassnetError, ModelFileError

if TYPE_CHECKING:
    from glassnet.tabular.model import TabularModel


def save_model(model: TabularModel, out: str) -> None:
    """Write the model file. Raises ModelFileError, which names the file that was written instead."""
    model.training.update(without_infinite(model.training))
    try:
        write_model(model, out)
    except ModelFileError as error:
        other = os.path.join(tempfile.gettempdir(), f"glassnet-{os.getpid()}-{Path(out).name}")
        with contextlib.suppress(GlassnetError):
            write_model(model, other)
            raise ModelFileError(f"{error} The trained model is saved as {other} instead.") from error
        raise


def without_infinite(value: Any) -> Any:
    """The same plain data with None for numbers that are not finite, which a model file cannot hold."""
    if isinstance(value, dict):
        return {key: without_infinite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_infinite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
