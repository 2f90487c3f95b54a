"""A table that is larger than memory as the samples of a network, prepared as one in memory is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from glassnet.batches.samples import checked_targets
from glassnet.batches.spool import Spool, folder_of
from glassnet.batches.streamed_sources import Shape
from glassnet.batches.targets import learnt_targets
from glassnet.data.file_identity import content_digest
from glassnet.data.released_memory import release_memory
from glassnet.data.stored_pass import identities_of
from glassnet.data.streamed_table import StreamedTable, streamed_table
from glassnet.data.target import ClassTarget
from glassnet.errors import DataError, ParameterError, ParameterTypeError, counted
from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Array


class TableSamples:
    """The rows of a table that is read piece by piece, as samples of a network of this architecture."""

    def __init__(self, table: StreamedTable, architecture: Architecture, dtype: Any) -> None:
        self.table, self.architecture, self.dtype = table, architecture, np.dtype(dtype)
        reader = self.reader()
        try:
            y = next(reader.pieces(0, 1))[1]
        finally:
            reader.close()
        rows = table.rows.rows
        self.x = Shape((rows, architecture.inputs), np.dtype(np.float32))
        self.y = Shape((rows, *y.shape[1:]), y.dtype)
        parts = [table.preparation.to_json(), table.target.to_json(), rows]
        sizes = tuple(of.dtype.itemsize * int(np.prod(of.shape[1:])) for of in (self.x, self.y))
        self.spool = Spool(folder_of(table.rows.name), rows, (sizes[0], sizes[1]))
        self.digest = content_digest(identities_of(table.rows), json.dumps(parts))

    @property
    def groups(self) -> list[int] | None:
        """The rows that can only be read one after another: those of each row group."""
        return self.table.rows.groups

    def sorted_note(self, block: int) -> str:
        """That the rows are sorted, so that shuffling blocks of so many rows does not suffice; otherwise empty."""
        return self.table.sorted_note(block)

    def targets(self, encoded: Array) -> Array:
        """The targets (n, ...) that the network learns. Raises DataError where they do not fit its cost."""
        classes = isinstance(self.table.target, ClassTarget)
        y = learnt_targets(encoded, self.architecture, classes=classes)
        return checked_targets(y, len(encoded), self.architecture, self.dtype)

    def like(self, paths: list[Any]) -> TableSamples:
        """Another table, whose columns are prepared as those of this one were."""
        name = self.table.target.name
        if len(paths) > 1 and paths[1] != name:
            raise ParameterError(
                f"validation names the column {paths[1]!r}; it must be {name!r}, the column that is learnt."
            )
        table = replace(streamed_table(paths[0], name), preparation=self.table.preparation, target=self.table.target)
        return TableSamples(table, self.architecture, self.dtype)

    def reader(self) -> TableSampleReader:
        """Open the file once more."""
        return TableSampleReader(self)


class TableSampleReader:
    """An open table whose rows are read as samples."""

    def __init__(self, samples: TableSamples) -> None:
        self.samples = samples
        self.reader, self.identities = samples.table.reader(), identities_of(samples.table.rows)

    def pieces(self, first: int, last: int) -> Iterator[tuple[Array, Array]]:
        """x and y of the rows first .. last-1, piece by piece."""
        for table in self.reader.tables(first, last):
            x, encoded = self.samples.table.encoded(table)
            yield x, self.samples.targets(encoded)

    def read_into(self, first: int, x: Array, y: Array) -> None:
        """Fill x and y with the samples from `first` on. Raises DataError."""
        if self.samples.spool.read_into(first, x, y):
            for identity in self.identities:
                identity.check()
            return
        done = 0
        for x_part, y_part in self.pieces(first, first + len(x)):
            x[done : done + len(x_part)], y[done : done + len(x_part)] = x_part, y_part
            done += len(x_part)
            release_memory()  # what parsing took lies scattered, and would grow from piece to piece
        self.samples.spool.write(first, x, y)

    def close(self) -> None:
        """Close the file."""
        self.reader.close()


def opened_table(path: Any, target: Any, architecture: Architecture, dtype: Any) -> TableSamples:
    """The samples of a table, or of one that is opened already, for a network of as many inputs. Raises DataError."""
    if isinstance(path, StreamedTable):
        return TableSamples(checked_table(path, architecture), architecture, dtype)
    if not isinstance(target, str):
        raise ParameterTypeError(
            f"y must be the name of the column of {os.fspath(path)} to predict, not {target!r:.60}."
        )
    return TableSamples(checked_table(streamed_table(path, target), architecture), architecture, dtype)


def checked_table(table: StreamedTable, architecture: Architecture) -> StreamedTable:
    """A table whose columns have as many inputs as the network. Raises DataError."""
    width = table.preparation.width
    if width != architecture.inputs:
        summary = table.preparation.summary()
        has = f"but this network has {architecture.inputs}; make it with {counted(width, 'input')}"
        raise DataError(f"the columns of {table.rows.name} become {summary}, {has}.")
    return table
