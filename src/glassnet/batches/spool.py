"""The samples of a table as a network reads them, in a temporary file: parsed and encoded in the first epoch alone.

Parsing text takes longer than learning from it. Later epochs read the numbers back, as fast as those of a .npy file.
The file lies beside the table and has no name: it is gone when the run ends, whatever ends it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from bisect import bisect_right, insort
from typing import IO

import numpy as np

from glassnet.program.parameters import Array

MIN_FREE = 2  # times the size of the file that must be free on the disk


class Spool:
    """Rows of x and y, by their numbers; `row_bytes` are the bytes of a row of each. Several threads may use it."""

    def __init__(self, folder: str, rows: int, row_bytes: tuple[int, int]) -> None:
        self.row_bytes, self.starts = row_bytes, (0, rows * row_bytes[0])
        self.lock = threading.Lock()
        self.ranges: list[tuple[int, int]] = []  # the first and the last row, plus one, of what was written, in order
        self.folder, self.size = folder, rows * sum(row_bytes)
        self.file: IO[bytes] | None = None  # made with the first rows
        self.closed = False

    def read_into(self, first: int, x: Array, y: Array) -> bool:
        """Fill x and y with the rows from `first` on, where they were written; return whether they were."""
        with self.lock:
            if self.file is None or not self._holds(first, first + len(x)):
                return False
            for array, start, size in zip((x, y), self.starts, self.row_bytes, strict=True):
                self.file.seek(start + first * size)
                view = memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
                if self.file.readinto(view) != len(view):  # type: ignore[attr-defined]
                    self.close()
                    return False
            return True

    def write(self, first: int, x: Array, y: Array) -> None:
        """Keep rows for a next time, unless the disk is full."""
        with self.lock:
            if self.closed or self._holds(first, first + len(x)):
                return
            try:
                self._open()
                if self.file is None:
                    return
                for array, start, size in zip((x, y), self.starts, self.row_bytes, strict=True):
                    self.file.seek(start + first * size)
                    self.file.write(memoryview(array.reshape(-1).view(np.uint8)))  # type: ignore[arg-type]
                self.file.flush()
            except OSError:
                self.close()
                return
            insort(self.ranges, (first, first + len(x)))  # of several from one row, the longest comes last

    def close(self) -> None:
        """Give the disk back; nothing is kept from now on."""
        if self.file is not None:
            with contextlib.suppress(OSError):
                self.file.close()
        self.file, self.ranges, self.closed = None, [], True

    __del__ = close

    def _open(self) -> None:
        """Make the file where the disk has room for it; otherwise keep nothing."""
        if self.file is None:
            self.closed = shutil.disk_usage(self.folder).free <= MIN_FREE * self.size
            if not self.closed:
                self.file = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115 (open as long as the samples are)

    def _holds(self, first: int, last: int) -> bool:
        """Whether rows were written, in one go."""
        index = bisect_right(self.ranges, (first, 1 << 62)) - 1
        return index >= 0 and last <= self.ranges[index][1]


def folder_of(path: str) -> str:
    """The folder in which a file lies."""
    return os.path.dirname(os.path.abspath(path))
