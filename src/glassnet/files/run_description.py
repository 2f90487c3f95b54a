"""What must be the same for a run to continue from a checkpoint: model, recipe, and every sample, as plain data.

The samples are hashed, which takes a second for a gigabyte: once per run.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.batches.sparse import is_sparse
from glassnet.batches.streamed_sources import StreamedSources, StreamedValidation
from glassnet.files.model_file import describe_model
from glassnet.tables.entry import Entry, describe
from glassnet.training.recipe import Recipe
from glassnet.training.training import Training

HASHED_BYTES = 1 << 22  # at a time, where an array has to be copied


def describe_run(training: Training) -> dict[str, Any]:
    """The model, the recipe, and a hash of the samples that are trained on and of those that validate."""
    held_out = getattr(training.evaluate, "sources", None)
    return {
        **describe_model(training.model),
        **describe_recipe(training.recipe),
        "data": data_hash(training.sources),
        "blocks": None if training.blocks is None else training.blocks.described(),
        "validation data": None if held_out is None else data_hash(held_out),
    }


def describe_recipe(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain data."""
    settings = {name: value for name, value in recipe._asdict().items() if not isinstance(value, Entry)}
    return {
        **{name: describe(value) for name, value in recipe._asdict().items() if isinstance(value, Entry)},
        **{name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()},
    }


def data_hash(sources: Sources | StreamedSources | StreamedValidation) -> str:
    """sha256 of x, y and the weights, row by row; of a file its own hash."""
    if not isinstance(sources, Sources):
        return sources.digest
    digest = hashlib.sha256()
    x: Any = sources.x.tocsr() if is_sparse(sources.x) else sources.x  # type: ignore[attr-defined]
    of_x = [x.data, x.indices, x.indptr] if is_sparse(x) else [x]
    for array in (*of_x, sources.y, sources.weights):
        if array is not None:
            _update(digest, array)
    return digest.hexdigest()


def _update(digest: Any, array: Any) -> None:
    """Hash the numbers in C order, some rows at a time, so that no copy of a whole array is made."""
    rows = max(1, HASHED_BYTES * len(array) // max(1, array.nbytes))
    for first in range(0, len(array), rows):
        digest.update(np.ascontiguousarray(array[first : first + rows]).data)
