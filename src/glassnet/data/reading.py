"""What every reader of data files does first: open the file, unpack gzip, recognise what is in it.

The kind of a file is decided by its first bytes, never by its name, and never by trying one reader after another.
Unpacking stops at a limit, so that a small hostile file cannot fill the memory.
"""

from __future__ import annotations

import gzip
import os
import zlib
from typing import IO

from glassnet.errors import DataError

FilePath = str | os.PathLike[str]

MAX_BYTES = 4 << 30
OTHER_FORMATS = (
    (b"\xff\xfe", "looks like UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "looks like UTF-16; save it as UTF-8"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel or Office file; save the sheet as CSV (UTF-8)"),
    (b"\x89HDF\r\n\x1a\n", "is an HDF5 file; save the table as Parquet or CSV"),
    (b"ARROW1", "is an Arrow or Feather file; save the table as Parquet"),
    (b"SQLite format 3", "is an SQLite database; export the table as CSV"),
    (b"BZh", "is packed with bzip2; unpack it, or pack it with gzip"),
    (b"\xfd7zXZ\x00", "is packed with xz; unpack it, or pack it with gzip"),
    (b"\x28\xb5\x2f\xfd", "is packed with zstd; unpack it, or pack it with gzip"),
    (b"%PDF", "is a PDF; save the table as CSV"),
    *((bytes((0x80, version)), "is a pickle file; it could run code, so it is refused") for version in range(2, 6)),
)


def file_kind(path: FilePath) -> str:
    """What stands at `path`: "folder", "parquet", "zip", "npy", or "text" for all the rest.

    Raises DataError (a ValueError) where nothing stands there or it cannot be opened.
    """
    if os.path.isdir(path):
        return "folder"
    with opened(path) as file:
        first = file.read(8)
    kinds = {b"PAR1": "parquet", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"\x93NUM": "npy"}
    return kinds.get(first[:4], "text")


def opened(path: FilePath) -> IO[bytes]:
    """The file, open for reading; a missing file or a folder is refused in a sentence."""
    name = os.fspath(path)
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise DataError(f"{name} does not exist; look at its name and folder.") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder; name a file in it.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def read_bytes(path: FilePath, limit: int = MAX_BYTES) -> bytes:
    """All bytes of a file, unpacked where it is gzip; more than `limit` of them are refused."""
    with opened(path) as file:
        try:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            content = (gzip.GzipFile(fileobj=file) if packed else file).read(limit + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{os.fspath(path)} is damaged ({error}); copy or save it again.") from error
    if len(content) > limit:
        raise DataError(f"{os.fspath(path)} holds over {limit >> 20:,} MB; split it into smaller files.")
    return content
