"""What a person brought to the page: tables, arrays and points, found again by the SHA-256 of their content.

Nothing is taken from a path that a browser names. A file is read once, by the reading of data/, from a file in a
folder of our own that is gone afterwards.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from glassnet.data.arrays import Arrays, is_npz, read_arrays
from glassnet.data.parquet_file import parquet_parts
from glassnet.data.reading import file_kind, is_folder_of
from glassnet.data.table import Table, read_table
from glassnet.errors import DataError, ParameterError, printable
from glassnet.play.setup import MAX_INPUTS

MAX_FILE, MAX_COLUMNS, MAX_POINTS = 20 << 20, 200, 2000
MAX_KEPT = 8  # files and sets of points; the oldest go

Points = list[tuple[float, float, int]]


class OwnTable(NamedTuple):
    """A table with the hash of its file; `target` is suggested."""

    file: str
    table: Table
    target: str = ""


class OwnArrays(NamedTuple):
    """Arrays with the hash of their file; `has_labels` where y are labels by the format of the file."""

    file: str
    arrays: Arrays
    has_labels: bool = False


OwnFile = OwnTable | OwnArrays


class OwnData:
    """The files and points of one server. A file's hash is that of its bytes, that of points is of their JSON."""

    def __init__(self) -> None:
        self._files: dict[str, OwnFile] = {}
        self._points: dict[str, Points] = {}
        self._notebooks: dict[str, Any] = {}
        self._lock = threading.Lock()

    def add_content(self, name: str, content: bytes) -> OwnFile:
        """Read an uploaded CSV, Parquet or .npz file. Raises DataError with what is wrong and where."""
        if len(content) > MAX_FILE:
            raise DataError(
                f"the file has {len(content) / (1 << 20):.1f} MB; the page takes up to {MAX_FILE >> 20} MB."
            )
        file = hashlib.sha256(content).hexdigest()
        with self._lock, tempfile.TemporaryDirectory(prefix="glassnet-") as folder:
            path = os.path.join(folder, file)
            with open(path, "wb") as stream:
                stream.write(content)
            return self._keep(_read(path, printable_name(name), file))

    def add_file(self, path: str) -> OwnFile:
        """Read a file that the command line names. Raises DataError with what is wrong and where."""
        own = _read(path, os.path.basename(os.path.abspath(path)), "")  # which says where there is no such file
        with self._lock:
            return self._keep(own._replace(file=file_hash(path)))

    def _keep(self, own: OwnFile) -> OwnFile:
        self._files[own.file] = own
        _forget_oldest(self._files)
        return own

    def add_points(self, points: Points) -> str:
        """Keep points and return their hash."""
        file = hashlib.sha256(json.dumps(points).encode()).hexdigest()
        with self._lock:
            self._points[file] = points
            _forget_oldest(self._points)
        return file

    def add_arrays(self, samples: Any) -> str:
        """Keep the samples of a notebook (RunSamples) and return their hash."""
        file = hashlib.sha256(samples.x.tobytes() + samples.y.tobytes()).hexdigest()
        self._notebooks[file] = samples
        return file

    def arrays(self, file: str) -> Any:
        """The samples of a notebook. Raises ParameterError where they are not here."""
        if file not in self._notebooks:
            raise ParameterError("this run needs the arrays of a notebook; open it there with net.play(x, y).")
        return self._notebooks[file]

    def opened(self, file: str) -> OwnFile:
        """The file of a hash. Raises ParameterError where it was not brought."""
        if file not in self._files:
            raise ParameterError(_missing_file(file, others=bool(self._files)))
        return self._files[file]

    def points(self, file: str) -> Points:
        """The points of a hash. Raises ParameterError where they are not here."""
        if file not in self._points:
            raise ParameterError(
                "this run was trained on points that somebody placed by hand; a link does not contain them, so place "
                "points of your own."
            )
        return self._points[file]


def _missing_file(file: str, *, others: bool) -> str:
    """What a link to a file says where that file was not brought."""
    if not file:
        return "this link names no file (file=... is missing); open yours, and choose what is to be predicted."
    none = "; none of those that were opened is that one" if others else ""
    return (
        "this run was trained on a file of its author, which a link does not contain: open that very file here, or in "
        f"Python from_link(link, file=...). It needs the file with SHA-256 {file}{none}."
    )


def _read(path: str, name: str, file: str) -> OwnFile:
    """A table or arrays, which messages call by their name. Raises DataError."""
    try:
        if _holds_arrays(path):
            return _arrays(path, name, file)
        return OwnTable(file, _table(path, name))
    except DataError as error:
        raise DataError(str(error).replace(path, name)) from None


def _holds_arrays(path: str) -> bool:
    kind = file_kind(path)
    is_idx = kind == "folder" and not is_folder_of(path, parquet_parts)
    return is_idx or kind == "npy" or (kind == "zip" and is_npz(path))


def _arrays(path: str, name: str, file: str) -> OwnArrays:
    arrays = read_arrays(path)
    _check_arrays(arrays)
    return OwnArrays(file, replace(arrays, path=name, test=None), os.path.isdir(path))


def _check_arrays(arrays: Arrays) -> None:
    """Raise DataError for arrays that the page cannot train on."""
    if arrays.y is None:
        raise DataError(f"{arrays.path} has no array y to learn from; save x and y with numpy.savez.")
    if arrays.x.shape[1] > MAX_INPUTS:
        raise DataError(f"{arrays.path} has {arrays.x.shape[1]:,} inputs; the page takes up to {MAX_INPUTS:,}.")
    if arrays.y.dtype.kind == "f" and not np.isfinite(arrays.y).all():
        row = int(np.argwhere(~np.isfinite(arrays.y))[0][0])
        raise DataError(f"{arrays.path}: y is missing or infinite at row {row}, counted from 0; drop such rows.")


def _table(path: str, name: str) -> Table:
    table = read_table(path)
    if len(table.names) > MAX_COLUMNS:
        raise DataError(f"{name} has {len(table.names):,} columns; the page takes up to {MAX_COLUMNS}.")
    return replace(table, path=name, notes=tuple(note.replace(path, name) for note in table.notes))


def file_hash(path: str) -> str:
    """The SHA-256 of a file's bytes; of a folder, that of its files in order."""
    digest = hashlib.sha256()
    for name in _files(path):
        with open(name, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _files(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    return [os.path.join(path, name) for name in sorted(os.listdir(path)) if os.path.isfile(os.path.join(path, name))]


def printable_name(name: Any) -> str:
    """The name of an uploaded file for messages; it is no path, and is never opened."""
    text = printable(name) if isinstance(name, str) else ""
    return text.replace("\\", "/").rpartition("/")[2][:100] or "the file"


def _forget_oldest(cache: dict[str, Any]) -> None:
    while len(cache) > MAX_KEPT:
        del cache[next(iter(cache))]
