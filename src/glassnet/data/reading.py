"""The first steps of every reader of data files: open the file, recognise its format, unpack gzip.

The first bytes of a file decide its format, never its name. Unpacking stops at a limit, so that a small malicious file
cannot exhaust the memory.
"""

from __future__ import annotations

import gzip
import os
import zlib
from typing import IO, Any, cast

import numpy as np

from glassnet.errors import DataError

Array = np.ndarray[Any, Any]
FilePath = str | os.PathLike[str]

MAX_BYTES = 4 << 30
OTHER_FORMATS = (
    (b"\xff\xfe", "looks like UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "looks like UTF-16; save it as UTF-8"),
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


def open_data_file(path: FilePath) -> IO[bytes]:
    """Open a file for reading. Raises DataError for a missing file, a folder, or one that cannot be read."""
    name = os.fspath(path)
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise DataError(f"{name} does not exist; check the name and the folder.") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder; give the path of a file in it.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def decompressed(file: IO[bytes]) -> IO[bytes]:
    """The file itself or, if it is compressed with gzip, its decompressed contents."""
    compressed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return cast(IO[bytes], gzip.GzipFile(fileobj=file)) if compressed else file


def read_bytes(path: FilePath, limit: int = MAX_BYTES) -> bytes:
    """Read all bytes of a file, unpacking gzip. Raises DataError if there are more than `limit`."""
    with open_data_file(path) as file:
        try:
            content = decompressed(file).read(limit + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{os.fspath(path)} is damaged ({error}); copy or save it again.") from error
    if len(content) > limit:
        raise DataError(f"{os.fspath(path)} is larger than {limit >> 20:,} MB; split it into smaller files.")
    return content
