"""The header of a NumPy array in a file: shape, order in memory and dtype, checked before anything is made.

A header is text that anybody can write: shapes may be negative, true/false or larger than the file, and a dtype may
hold Python objects or no bytes at all.
"""

from __future__ import annotations

import math
import struct
from tokenize import TokenError
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy

from glassnet.errors import DataError

MAGIC = b"\x93NUMPY"
MAX_HEADER = 10_000  # bytes; NumPy's own limit, which it checks when it has read them
MAX_DIMENSIONS = 32
KINDS = "buifUS"  # true/false, whole numbers, floats, text


class NpyHeader(NamedTuple):
    """What a header declares; `offset` is where the numbers begin, `size` how many bytes there must be."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    offset: int

    @property
    def size(self) -> int:
        """The bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_npy_header(file: IO[bytes], what: str, size: int) -> NpyHeader:
    """Read the header of an array at the start of an open file of `size` bytes, and leave the file behind it.

    Raises DataError, which begins with `what`, for a damaged header, Python objects, and a shape that the file does not
    have the bytes for.
    """
    try:
        shape, fortran, dtype = npy_header(file)
    except (ValueError, SyntaxError, TokenError, TypeError, RecursionError, MemoryError, EOFError) as error:
        reason = (str(error.args[0] if error.args else "it ends early").splitlines() or [""])[0][:80]
        raise DataError(f"{what} is not a valid NumPy array ({reason}); save it again.") from None
    header = NpyHeader(shape, fortran, dtype, file.tell())
    if dtype.hasobject:
        raise DataError(f"{what} holds Python objects (pickle), which are refused; save numbers or text.")
    if dtype.kind not in KINDS or not dtype.itemsize or dtype.shape:
        raise DataError(f"{what} has dtype {str(dtype)[:60]}; it must hold real numbers or text.")
    if header.size != (held := size - header.offset):
        declared = f"shape {shape} of {dtype} ({readable_bytes(header.size)})"
        raise DataError(f"{what} declares {declared}, but holds {held:,} bytes; save it again.")
    return header


def npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """The shape, whether the order is Fortran's, and the dtype. Raises what NumPy raises, ValueError mostly."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"unsupported version {version}")
    form, read = ("<H", npy.read_array_header_1_0) if version == (1, 0) else ("<I", npy.read_array_header_2_0)
    start = file.tell()
    length = file.read(struct.calcsize(form))
    if len(length) < struct.calcsize(form) or struct.unpack(form, length)[0] > MAX_HEADER:
        raise ValueError(f"its header is longer than {MAX_HEADER:,} bytes" if length else "it ends within its header")
    file.seek(start)
    shape, fortran, dtype = read(file)
    if len(shape) > MAX_DIMENSIONS or any(type(length) is not int or length < 0 for length in shape):
        raise ValueError(f"its shape is {str(shape)[:40]}")
    return shape, fortran, dtype


def readable_bytes(count: int) -> str:
    """`48 bytes`, `3.2 GB` or `80 TB`."""
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB")):
        if count >= 1000**power:
            return f"{count / 1000**power:,.3g} {unit}" if count < 1000**5 else f"{count / 1000**4:.3g} TB"
    return f"{count:,} bytes"
