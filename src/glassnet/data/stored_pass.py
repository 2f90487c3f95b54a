"""What a first pass learnt, in a file beside the table: read again while the table is the same, otherwise ignored.

Sizes, times and the first and last bytes of all its files must be what they were. The file holds plain data only, with
its own checksum; one that is damaged, of another version or of another target is made anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from dataclasses import fields, replace
from typing import IO, Any

import numpy as np

from glassnet.data.csv_rows import CsvRows, Positions
from glassnet.data.file_identity import FileIdentity
from glassnet.data.first_pass import FirstPass, TableRows
from glassnet.data.parquet_rows import ParquetRows
from glassnet.data.reading import Array
from glassnet.data.runs import Runs
from glassnet.data.side_file import pass_path, write_beside
from glassnet.data.statistics import Levels, NumberStatistics
from glassnet.data.summary import ColumnSummary, Summary

VERSION = 1
CHECKSUM_BYTES = 32
MAX_BYTES = 1 << 30
ARRAYS = ("sample", "rows")  # of the statistics of a column


def store_pass(first: FirstPass) -> bool:
    """Write what a first pass learnt beside the table; return whether that was possible."""
    return write_beside(first.rows.name, _content(first))


def stored_pass(rows: TableRows, target: str) -> FirstPass | None:
    """What a first pass through the same file learnt for the same target; None where it must be made."""
    try:
        path = pass_path(rows.name)
        if os.path.getsize(path) > MAX_BYTES:
            return None
        with open(path, "rb") as file:
            if file.read(CHECKSUM_BYTES) != hashlib.file_digest(file, "sha256").digest():
                return None
            arrays = _arrays(file)
        document = json.loads(arrays.pop("document").tobytes())
        if document["key"] != _key(rows, target):
            return None
        return _rebuilt(rows, target, document, arrays)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, zipfile.BadZipFile):
        return None


def _key(rows: TableRows, target: str) -> dict[str, Any]:
    """What must be the same for a stored pass to be used."""
    key = {"version": VERSION, "target": target, "files": [_ends(identity) for identity in identities_of(rows)]}
    if isinstance(rows, CsvRows):
        key |= {"columns": rows.columns, "delimiter": rows.delimiter, "encoding": rows.encoding, "start": rows.start}
    return key


def identities_of(rows: TableRows) -> list[FileIdentity]:
    """The identities of all files of a table."""
    return list(rows.identities) if isinstance(rows, ParquetRows) else [rows.identity]


def _ends(identity: FileIdentity) -> list[Any]:
    return [identity.size, identity.changed, identity.ends]


def _content(first: FirstPass) -> bytes:
    """The file: the sha256 of an archive of arrays, and the archive."""
    columns, summary = list(first.summary.columns.values()), first.summary
    document = {
        "key": _key(first.rows, first.target),
        "rows": summary.rows,
        "runs": [getattr(first.runs, item.name) for item in fields(Runs)],
        "columns": [_column(column) for column in columns],
        "samples": [len(column.numbers.sample) for column in columns],
    }
    arrays = {"document": np.frombuffer(json.dumps(document).encode(), np.uint8)}
    for name in ARRAYS:
        arrays[name] = np.concatenate([getattr(column.numbers, name) for column in columns])
    if isinstance(first.rows, CsvRows) and first.rows.positions is not None:
        arrays["places"] = np.stack(first.rows.positions)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    content = buffer.getvalue()
    return hashlib.sha256(content).digest() + content


def _column(column: ColumnSummary) -> dict[str, Any]:
    numbers = {item.name: getattr(column.numbers, item.name) for item in fields(NumberStatistics)}
    levels = [list(column.levels.counts.items()), column.levels.other]
    plain = {item.name: getattr(column, item.name) for item in fields(ColumnSummary)}
    return plain | {"numbers": {key: value for key, value in numbers.items() if key not in ARRAYS}, "levels": levels}


def _arrays(file: IO[bytes]) -> dict[str, Array]:
    with zipfile.ZipFile(file) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise ValueError("compressed")
    file.seek(CHECKSUM_BYTES)
    with np.load(file, allow_pickle=False) as archive:
        return dict(archive)


def _rebuilt(rows: TableRows, target: str, document: dict[str, Any], arrays: dict[str, Array]) -> FirstPass:
    """The pass of the content of a file. Raises ValueError, KeyError or TypeError for what cannot be."""
    if isinstance(rows, CsvRows):
        rows = replace(rows, positions=Positions(*arrays["places"].astype(np.int64)))
    bounds = np.cumsum([0, *document["samples"]])
    columns = {}
    for number, described in enumerate(document["columns"]):
        part = slice(bounds[number], bounds[number + 1])
        columns[described["name"]] = _rebuilt_column(described, *(arrays[name][part] for name in ARRAYS))
    labels = frozenset(rows.index_columns)
    summary = Summary(rows.name, document["rows"], columns, rows.delimiter, labels)
    if list(columns) != rows.columns or (isinstance(rows, CsvRows) and summary.rows != rows.rows):
        raise ValueError("columns")
    return FirstPass(rows, summary, target, Runs(*document["runs"]))


def _rebuilt_column(described: dict[str, Any], sample: Array, rows: Array) -> ColumnSummary:
    counts, other = described.pop("levels")
    numbers = NumberStatistics(**described.pop("numbers"), sample=sample.astype(np.float64), rows=rows.astype(np.int64))
    return ColumnSummary(**described, numbers=numbers, levels=Levels(dict(counts), other))
