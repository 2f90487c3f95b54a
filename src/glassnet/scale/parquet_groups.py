"""The row groups of Parquet files, on this machine or at a URL, as blocks that any worker can read.

Row groups are read where they are needed; here only the ends of the files are, which list them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from glassnet.data.parquet_contents import check_footer, check_text
from glassnet.data.parquet_file import parquet_parts
from glassnet.errors import DataError, ParameterError, suggestion

GROUP_BYTES = 24 << 20  # of row groups that are read as one block, unpacked
NO_LIMIT = 1 << 62


class ParquetGroup(NamedTuple):
    """Consecutive row groups of one file: from number `first` up to `last`, which is not among them."""

    path: str
    first: int
    last: int
    rows: int
    columns: tuple[str, ...]


def parquet_groups(path: str) -> list[ParquetGroup]:
    """The row groups of a file, or of all files of a folder, small ones together. Raises DataError."""
    parts = _parts(path)
    groups = [group for part in parts for group in _of_file(part)]
    names = set(groups[0].columns) if groups else set()
    for group in groups:
        if set(group.columns) != names:
            different = sorted(set(group.columns) ^ names)[:5]
            near = suggestion(different[0], sorted(names)) if different else ""
            fault = f"{group.path} has other columns than {groups[0].path} ({', '.join(different)})"
            raise DataError(f"{fault}; give one table's parts only. {near}".strip())
    if not groups:
        raise DataError(f"{path} has no rows.")
    return groups


def is_url(path: str) -> bool:
    """Whether a path names a file system of fsspec, such as s3://bucket/folder."""
    return "://" in path


def _parts(path: str) -> list[str]:
    if not is_url(path):
        if not os.path.exists(path):
            raise DataError(f"there is no file or folder {path}.")
        return _not_empty(path, parquet_parts(path)) if os.path.isdir(path) else [path]
    system, inner = _file_system(path)
    try:
        is_folder, names = system.isdir(inner), system.find(inner)
    except Exception as error:  # of whatever library reads such URLs: credentials may be missing, or the network
        raise DataError(f"{path} cannot be listed ({_reason(error)}).") from error
    if not names and not is_folder:
        raise DataError(f"there is no file or folder {path}.")
    parts = sorted(name for name in names if name.endswith((".parquet", ".parq")))
    return [system.unstrip_protocol(name) for name in _not_empty(path, parts)] if is_folder else [path]


def _not_empty(path: str, names: list[str]) -> list[str]:
    if not names:
        raise DataError(f"{path} has no file that ends in .parquet.")
    return names


def _file_system(path: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise ParameterError(f"{path} is a URL, which needs fsspec: pip install 'glassnet[dask]'.") from None
    try:
        system, inner = url_to_fs(path)
    except ImportError as error:
        raise ParameterError(f"{path} needs a library that is not installed: {_reason(error)}.") from None
    except ValueError as error:
        raise ParameterError(f"{path} cannot be opened: {_reason(error)}.") from None
    return system, inner


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    """An open file of Parquet. Raises DataError where it is missing or damaged."""
    try:
        if is_url(path):
            system, inner = _file_system(path)
            with system.open(inner, "rb") as file, pq.ParquetFile(file) as parquet:
                yield parquet
        else:
            with pq.ParquetFile(path) as parquet:
                yield parquet
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet ({_reason(error)}).") from error


def _reason(error: Exception) -> str:
    """The first line of an error's text, without the point at its end."""
    return (str(error).splitlines() or ["no reason"])[0][:120].rstrip(".")


def _of_file(path: str) -> list[ParquetGroup]:
    with _opened(path) as parquet:
        metadata, names = parquet.metadata, tuple(parquet.schema_arrow.names)
        check_footer(path, metadata, NO_LIMIT, limit=NO_LIMIT)
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    result: list[ParquetGroup] = []
    first = rows = size = 0
    for number, group in enumerate(groups):
        rows, size = rows + group.num_rows, size + group.total_byte_size
        if size >= GROUP_BYTES or number == len(groups) - 1:
            result.append(ParquetGroup(path, first, number + 1, rows, names))
            first, rows, size = number + 1, 0, 0
    return [group for group in result if group.rows]


def read_group(group: ParquetGroup) -> pa.Table:
    """The rows of some row groups. Raises DataError where the file has changed or cannot be read."""
    with _opened(group.path) as parquet:
        if parquet.metadata.num_row_groups < group.last:
            raise DataError(f"{group.path} has changed while it was used; start again when it is complete.")
        table = parquet.read_row_groups(list(range(group.first, group.last)), use_threads=False)
    if table.num_rows != group.rows:
        raise DataError(f"{group.path} has changed while it was used; start again when it is complete.")
    check_text(group.path, table, NO_LIMIT, 0, limit=NO_LIMIT)
    return table
