"""The header of a model file: which tensors it has, of which dtype and shape, and where their bytes lie.

The layout is that of safetensors: eight bytes with the length of a JSON object, that object, and the tensors without
gaps. A header that is read is untrusted: every claim is checked here, before memory is allocated for it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import IO, Any, NamedTuple, NoReturn

import numpy as np

from glassnet.errors import ModelFileError
from glassnet.files.atomic_file import FilePath
from glassnet.files.documents import json_object
from glassnet.files.other_formats import foreign_format
from glassnet.program.parameters import Array

FORMAT = 3  # 1 where the document is in the header, 2 where it may be a tensor, 3 with a checksum
KEY = "glassnet"
DOCUMENT = "document"  # the tensor with the text of a document that is too large for the header
CHECKSUM = "checksum"  # the last tensor: the CRC-32 of all bytes before it, little-endian
CHECKSUM_BYTES = 4
MAX_HEADER = 1 << 20
MAX_DOCUMENT = 1 << 25
MAX_TENSORS = 4096
MAX_DIMENSIONS = 8
ALIGNMENT = 8  # of the first tensor; those with larger numbers come first, so that all of them are aligned
DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "I64": np.dtype("<i8")}
BYTES: dict[str, np.dtype[Any]] = {"U8": np.dtype("u1")}
NAMES = {dtype: name for name, dtype in (DTYPES | BYTES).items()}
OF_BYTES = (DOCUMENT, CHECKSUM)  # the tensors that are bytes


class Entry(NamedTuple):
    """One tensor as the header describes it; `begin` and `end` count bytes after the header."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


class Header(NamedTuple):
    """The bytes of a header with their length, the tensors in the order of the file, and the document.

    The document is None where it is a tensor.
    """

    content: bytes
    entries: list[Entry]
    document: dict[str, Any] | None


# Writing


def written_header(path: FilePath, tensors: Mapping[str, Array], document: str) -> tuple[bytes, list[str]]:
    """The header of a file of these tensors and a checksum, and the tensors' names in the order of the file.

    Raises ModelFileError where there are too many tensors, or their names are too long.
    """
    if len(tensors) - (DOCUMENT in tensors) > MAX_TENSORS:
        refuse(path, f"cannot hold {len(tensors):,} tensors; the limit is {MAX_TENSORS:,}")
    names, end = sorted(tensors, key=lambda name: (-tensors[name].itemsize, name)), 0
    claims: dict[str, Any] = {"__metadata__": {KEY: document}}
    for name in names:
        begin, end = end, end + tensors[name].nbytes
        claims[name] = _claim(NAMES[tensors[name].dtype.newbyteorder("<")], tensors[name].shape, begin, end)
    claims[CHECKSUM] = _claim("U8", (CHECKSUM_BYTES,), end, end + CHECKSUM_BYTES)
    text = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    if len(text) > MAX_HEADER:
        refuse(path, f"would need a header of {len(text):,} bytes; the limit is {MAX_HEADER:,}: use fewer tensors")
    return len(text).to_bytes(8, "little") + text, names


