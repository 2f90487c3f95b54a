"""Zip files, which .npz files are, opened within limits: of their list of contents, and of what a member unpacks to."""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import IO

from glassnet.data.opening import MAX_BYTES
from glassnet.data.unpacking import MAX_RATIO
from glassnet.errors import DataError

ZIP_ERRORS = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, struct.error),
    UnicodeError,  # a name that is no text
)
UNCHECKED_BYTES = 64 << 20  # of an array, from which on its ratio counts
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MAX_DIRECTORY_BYTES = 1 << 20  # of the list of contents: about 10,000 names
TAIL_BYTES = 22 + (1 << 16)  # the record at the end, with its comment


def open_zip(file: IO[bytes]) -> zipfile.ZipFile:
    """Open a zip file. Raises zipfile.BadZipFile where it is damaged, or its list of contents too long to be read."""
    size = file.seek(0, 2)
    file.seek(max(0, size - TAIL_BYTES))
    tail = file.read(TAIL_BYTES)
    end = tail.rfind(b"PK\x05\x06")
    if end >= 0 and len(tail) >= end + 22:
        length = struct.unpack_from("<I", tail, end + 12)[0]
        if (locator := tail.rfind(b"PK\x06\x06", 0, end)) >= 0 and len(tail) >= locator + 48:
            length = max(length if length < 2**32 - 1 else 0, struct.unpack_from("<Q", tail, locator + 40)[0])
        if length > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its list of contents has {length:,} bytes")
    file.seek(0)
    try:
        return zipfile.ZipFile(file)
    except ValueError as error:  # a name that is no text, or a place before the beginning of the file
        raise zipfile.BadZipFile(f"its list of contents is damaged ({error})") from error


def check_member(what: str, info: zipfile.ZipInfo) -> None:
    """Refuse a member that is encrypted, packed in another way than NumPy does, or unpacks to too much."""
    if info.flag_bits & 1:
        raise DataError(f"{what} is encrypted; save it without a password.")
    if info.compress_type not in METHODS:
        raise DataError(f"{what} is compressed in a way that NumPy does not use; save it with numpy.savez.")
    large = info.file_size > UNCHECKED_BYTES and info.file_size > MAX_RATIO * info.compress_size
    if info.file_size > MAX_BYTES or large:
        sizes = f"unpacks from {info.compress_size:,} bytes to {info.file_size >> 20:,} MB"
        raise DataError(f"{what} {sizes}; if you trust it, save it uncompressed with numpy.savez.")
