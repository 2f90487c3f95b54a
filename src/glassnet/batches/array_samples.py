"""Two .npy files as the samples of a network: x and y, samples as rows.

A file of x whose numbers the engine can read is copied from the disk into the window and nowhere else. Targets are
checked as arrays in memory are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.batches.samples import READ_IN_PLACE, checked_targets
from glassnet.batches.streamed_sources import Shape
from glassnet.batches.targets import learnt_targets
from glassnet.data.array_pass import ArrayPass
from glassnet.data.array_rows import ArrayFile, ArrayReader
from glassnet.data.file_identity import content_digest
from glassnet.data.runs import Runs
from glassnet.errors import DataError
from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Array

if TYPE_CHECKING:  # its module reads tables as well, whose libraries take long to import
    from glassnet.data.streamed_arrays import StreamedArrays

PIECE_BYTES, MAX_PIECE_ROWS = 4 << 20, 1 << 15  # the latter because class numbers are checked as one-hot rows


class ArraySamples:
    """x and y in .npy files, samples as rows, for a network of this architecture.

    Raises DataError where they do not fit each other or the network.
    """

    groups = None

    def __init__(
        self,
        files: tuple[ArrayFile, ArrayFile],
        first_pass: ArrayPass,
        architecture: Architecture,
        dtype: Any,
        prepared: StreamedArrays | None = None,
    ) -> None:
        self.prepared = prepared
        (self.x_file, self.y_file), self.architecture, self.dtype = files, architecture, np.dtype(dtype)
        x, y = files
        self._check_x(first_pass)
        if x.rows != y.rows:
            raise DataError(f"{x.identity.path} has {x.rows:,} rows, but {y.identity.path} has {y.rows:,}.")
        in_place = x.dtype.name in READ_IN_PLACE and x.dtype.isnative and prepared is None
        self.x = Shape((x.rows, x.width), x.dtype if in_place else self.dtype)
        self.in_place = in_place
        digest, first, self.runs, self.counts = hashlib.sha256(), None, Runs(), np.zeros(architecture.outputs)
        for targets in self._target_pieces():
            digest.update(targets.tobytes())
            first = targets if first is None else first
            self.runs = self.runs.of_numbers(targets.reshape(len(targets), -1)[:, 0].astype(np.float64))
            if targets.ndim == 1:
                self.counts += np.bincount(targets, minlength=architecture.outputs)
        assert first is not None
        self.y = Shape((x.rows, *first.shape[1:]), first.dtype)
        scaling = "" if prepared is None else f" {prepared.preparation.to_json()}"
        self.digest = content_digest([x.identity], f"{first_pass.digest} {digest.hexdigest()}{scaling}")

    def sorted_note(self, block: int) -> str:
        """That the rows are sorted, so that shuffling blocks of so many rows does not suffice; otherwise empty."""
        if self.y.ndim > 1 and self.y.shape[1] > 1:
            return ""
        counts = self.counts if self.y.ndim == 1 else None
        return self.runs.sorted_note(self.x_file.identity.path, self.y_file.identity.path, counts, block)

    def _check_x(self, first_pass: ArrayPass) -> None:
        """Raise DataError where x does not fit the network."""
        name, width = self.x_file.identity.path, self.x_file.width
        if width != self.architecture.inputs:
            shape = f"{(self.x_file.rows, *self.x_file.shape)}"
            needs = f"this network has {self.architecture.inputs} inputs: in a file, samples are rows"
            raise DataError(f"{name} has shape {shape}, but {needs}, so x is (samples, {self.architecture.inputs}).")
        largest = float(np.finfo(self.dtype).max)
        if max(-first_pass.low, first_pass.high) > largest:
            value = first_pass.high if first_pass.high > largest else first_pass.low
            raise DataError(f"{name} holds {value:g}, beyond the range of {self.dtype}; scale its columns first.")

    def _target_pieces(self) -> Iterator[Array]:
        reader = ArrayReader(self.y_file)
        try:
            rows = piece_rows(self.y_file.row_bytes)
            for first in range(0, self.y_file.rows, rows):
                yield self.targets(reader, first, min(rows, self.y_file.rows - first))
        finally:
            reader.close()

    def targets(self, reader: ArrayReader, first: int, count: int) -> Array:
        """The targets of some rows, checked."""
        raw = np.empty((count, *self.y_file.shape), self.y_file.dtype)
        reader.read_into(first, raw)
        try:
            return checked_targets(self._learnt(raw, first), count, self.architecture, self.dtype)
        except DataError as error:
            where = f"{self.y_file.identity.path}, in the rows from {first:,} on (samples are rows in the file)"
            raise DataError(f"{where}: {error}") from None

    def _learnt(self, raw: Array, first: int) -> Array:
        """What the network learns of some rows of y: these numbers, or what they are encoded as."""
        if self.prepared is None:
            return raw.reshape(len(raw), -1).T if raw.ndim > 1 else raw
        classes = self.prepared.class_counts is not None
        return learnt_targets(self.prepared.encoded(raw, first), self.architecture, classes=classes)

    def reader(self) -> ArraySampleReader:
        """Open the files once more."""
        return ArraySampleReader(self)


class ArraySampleReader:
    """Open .npy files whose rows are read as samples."""

    def __init__(self, samples: ArraySamples) -> None:
        self.samples = samples
        self.x = ArrayReader(samples.x_file)
        self.y = ArrayReader(samples.y_file)

    def read_into(self, first: int, x: Array, y: Array) -> None:
        """Fill x and y with the samples from `first` on. Raises DataError."""
        source, prepared = self.samples.x_file, self.samples.prepared
        if self.samples.in_place:
            self.x.read_into(first, x)
        else:
            for part, count in _pieces(len(x), source.row_bytes):
                raw = np.empty((count, source.width), source.dtype)
                self.x.read_into(first + part, raw)
                with np.errstate(under="ignore"):  # a number too small for the dtype is 0 in it
                    x[part : part + count] = raw if prepared is None else prepared.inputs(raw)
        for part, count in _pieces(len(y), self.samples.y_file.row_bytes):
            y[part : part + count] = self.samples.targets(self.y, first + part, count)

    def close(self) -> None:
        """Close the files."""
        self.x.close()
        self.y.close()


def piece_rows(row_bytes: int) -> int:
    """The rows of a piece."""
    return max(1, min(MAX_PIECE_ROWS, PIECE_BYTES // row_bytes))


def _pieces(rows: int, row_bytes: int) -> Iterator[tuple[int, int]]:
    """The first row and the number of rows of each piece of so many rows."""
    count = piece_rows(row_bytes)
    for first in range(0, rows, count):
        yield first, min(count, rows - first)
