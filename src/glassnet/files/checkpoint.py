"""The whole state of a run in one file, written atomically, from which it continues bit for bit.

The file is a model file (storage.py) with the arrays of `Training.state` and, as plain data, the counters and a
description of the run, so that a checkpoint of another network, recipe or data is refused with the reason.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.batches.streamed_sources import StreamedSources
from glassnet.errors import ModelFileError
from glassnet.files.model_file import describe_model
from glassnet.files.storage import read_tensors, write_tensors
from glassnet.tables.entry import Entry, describe
from glassnet.training.history import History, Report
from glassnet.training.layer_measures import LayerHistory
from glassnet.training.training import Training


class CheckpointWriter:
    """Writes a checkpoint of the run after every so many epochs."""

    needs_layers = False

    def __init__(self, training: Training, path: Path, every: int) -> None:
        self.training, self.path, self.every = training, path, every

    def after_epoch(self, report: Report, layers: LayerHistory) -> None:
        """Write the checkpoint, if it is time."""
        if report.epoch % self.every == 0:
            write_checkpoint(self.path, self.training)

    def save(self) -> None:
        """Write the checkpoint now."""
        write_checkpoint(self.path, self.training)

    def end(self, history: History) -> None:
        """Nothing more to write."""


def write_checkpoint(path: Path, training: Training) -> None:
    """Write the state of a run; the file that was there stays whole until the new one is."""
    state = training.state()
    arrays = state.pop("arrays")
    state["best_cost"] = repr(state["best_cost"])
    write_tensors(path, arrays, {"checkpoint": {"run": _description(training), "state": state}})


def read_checkpoint(path: Path, training: Training) -> dict[str, Any]:
    """The state in a checkpoint of this run, for `Training.restore`.

    Raises ModelFileError where the file is damaged, no checkpoint, or of another network, recipe or data.
    """
    arrays, metadata = read_tensors(path)
    checkpoint = metadata.get("checkpoint")
    if not isinstance(checkpoint, dict) or not {"run", "state"} <= set(checkpoint):
        raise ModelFileError(f"{path} is a model file but no checkpoint of a run; name another, or use resume=False.")
    for name, value in _description(training).items():
        saved = checkpoint["run"].get(name)
        if saved != value:
            reason = f"its {name} is {saved!r:.80}, here {value!r:.80}; use resume=False to start afresh"
            raise ModelFileError(f"{path} is a checkpoint of another run: {reason}.")
    state = checkpoint["state"]
    return {"arrays": arrays, **state, "best_cost": float(state["best_cost"])}


def _description(training: Training) -> dict[str, Any]:
    """What must be the same for a run to continue: model, recipe, data."""
    recipe, sources = training.recipe, training.sources
    digest = hashlib.sha256()
    if training.blocks is not None:
        digest.update(str(training.blocks.described()).encode())
    if isinstance(sources, StreamedSources):
        digest.update(sources.digest.encode())
    else:
        for array in (sources.x, sources.y, sources.weights):
            if array is not None:
                digest.update(np.ascontiguousarray(array).data)
    settings = {name: value for name, value in recipe._asdict().items() if not isinstance(value, Entry)}
    return {
        **describe_model(training.model),
        **{name: describe(value) for name, value in recipe._asdict().items() if isinstance(value, Entry)},
        **{name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()},
        "data": digest.hexdigest(),
    }
