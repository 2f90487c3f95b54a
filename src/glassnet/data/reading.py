"""The first steps of every reader of data files: recognise the format, by the first bytes of a file, never its name.

A file of a format that is no table is named, with what to do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from glassnet.data.opening import MAX_BYTES as MAX_BYTES
from glassnet.data.opening import FilePath as FilePath
from glassnet.data.opening import open_data_file as open_data_file
from glassnet.data.opening import seekable as seekable
from glassnet.data.unpacking import decompressed as decompressed
from glassnet.data.unpacking import read_bytes as read_bytes
from glassnet.data.zip_file import ZIP_ERRORS, open_zip
from glassnet.errors import DataError

Array = np.ndarray[Any, Any]

OTHER_FORMATS = (
    (b"\xd0\xcf\x11\xe0", "is an old Excel or Office file; save the sheet as CSV (UTF-8)"),
    (b"\x89HDF\r\n\x1a\n", "is an HDF5 file; save the table as Parquet or CSV"),
    (b"ARROW1", "is an Arrow or Feather file; save the table as Parquet"),
    (b"SQLite format 3", "is an SQLite database; export the table as CSV"),
    (b"BZh", "is compressed with bzip2; unpack it or compress it with gzip"),
    (b"\xfd7zXZ\x00", "is compressed with xz; unpack it or compress it with gzip"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd; unpack it or compress it with gzip"),
    (b"%PDF", "is a PDF file; save the table as CSV"),
    *((bytes((0x80, version)), "is a pickle file, which is unsafe; save the table as CSV") for version in range(2, 6)),
)


def file_kind(path: FilePath) -> str:
    """The kind of file at `path`: "folder", "parquet", "zip", "npy", or "text" for everything else.

    Raises DataError (a ValueError) if it does not exist or cannot be opened.
    """
    if os.path.isdir(path):
        return "folder"
    with open_data_file(path) as file:
        first = file.read(8)
    kinds = {b"PAR1": "parquet", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"\x93NUM": "npy"}
    return kinds.get(first[:4], "text")


def problem_text(kind: str, path: FilePath) -> str:
    """What a folder, zip or NumPy file is instead of a table, and what to do with it."""
    if kind == "folder":
        return _folder_problem(path)
    if kind == "npy":
        return "is a NumPy array file; a table is needed here: CSV or Parquet"
    try:
        with open_data_file(path) as file, open_zip(file) as archive:
            names = archive.namelist()
    except ZIP_ERRORS:
        return "is a damaged zip file; copy or save it again"
    offices = {"xl/": "an Excel workbook", "content.xml": "an OpenDocument spreadsheet", "word/": "a Word document"}
    for start, what in offices.items():
        if any(name.startswith(start) for name in names):
            return f"is {what}; save the sheet as CSV (UTF-8)"
    if any(name.endswith(".npy") for name in names):
        return "is a .npz file of arrays; a table is needed here: CSV or Parquet"
    return f"is a zip file with {_some(names)}; unpack it and give the table in it"


def _folder_problem(path: FilePath) -> str:
    names = sorted(name for name in os.listdir(path) if not name.startswith("."))
    tables = [name for name in names if re.search(r"\.(csv|tsv|txt)(\.gz)?$", name)]
    if tables:
        return f"is a folder with {_some(tables)}; give the path of one file, or store the parts as Parquet"
    return f"is a folder with {_some(names)}; give the path of a CSV or Parquet file in it"


def _some(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return (", ".join(names[:3]) + more)[:150] if names else "nothing in it"


def is_folder_of(path: FilePath, parts: Callable[[FilePath], list[str]]) -> bool:
    """Whether the path is a folder in which `parts` finds files."""
    return os.path.isdir(path) and bool(parts(path))


def check_unique(path: str, names: Iterable[Any]) -> None:
    """Raise DataError if two columns have the same name."""
    known: set[Any] = set()
    for name in names:
        if name in known:
            raise DataError(f"{path}: two columns are named {name!r}; rename one.")
        known.add(name)


def text_problem(content: bytes) -> str:
    """What a file is, by its first bytes, if it is of a known format that is no table; otherwise empty."""
    for magic, problem in OTHER_FORMATS:
        if content.startswith(magic):
            return problem
    if content[257:262] == b"ustar":
        return "is a tar archive; unpack it and give the table in it"
    start = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if re.match(rb'\[\s*[\[{]|\{\s*["}]', start):
        return "is a JSON file; save the table as CSV or Parquet, for example with pandas.read_json(...).to_csv(...)"
    if re.match(rb"(?i)<(!doctype|html|\?xml|table)", start):
        return "is an HTML or XML file, not a table; download or save the data as CSV"
    return ""
