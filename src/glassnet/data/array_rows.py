"""A .npy file as rows of numbers that are read where they are needed: one sample per row, never the whole file.

`readinto` copies from the file into memory that the caller owns, so that a file of any size takes the same memory; a
memory map would count all of its pages, and a file that is cut off would end the process.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import IO, Any, Self

import numpy as np

from glassnet.data.file_identity import FileIdentity
from glassnet.data.npy_header import read_npy_header
from glassnet.data.reading import Array, FilePath, open_data_file
from glassnet.errors import DataError


@dataclass(frozen=True)
class ArrayFile:
    """A .npy file: its identity, the number of its rows, the shape of each, their dtype, and where they begin."""

    identity: FileIdentity
    rows: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int

    @classmethod
    def of(cls, path: FilePath) -> Self:
        """Read the header. Raises DataError for a file that is damaged, cut off, or no rows of numbers."""
        name, identity = os.fspath(path), FileIdentity.of(path)
        with open_data_file(path) as file:
            header = read_npy_header(file, name, identity.size)
        shape, dtype = header.shape, header.dtype
        if dtype.kind not in "buif":
            raise DataError(f"{name} has dtype {dtype}; it must hold real numbers.")
        if not math.prod(shape) or not shape:
            raise DataError(f"{name} has shape {shape}; it must have one row per sample.")
        if header.fortran and len(shape) > 1:
            advice = "save numpy.ascontiguousarray(x), so that each sample lies in one piece"
            raise DataError(f"{name} is stored column by column (Fortran order); {advice}.")
        return cls(identity, shape[0], shape[1:], dtype, header.offset)

    @property
    def width(self) -> int:
        """The numbers in a row; rows of more than one dimension, such as images, are flattened."""
        return math.prod(self.shape)

    @property
    def row_bytes(self) -> int:
        """The bytes of a row."""
        return self.width * self.dtype.itemsize


class ArrayReader:
    """An open .npy file."""

    def __init__(self, array_file: ArrayFile) -> None:
        self.array_file, self.file = array_file, array_file.identity.opened()

    def read_into(self, first: int, out: Array) -> None:
        """Fill `out` (n, ...), C-contiguous and of the file's dtype, with the rows from `first` on.

        Raises DataError where the file has changed since it was looked at, or cannot be read.
        """
        source = self.array_file
        source.identity.check(self.file)
        read_exactly(self.file, source.start + first * source.row_bytes, out, source.identity.path)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def read_exactly(file: IO[bytes], offset: int, out: Any, path: str) -> None:
    """Fill `out` with the bytes of a file from `offset` on. Raises DataError where they end early."""
    view, done = memoryview(out).cast("B"), 0
    try:
        file.seek(offset)
        while done < len(view) and (count := file.readinto(view[done:])):  # type: ignore[attr-defined]
            done += count
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    if done < len(view):
        raise DataError(f"{path} ended while it was read; start again when it is complete.")
