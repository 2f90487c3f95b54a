"""Saves a trained model so that the training is never lost.

Where its file cannot be written after all (a full disk, a folder that has gone), the model is written to the folder for
temporary files. Where the report on the training is interrupted or fails, the model is saved before the program ends.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassnet.cli.printing import print_text
from glassnet.engine.signals import defer_signals
from glassnet.errors import GlassnetError, ModelFileError
from glassnet.tabular.model_file import write_tabular

if TYPE_CHECKING:
    from glassnet.cli.train_request import TrainRequest
    from glassnet.data.options import ReadingOptions
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


@contextlib.contextmanager
def saved_on_failure(model: TabularModel, request: TrainRequest) -> Iterator[None]:
    """Save the model where the block, which reports on it, does not come to its end: Ctrl-C, or a closed pipe."""
    try:
        yield
    except BaseException:
        model.training.update(file_options(request.reading))
        with defer_signals():
            save_model(model, request.out)
        with contextlib.suppress(OSError):
            print_text(f"The trained model is saved as {request.out}.", file=sys.stderr)
        raise


def file_options(reading: ReadingOptions) -> dict[str, Any]:
    """The encoding, delimiter and kind of first row that were given, which a later file needs as well."""
    given = {name: getattr(reading, name) for name in ("delimiter", "encoding", "header")}
    given = {name: value for name, value in given.items() if value is not None}
    return {"file options": given} if given else {}