def _claim(dtype: str, shape: tuple[int, ...], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


# Reading


def read_header(path: FilePath, file: IO[bytes]) -> Header:
    """The header of an open file, which then stands at its first tensor. Raises ModelFileError for a false claim."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    first = file.read(9)
    length = int.from_bytes(first[:8], "little")
    if first[8:] == b"{" and length > MAX_HEADER:
        refuse(path, f"has a header of {length:,} bytes; the limit is {MAX_HEADER:,}")
    if first[8:] != b"{" or not 2 <= length <= size - 8:
        _refuse_other_file(path, first, size, length)
    content = first + file.read(length - 1)
    claims = parsed(path, content[8:])
    document, version = _document(path, claims.pop("__metadata__", None))
    entries = _entries(path, claims, version)
    _check_layout(path, entries, size - len(content))
    return Header(content, entries, _outside_tensors(path, document, entries, version))


def parsed(path: FilePath, text: bytes | str) -> dict[str, Any]:
    """A JSON object of the file."""
    try:
        return json_object(text)
    except ValueError as error:
        refuse(path, f"has a damaged header ({str(error)[:80]})", "copy or save it again")


def _refuse_other_file(path: FilePath, first: bytes, size: int, length: int) -> NoReturn:
    """Say what a file that does not begin like safetensors is."""
    if size == 0:
        refuse(path, "is empty", "save the model again")
    if other := foreign_format(first):
        refuse(path, f"is {other[0]}", other[1])
    if size < 9 or first[8:] == b"{":
        wanted = f" of at least {8 + length:,}" if first[8:] == b"{" else ""
        refuse(path, f"ends early, after {size:,} bytes{wanted}", "copy or save it again")
    refuse(path, "is not a glassnet model file", "give a file that glassnet saved")


def _document(path: FilePath, metadata: Any) -> tuple[dict[str, Any], int]:
    """The document of glassnet out of safetensors' metadata, and the format, which is checked here."""
    if not isinstance(metadata, dict) or not isinstance(metadata.get(KEY), str):
        refuse(path, "is a safetensors file, but not one that glassnet wrote", "give a file that glassnet saved")
    document = parsed(path, metadata[KEY])
    version = document.pop("format", None)
    if not _is_count(version) or version < 1:
        refuse(path, f"has a damaged header (format {str(version)[:20]!r})", "copy or save it again")
    if version > FORMAT:
        problem = f"was written by a newer glassnet (format {version}; this one reads {FORMAT})"
        refuse(path, problem, "upgrade glassnet")
    return document, version


def _outside_tensors(
    path: FilePath, document: dict[str, Any], entries: list[Entry], version: int
) -> dict[str, Any] | None:
    """The document, or None where it is a tensor, as in all files of format 2."""
    entry = next((entry for entry in entries if entry.name == DOCUMENT), None)
    if entry is None and version != 2:
        return document
    if entry is None or version == 1 or entry.end - entry.begin > MAX_DOCUMENT:
        damaged(path, DOCUMENT, "is missing" if entry is None else f"is no text of at most {MAX_DOCUMENT:,} bytes")
    return None


def _entries(path: FilePath, claims: dict[str, Any], version: int) -> list[Entry]:
    """The tensors in the order of the file; from format 3 on the last one is the checksum."""
    count = len(claims) - sum(name in claims for name in OF_BYTES)
    if count > MAX_TENSORS:
        refuse(path, f"has {count:,} tensors; the limit is {MAX_TENSORS:,}")
    entries = sorted((_entry(path, *item) for item in claims.items()), key=lambda entry: (entry.begin, entry.end))
    if (CHECKSUM in claims) != (version >= FORMAT):
        damaged(path, CHECKSUM, "is missing" if version >= FORMAT else f"does not belong to format {version}")
    if version >= FORMAT and (entries[-1].name != CHECKSUM or entries[-1].shape != (CHECKSUM_BYTES,)):
        damaged(path, CHECKSUM, f"is not the last one, of {CHECKSUM_BYTES} bytes")
    return entries


def _entry(path: FilePath, name: str, claim: Any) -> Entry:
    """The claim of one tensor, checked by itself: dtype, shape, and the number of bytes that both need."""
    if not isinstance(claim, dict) or set(claim) != {"dtype", "shape", "data_offsets"}:
        damaged(path, name, "needs exactly dtype, shape and data_offsets")
    dtype, shape, offsets = claim["dtype"], claim["shape"], claim["data_offsets"]
    known = BYTES if name in OF_BYTES else DTYPES
    if not isinstance(dtype, str) or dtype not in known:
        damaged(path, name, f"has dtype {str(dtype)[:20]!r}; known: {', '.join(known)}")
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not all(map(_is_count, shape)):
        damaged(path, name, f"has the shape {shape!r:.40}")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_count, offsets)):
        damaged(path, name, f"has the data_offsets {offsets!r:.40}")
    if offsets[1] - offsets[0] != math.prod(shape) * known[dtype].itemsize:
        damaged(path, name, f"has {offsets[1] - offsets[0]:,} bytes for {dtype} of shape {tuple(shape)}")
    return Entry(name, known[dtype], tuple(shape), *offsets)


def _is_count(value: Any) -> bool:
    """Whether a JSON value is a whole number that can be a size."""
    return type(value) is int and 0 <= value < 1 << 48


def _check_layout(path: FilePath, entries: list[Entry], size: int) -> None:
    """Refuse tensors that do not fill the rest of the file without gaps."""
    end = 0
    for entry in entries:
        if entry.begin != end:
            kind = "overlaps another tensor" if entry.begin < end else f"leaves {entry.begin - end:,} unused bytes"
            damaged(path, entry.name, kind)
        end = entry.end
    if end > size:
        refuse(path, f"ends early: it has {size:,} of {end:,} bytes of tensors", "copy or save it again")
    if end < size:
        refuse(path, f"has {size - end:,} bytes too many at its end", "copy or save it again")


def damaged(path: FilePath, name: str, problem: str) -> NoReturn:
    """Refuse a tensor of the file."""
    refuse(path, f"is damaged or hostile: tensor {name[:60]!r} {problem}")


def refuse(path: FilePath, problem: str, advice: str = "") -> NoReturn:
    """Raise the one sentence that names the file, what is wrong with it, and what to do."""
    raise ModelFileError(f"{os.fspath(path)} {problem}{'; ' + advice if advice else ''}.")
