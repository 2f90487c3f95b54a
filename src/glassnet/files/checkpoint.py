"""A run's whole state in one file, written atomically, from which it goes on bit for bit.

The file is a model file (storage.py) that holds the arrays of `Training.state` and, as plain data, the counters and a
description of the run, so that a checkpoint of another network, recipe or data is refused in words.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import ModelFileError
from glassnet.files.storage import read_tensors, write_tensors
from glassnet.tables.entry import describe

if TYPE_CHECKING:
    from glassnet.training.training import Training


def write_checkpoint(path: Path, training: Training) -> None:
    """Write the state of a run; the file that stood there before stays whole until the new one is."""
    state = training.state()
    arrays = state.pop("arrays")
    state["best_cost"] = repr(state["best_cost"])
    write_tensors(path, arrays, {"checkpoint": {"run": _description(training), "state": state}})


def read_checkpoint(path: Path, training: Training) -> dict[str, Any]:
    """The state in a checkpoint of this run, for `Training.restore`.

    Raises ModelFileError where the file is damaged, no checkpoint, or of another network, recipe or data.
    """
    arrays, metadata = read_tensors(path)
    found = metadata.get("checkpoint")
    if not isinstance(found, dict) or not {"run", "state"} <= set(found):
        raise ModelFileError(
            f"{path} is a model file but no checkpoint of a run; name another file, or use resume=False."
        )
    wanted = _description(training)
    different = [name for name in wanted if found["run"].get(name) != wanted[name]]
    if different:
        name = different[0]
        raise ModelFileError(
            f"{path} is a checkpoint of another run: its {name} is {found['run'].get(name)!r:.80}, "
            f"here {wanted[name]!r:.80}; "
            "use resume=False to start afresh."
        )
    state = dict(found["state"])
    state["best_cost"] = float(state["best_cost"])
    return {"arrays": arrays, **state}


def _description(training: Training) -> dict[str, Any]:
    """What must be the same for a run to go on: network, recipe, data."""
    recipe, sources = training.recipe, training.sources
    digest = hashlib.sha256()
    for array in (sources.x, sources.y, sources.weights):
        if array is not None:
            digest.update(np.ascontiguousarray(array).data)
    settings = {name: value for name, value in recipe._asdict().items() if name not in ("optimizer", "schedule")}
    return {
        **training.network.describe(),
        "optimizer": describe(recipe.optimizer),
        "schedule": describe(recipe.schedule),
        **{name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()},
        "data": digest.hexdigest(),
    }
