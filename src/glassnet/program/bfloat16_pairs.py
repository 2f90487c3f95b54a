"""How a quantity that is rounded to bfloat16 lies in memory: as 32-bit words of two numbers, the first in the low half.

Products of mixed precision add the terms of a word in one instruction, so a word holds neighbours in the order of the
terms: of a matrix (rows, columns), two columns of one row or two rows of one column. A missing second number is 0.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from glassnet.program.parameters import Array
from glassnet.tables.bfloat16 import bfloat16

Pairing = Literal["columns", "rows"]
PAIRINGS: dict[str, tuple[Pairing, Pairing]] = {  # of the first two operands of each product
    "affine": ("columns", "rows"),
    "propagate": ("columns", "columns"),
    "bp4": ("rows", "rows"),
}


def pair_count(size: int) -> int:
    """The number of pairs that hold `size` numbers."""
    return (size + 1) // 2


def paired_name(name: str, pairing: Pairing) -> str:
    """The name of the words that hold a quantity."""
    return f"{name} paired by {pairing}"


def words_shape(shape: tuple[int, ...], pairing: Pairing) -> tuple[int, int]:
    """The shape of the words of a matrix."""
    rows, columns = shape
    return (rows, pair_count(columns)) if pairing == "columns" else (pair_count(rows), columns)


def packed(matrix: Any, pairing: Pairing) -> Array:
    """A matrix, rounded to bfloat16, as words, which are the bits of float32 numbers."""
    numbers = bfloat16(matrix).view(np.uint32)
    if pairing == "columns":
        numbers = numbers.T
    words, second = numbers[::2] >> np.uint32(16), numbers[1::2]
    words[: len(second)] |= second
    return np.ascontiguousarray(words.T if pairing == "columns" else words).view(np.float32)


def unpacked(words: Array, shape: tuple[int, ...], pairing: Pairing) -> Array:
    """The matrix of this shape that the words hold: a new array of float32, which cannot be written to."""
    matrix = np.empty(shape, np.uint32)
    pairs, bits = (matrix.T, words.view(np.uint32).T) if pairing == "columns" else (matrix, words.view(np.uint32))
    pairs[::2], pairs[1::2] = bits << np.uint32(16), (bits & np.uint32(0xFFFF_0000))[: len(pairs[1::2])]
    result = matrix.view(np.float32)
    result.flags.writeable = False
    return result
