"""What a person brought to the page: tables and points, found again by the SHA-256 of their content.

Nothing is taken from a path that a browser names. A table is read once, by the reading of data/, from a file in a
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

from glassnet.data.table import Table, read_table
from glassnet.errors import DataError, ParameterError, printable

MAX_FILE, MAX_COLUMNS, MAX_POINTS = 20 << 20, 200, 2000
MAX_KEPT = 8  # files and sets of points; the oldest go

Points = list[tuple[float, float, int]]


class OwnTable(NamedTuple):
    """A table with the hash of its file; `target` is suggested."""

    file: str
    table: Table
    target: str = ""


class OwnData:
    """The tables and points of one server. A file's hash is that of its bytes, that of points is of their JSON."""

    def __init__(self) -> None:
        self._tables: dict[str, OwnTable] = {}
        self._points: dict[str, Points] = {}
        self._arrays: dict[str, Any] = {}
        self._lock = threading.Lock()

    def add_content(self, name: str, content: bytes) -> OwnTable:
        """Read an uploaded CSV or Parquet file. Raises DataError with what is wrong and where."""
        if len(content) > MAX_FILE:
            raise DataError(
                f"the file has {len(content) / (1 << 20):.1f} MB; the page takes up to {MAX_FILE >> 20} MB."
            )
        file = hashlib.sha256(content).hexdigest()
        with self._lock, tempfile.TemporaryDirectory(prefix="glassnet-") as folder:
            path = os.path.join(folder, file)
            with open(path, "wb") as stream:
                stream.write(content)
            return self._keep(file, _table(path, shown_name(name)))

    def add_file(self, path: str) -> OwnTable:
        """Read a file that the command line names. Raises DataError with what is wrong and where."""
        table = _table(path, os.path.basename(path))
        with self._lock:
            return self._keep(file_hash(path), table)

    def _keep(self, file: str, table: Table) -> OwnTable:
        self._tables[file] = OwnTable(file, table)
        _forget_oldest(self._tables)
        return self._tables[file]

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
        self._arrays[file] = samples
        return file

    def arrays(self, file: str) -> Any:
        """The samples of a notebook. Raises ParameterError where they are not here."""
        if file not in self._arrays:
            raise ParameterError("this run needs the arrays of a notebook; open it there with net.play(x, y).")
        return self._arrays[file]

    def table(self, file: str) -> OwnTable:
        """The table of a hash. Raises ParameterError where it was not brought."""
        if file not in self._tables:
            raise ParameterError(f"this run needs the file with SHA-256 {file or '(none given)'}; open that file here.")
        return self._tables[file]

    def points(self, file: str) -> Points:
        """The points of a hash. Raises ParameterError where they are not here."""
        if file not in self._points:
            raise ParameterError(f"this run needs the points with SHA-256 {file or '(none given)'}; place them again.")
        return self._points[file]


def _table(path: str, name: str) -> Table:
    """The table of a file, which messages call by its name. Raises DataError."""
    try:
        table = read_table(path)
    except DataError as error:
        raise DataError(str(error).replace(path, name)) from None
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


def shown_name(name: Any) -> str:
    """The name of an uploaded file for messages; it is no path, and is never opened."""
    text = printable(name) if isinstance(name, str) else ""
    return text.replace("\\", "/").rpartition("/")[2][:100] or "the file"


def _forget_oldest(kept: dict[str, Any]) -> None:
    while len(kept) > MAX_KEPT:
        del kept[next(iter(kept))]
