"""The contents of a file that may be compressed with gzip, read as a stream with limits of size.

A few kilobytes of gzip can hold gigabytes of zeros. So unpacking stops as soon as the contents are too large for what
has been read of the file.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from typing import IO, Any, Protocol, cast

from glassnet.data.opening import MAX_BYTES, FilePath, open_data_file
from glassnet.errors import DataError

MAX_RATIO = 200  # of unpacked to packed bytes; tables of text reach 5 to 50
UNCHECKED_BYTES = 8 << 20  # of contents, from which on the ratio counts
BLOCK_BYTES = 1 << 20
PACKED_BLOCK_BYTES = 1 << 14


class Contents(Protocol):
    """What the contents of a file are read from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most so many; none at the end."""
        ...


class _Counted:
    """A packed file that gives few bytes at once, and counts them."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.count = file, 0

    def read(self, size: int = -1) -> bytes:
        limit = PACKED_BLOCK_BYTES if size < 0 else min(size, PACKED_BLOCK_BYTES)
        block = self.file.read(limit)
        self.count += len(block)
        return block


class _Unpacked:
    """The contents of a gzip file. Raises DataError where they are too large for it."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name, self.packed, self.size = name, _Counted(file), 0
        self.file = gzip.GzipFile(fileobj=cast(Any, self.packed), mode="rb")

    def read(self, size: int, /) -> bytes:
        block = self.file.read(min(size, BLOCK_BYTES))
        self.size += len(block)
        if self.size > UNCHECKED_BYTES and self.size > MAX_RATIO * self.packed.count:
            ratio = f"{MAX_RATIO} times its own size"
            raise DataError(f"{self.name} unpacks to more than {ratio}; if you trust it, unpack it (gunzip) first.")
        return block


def decompressed(file: IO[bytes], name: str = "The file") -> Contents:
    """The file itself or, if it is compressed with gzip, its contents, of which a read may give less than asked for."""
    compressed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return _Unpacked(name, file) if compressed else file


def read_bytes(path: FilePath, limit: int = MAX_BYTES) -> bytes:
    """Read all bytes of a file, unpacking gzip. Raises DataError if there are more than `limit`."""
    name = os.fspath(path)
    with open_data_file(path) as file:
        try:
            content = read_up_to(decompressed(file, name), limit + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{name} is damaged ({error}); copy or save it again.") from error
    if len(content) > limit:
        raise DataError(f"{name} is larger than {limit >> 20:,} MB; split it into smaller files.")
    return content


def read_up_to(contents: Contents, limit: int) -> bytes:
    """The next bytes, at most `limit`, without memory for more than there are."""
    buffer = io.BytesIO()
    while (left := limit - buffer.tell()) and (block := contents.read(min(left, BLOCK_BYTES))):
        buffer.write(block)
    return buffer.getvalue()
