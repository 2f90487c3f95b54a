"""A product proves itself when it is compiled: small whole numbers, whose result NumPy knows exactly."""

from __future__ import annotations

import ctypes
import itertools
from typing import Any

import numpy as np

from glassnet.engine import EngineUnavailable
from glassnet.engine.identity import Identity
from glassnet.program.parameters import Array

ROWS, COLUMNS, TERMS = (1, 2, 7, 11), (1, 5, 24, 40, 100, 257), (1, 6, 19)
PLAIN, TURNED = 0, 1
EDGE = 16  # numbers around the result that must stay as they are


def prove(identity: Identity, address: int) -> None:
    """Raise EngineUnavailable where a freshly compiled product gives a wrong number."""
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(address)
    for rows, columns, terms in (*itertools.product(ROWS, COLUMNS, TERMS), (33, 257, 300)):
        for form in (PLAIN,) if identity.kind == "skipping" else (PLAIN, TURNED):
            if not is_exact(kernel, identity.dtype, (rows, columns, terms), form):
                sentence = f"the compiled product of {identity.dtype} gives wrong numbers on this processor"
                raise EngineUnavailable(f"{sentence} ({rows}×{terms} times {terms}×{columns})")


def is_exact(kernel: Any, dtype: str, shape: tuple[int, int, int], form: int) -> bool:
    """Whether the product of small whole numbers is exact and nothing beside it is written."""
    rows, columns, terms = shape
    a, b, start = (numbers(place, dtype) for place in ((rows, terms), (terms, columns), (1, columns)))
    second = np.ascontiguousarray(b.T) if form == TURNED else b
    memory = np.full(rows * columns + 2 * EDGE, -1, dtype)
    c = memory[EDGE:-EDGE]
    words = [a.ctypes.data, terms, 1, second.ctypes.data, second.shape[1], form, c.ctypes.data, columns]
    divisor = 2 if form == TURNED else 1
    row = np.array([*words, start.ctypes.data, rows, columns, terms, divisor], np.int64)
    kernel(row.ctypes.data, None)
    around = np.concatenate([memory[:EDGE], memory[-EDGE:]])
    return bool((divisor * c == (a @ b + start).ravel()).all() and (around == -1).all())


def numbers(shape: tuple[int, int], dtype: str) -> Array:
    """Whole numbers from −3 to 3 without a pattern of their own."""
    places = np.arange(shape[0] * shape[1])
    return ((places * places + 3 * places) % 7 - 3).reshape(shape).astype(dtype)
