"""Read a Parquet file, or the Parquet files of a folder as one table, after checking their size.

pandas stores the labels of rows as a column; it is named here, so that it can be left out of the inputs.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pyarrow as pa

from glassnet.data.parquet_contents import read_contents
from glassnet.data.reading import FilePath, check_unique, open_data_file
from glassnet.errors import DataError


def read_parquet(path: FilePath) -> tuple[pa.Table, None, None, tuple[str, ...], tuple[str, ...]]:
    """The table, then what else a Table has: no lines, no delimiter, the index columns of pandas, and notes."""
    name = os.fspath(path)
    parts: list[FilePath] = [*parquet_parts(path)] if os.path.isdir(path) else [path]
    tables = [_read_part(part) for part in parts]
    columns = tables[0].column_names
    for part, table in zip(parts, tables, strict=True):
        if set(table.column_names) != set(columns):
            different = ", ".join(sorted(set(columns) ^ set(table.column_names))[:5])
            raise DataError(f"{part} has other columns than {parts[0]} ({different}); give one table's parts only.")
    table = tables[0] if len(tables) == 1 else _joined(name, tables)
    check_unique(name, table.column_names)
    if not table.num_rows:
        raise DataError(f"{name} has no rows.")
    count = (
        "1 Parquet file is read as a table" if len(parts) == 1 else f"{len(parts)} Parquet files are read as one table"
    )
    notes = (f"{name}: {count}",) if os.path.isdir(path) else ()
    return table, None, None, index_columns(table.schema.metadata), notes


def parquet_parts(folder: FilePath) -> list[str]:
    """The Parquet files of a folder and of the folders in it, in the order of their names."""
    paths: list[str] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        paths += [os.path.join(parent, name) for name in sorted(files) if not name.startswith((".", "_"))]
    return [path for path in paths if path.endswith((".parquet", ".parq", ".pq"))]


def _read_part(path: FilePath) -> pa.Table:
    name = os.fspath(path)
    try:
        with open_data_file(path) as source:
            size = source.seek(0, os.SEEK_END)
            return read_contents(name, source, size)
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, NotImplementedError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise DataError(f"{name} is a damaged Parquet file ({reason}).") from error


def _joined(name: str, tables: list[pa.Table]) -> pa.Table:
    try:
        ordered = [table.select(tables[0].column_names) for table in tables]
        return pa.concat_tables(ordered, promote_options="permissive")
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0][:120]
        raise DataError(f"{name}: its parts have different types ({reason}); write them with one type.") from error


def index_columns(metadata: dict[bytes, bytes] | None) -> tuple[str, ...]:
    """The columns that hold the labels of rows of a DataFrame of pandas."""
    try:
        document: Any = json.loads((metadata or {}).get(b"pandas", b"{}"))
        return tuple(name for name in document.get("index_columns", []) if isinstance(name, str))
    except (ValueError, AttributeError, TypeError):
        return ()
