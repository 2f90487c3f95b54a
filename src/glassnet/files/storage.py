"""Model files: safetensors, with everything that is not a tensor in one JSON document, and a checksum at the end.

A model, a checkpoint or the command line passes named arrays and a document; after a write the file is either the old
one or the new one, nothing in between. Tensors are written and read block by block, so that a file is never in memory
a second time. Nothing in a file is ever executed.
"""

from __future__ import annotations

import contextlib
import os
import stat
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any

import numpy as np

from glassnet.errors import GlassnetError
from glassnet.files.atomic_file import FilePath, atomic_file, check_path
from glassnet.files.documents import document_text
from glassnet.files.header import (
    CHECKSUM,
    CHECKSUM_BYTES,
    DOCUMENT,
    DTYPES,
    FORMAT,
    MAX_DOCUMENT,
    Entry,
    damaged,
    parsed,
    read_header,
    refuse,
    written_header,
)
from glassnet.files.replacing import MODEL
from glassnet.program.parameters import Array

MAX_DOCUMENT_IN_HEADER = 1 << 18
BLOCK = 1 << 22  # bytes that are written, read or checked at a time
Content = tuple[dict[str, Array], dict[str, Any]]


# Writing


def write_tensors(path: FilePath, tensors: Mapping[str, Array], metadata: Mapping[str, Any]) -> None:
    """Write named float32, float64 or int64 arrays and one JSON document to a model file, atomically.

    Raises ModelFileError (a ValueError), and then leaves an existing file unchanged.
    """
    content = _content(path, tensors, metadata)
    with atomic_file(path, kind=MODEL) as file:
        for part in content:
            file.write(part)


def packed(path: FilePath, tensors: Mapping[str, Array], metadata: Mapping[str, Any]) -> bytes:
    """The content of a model file; an error names `path`, its destination."""
    return b"".join(_content(path, tensors, metadata))


def _content(path: FilePath, tensors: Mapping[str, Array], metadata: Mapping[str, Any]) -> Iterator[Any]:
    """The file part by part; it is checked before the first of them."""
    arrays = {name: _writable(path, name, tensor) for name, tensor in tensors.items()}
    try:
        document = document_text({"format": FORMAT, **metadata})
        if len(document) > MAX_DOCUMENT_IN_HEADER:
            arrays[DOCUMENT] = _text_tensor(path, document_text(metadata))
            document = document_text({"format": FORMAT})
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(error, GlassnetError):
            raise
        refuse(path, f"cannot hold this metadata ({error}); it must be finite numbers, text, lists and dicts")
    header, names = written_header(path, arrays, document.decode())
    return _with_checksum(header, [arrays[name] for name in names])


def _with_checksum(header: bytes, arrays: list[Array]) -> Iterator[Any]:
    checksum = zlib.crc32(header)
    yield header
    for array in arrays:
        for block in _blocks(array):
            part = np.ascontiguousarray(block, block.dtype.newbyteorder("<")).reshape(-1).view(np.uint8).data
            checksum = zlib.crc32(part, checksum)
            yield part
    yield checksum.to_bytes(CHECKSUM_BYTES, "little")


def _blocks(array: Array) -> Iterator[Array]:
    """The array in parts of some rows; an array without rows is one part, an empty one none."""
    if not array.ndim or not array.size:
        yield from [array] if array.size else []
        return
    rows = max(1, BLOCK * len(array) // array.nbytes)
    for first in range(0, len(array), rows):
        yield array[first : first + rows]


def _text_tensor(path: FilePath, text: bytes) -> Array:
    """The text of a large document as a tensor of bytes."""
    if len(text) > MAX_DOCUMENT:
        size = f"{len(text) / 1e6:,.0f} MB of names, categories and settings; the limit is {MAX_DOCUMENT / 1e6:,.0f}"
        refuse(path, f"cannot hold {size}: leave out columns with many values")
    return np.frombuffer(text, np.uint8)


def _writable(path: FilePath, name: str, tensor: Array) -> Array:
    """The tensor, which the file can hold: of a known dtype, finite."""
    array = np.asarray(tensor)
    if array.dtype.newbyteorder("<") not in DTYPES.values():
        refuse(path, f"cannot hold {name} of dtype {array.dtype}; float32, float64 and int64 can be saved")
    if name in (DOCUMENT, CHECKSUM):
        refuse(path, f"cannot hold a tensor named {name!r}, as its own is", "give it another name")
    _check_finite(path, name, array)
    return array


# Reading


def read_tensors(path: FilePath) -> Content:
    """The arrays and the document of a model file, every claim of its header checked first.

    Raises ModelFileError (a ValueError) for a file that is damaged, not glassnet's, or from a newer version.
    """
    with opened(path) as file:
        return unpacked(path, file)


def unpacked(path: FilePath, file: IO[bytes]) -> Content:
    """The same from an open file, or from the result of `packed`; an error names `path`, its origin."""
    header = read_header(path, file)
    checksum, tensors = zlib.crc32(header.content), dict[str, Array]()
    for entry in header.entries:
        before = checksum
        tensors[entry.name], checksum = _read_tensor(path, file, entry, checksum)
    if CHECKSUM in tensors and tensors.pop(CHECKSUM).tobytes() != before.to_bytes(CHECKSUM_BYTES, "little"):
        refuse(path, "is damaged: its bytes do not fit its checksum", "copy or save it again")
    document = header.document
    if document is None:
        document = parsed(path, tensors.pop(DOCUMENT).tobytes())
    for name, tensor in tensors.items():
        _check_finite(path, name, tensor)
        tensors[name] = tensor.astype(tensor.dtype.newbyteorder("="), copy=False)
    return tensors, document


def _read_tensor(path: FilePath, file: IO[bytes], entry: Entry, checksum: int) -> tuple[Array, int]:
    """The values of one tensor as they are in the file, and the checksum of the file up to its end."""
    try:
        array = np.empty(entry.shape, entry.dtype)
    except (ValueError, MemoryError):
        damaged(path, entry.name, f"has the shape {entry.shape}, for which there is no memory")
    part = array.reshape(-1).view(np.uint8).data
    for first in range(0, len(part), BLOCK):
        block = part[first : first + BLOCK]
        if file.readinto(block) != len(block):  # type: ignore[attr-defined]
            refuse(path, f"ends early, in tensor {entry.name!r}", "copy or save it again")
        checksum = zlib.crc32(block, checksum)
    return array, checksum


@contextlib.contextmanager
def opened(path: FilePath) -> Iterator[IO[bytes]]:
    """The file, opened for reading. Raises ModelFileError for a pipe, a folder or a missing file."""
    check_path(path)
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            refuse(path, "is a folder" if stat.S_ISDIR(mode) else "is not an ordinary file", "name a model file")
        with open(path, "rb") as file:
            yield file
    except FileNotFoundError:
        refuse(path, "does not exist", "check its name")
    except (OSError, ValueError) as error:
        if isinstance(error, GlassnetError):
            raise
        refuse(path, f"cannot be read: {getattr(error, 'strerror', None) or error}")


def is_finite(array: Array) -> bool:
    """Whether all numbers are finite; a copy of the array is not made."""
    return array.dtype.kind != "f" or all(np.isfinite(block).all() for block in _blocks(array))


def _check_finite(path: FilePath, name: str, array: Array) -> None:
    """Refuse NaN and infinity, naming the first."""
    if is_finite(array):
        return
    index = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
    value = "NaN" if np.isnan(array[index]) else "infinite"
    at = f"[{', '.join(map(str, index))}]" if index else ""
    refuse(path, f"has a value that is not a finite number: {name}{at} is {value}")
