"""Saves a trained model so that the training is never lost.

Where its file cannot be written after all (a full disk, a folder that has gone), the model is written to the folder for
temporary files.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from glassnet.errors import GlassnetError, ModelFileError
from glassnet.tabular.model_file import write_tabular

if TYPE_CHECKING:
    from glassnet.tabular.model import TabularModel


def save_model(model: TabularModel, out: str) -> None:
    """Write the model file. Raises ModelFileError, which names the file that was written instead."""
    try:
        write_tabular(out, model)
    except ModelFileError as error:
        other = os.path.join(tempfile.gettempdir(), f"glassnet-{os.getpid()}-{Path(out).name}")
        try:
            write_tabular(other, model)
        except GlassnetError:
            raise error from None
        raise ModelFileError(f"{error} The trained model is saved as {other} instead.") from error
