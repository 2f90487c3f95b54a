"""Changes of a model file that leave it well-formed: a value of its document, or the shape of a tensor.

A change of single bytes rarely comes through the first checks. So these are made behind them.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.errors import GlassnetError
from glassnet.files.storage import read_tensors, write_tensors

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**18, 10**400, 0.5, -0.0, 1e-320, 1e308),
    *("", "x", "relu", "é\n\x1b[31m", "a" * 5000, [], {}, [[]], [0], {"kind": "x"}, {"": {}}, [None] * 40),
)


def document_paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to everything in a document, the document itself first."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in document_paths(item, (*path, key)))]


def changed_document(path: Path, rng: np.random.Generator) -> bytes | None:
    """The bytes of the model file with one to three changes; None where it cannot be read or written."""
    try:
        tensors, document = read_tensors(path)
        for _ in range(rng.integers(1, 4)):
            if rng.random() < 0.75:
                _inplace_change(document, rng)
            else:
                _inplace_reshape(tensors, rng)
        write_tensors(path, tensors, document)
    except (GlassnetError, ValueError, TypeError, OverflowError):
        return None
    return path.read_bytes()


def _inplace_change(document: dict[str, Any], rng: np.random.Generator) -> None:
    paths = document_paths(document)[1:]
    if not paths:
        return
    *parents, last = paths[rng.integers(len(paths))]
    holder: Any = document
    for key in parents:
        holder = holder[key]
    kind = rng.integers(4)
    if kind == 0:
        del holder[last]
    elif kind == 1:  # a value from elsewhere in the document
        value: Any = document
        for key in paths[rng.integers(len(paths))]:
            value = value[key]
        holder[last] = copy.deepcopy(value)
    elif kind == 2 and isinstance(holder[last], int | float) and not isinstance(holder[last], bool):
        holder[last] = holder[last] * int(rng.choice([-1, 2, 1000])) + int(rng.choice([0, 1]))
    else:
        holder[last] = copy.deepcopy(VALUES[rng.integers(len(VALUES))])


def _inplace_reshape(tensors: dict[str, Any], rng: np.random.Generator) -> None:
    if not tensors:
        return
    name = list(tensors)[rng.integers(len(tensors))]
    changes = [tensors[name].reshape(-1), tensors[name].T, tensors[name][:0], tensors[name].astype(np.float64)]
    if rng.random() < 0.2:
        del tensors[name]
    else:
        tensors[name] = np.ascontiguousarray(changes[rng.integers(len(changes))])
