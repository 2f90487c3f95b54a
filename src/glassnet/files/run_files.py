"""The files of a run: its checkpoint and its recording."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from glassnet.errors import ModelFileError, ParameterError, ParameterTypeError
from glassnet.files.checkpoint import CheckpointWriter, read_checkpoint
from glassnet.files.recording import Recorder
from glassnet.files.replacing import MODEL, RECORDING, check_replaceable
from glassnet.files.run_description import describe_run
from glassnet.training.fit import Observer
from glassnet.training.settings import whole
from glassnet.training.training import Training


class RunFiles(NamedTuple):
    """Where a run writes its checkpoint and its recording; None where it does not.

    A checkpoint is written after every `every` steps, or where that is None, after each epoch. With `resume` the run
    starts from the checkpoint where that file exists.
    """

    checkpoint: Path | None
    every: int | None
    resume: bool
    record: Path | None

    def observers(self, training: Training) -> tuple[Observer, ...]:
        """Restore the run if requested, and begin its files. Raises ModelFileError where one cannot be used."""
        description = {} if self.checkpoint is None else describe_run(training)
        if self.checkpoint is not None and self.resume and self.checkpoint.exists():
            self._restore(training, self.checkpoint, description)
        observers: list[Observer] = []
        if self.record is not None:
            observers.append(Recorder(training, self.record))
        if self.checkpoint is not None:
            observers.append(CheckpointWriter(training, self.checkpoint, self.every, description))
        return tuple(observers)

    def _restore(self, training: Training, path: Path, description: dict[str, Any]) -> None:
        try:
            training.restore(read_checkpoint(path, training, description))
        except ParameterError as error:
            raise ModelFileError(f"{path} is a damaged checkpoint: {error}") from None


def checked_files(checkpoint: Any, every: Any, resume: Any, record: Any) -> RunFiles:
    """The files that the user names, checked. Raises ParameterError, ParameterTypeError or ModelFileError."""
    if resume and checkpoint is None:
        raise ParameterError("resume=True needs checkpoint, the file to resume from.")
    paths = _path("checkpoint", checkpoint), _path("record", record)
    for path, kind in zip(paths, (None if resume else MODEL, RECORDING), strict=True):
        if path is not None and kind is not None:
            check_replaceable(path, kind, ModelFileError)
    return RunFiles(paths[0], None if every is None else whole("every", every), bool(resume), paths[1])


def _path(name: str, path: Any) -> Path | None:
    """The path of a file to write, whose folder exists; None stays None."""
    if path is None:
        return None
    if not isinstance(path, (str, os.PathLike)):
        raise ParameterTypeError(f"{name} must be the path of a file, not {path!r}.")
    if Path(path).is_dir():
        raise ParameterError(f"{name} {path!r} is a folder; name a file in it.")
    if not Path(path).parent.is_dir():
        raise ParameterError(f"{name}: there is no folder {Path(path).parent}; make it first.")
    return Path(path)
