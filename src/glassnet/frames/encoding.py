"""Arrays and numbers as JSON text: every bit of a float64, and never a NaN, which JSON does not have.

The form of an encoded array is EncodedArray of web/src/lib/messages.ts, which reads what this writes.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from glassnet.program.parameters import Array

TYPES = {"f8": "<f8", "f4": "<f4", "u1": "|u1"}  # the key of the bits, and how NumPy spells their type
DTYPES = {kind: np.dtype(name) for kind, name in TYPES.items()}
Message = dict[str, Any]


def encoded(values: Any, kind: str = "f8") -> Message:
    """An array as its shape and base64 of its bits: float64 ("f8"), float32 ("f4", for pictures) or bytes ("u1")."""
    array = np.asarray(values)
    if array.dtype != DTYPES[kind]:
        with np.errstate(over="ignore", under="ignore"):  # of a number that float32 does not have
            array = array.astype(DTYPES[kind])
    return {"shape": list(array.shape), kind: base64.b64encode(array.tobytes()).decode("ascii")}


def decoded(message: Mapping[str, Any]) -> Array:
    """The array that `encoded` made a message of."""
    kind = next(kind for kind in TYPES if kind in message)
    return np.frombuffer(base64.b64decode(message[kind]), TYPES[kind]).reshape(message["shape"])


def finite(value: float | None) -> float | None:
    """A number as JSON can hold it: None where it is not finite."""
    return float(value) if value is not None and math.isfinite(value) else None


def json_text(message: Mapping[str, Any]) -> str:
    """A message as JSON. Raises ValueError for a number outside an encoded array that is not finite."""
    return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
