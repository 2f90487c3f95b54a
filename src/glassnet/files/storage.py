"""Model files: safetensors, with everything that is not a tensor in one JSON document.

A model, a checkpoint or the command line passes named arrays and a document; after a write the file is either the old
one or the new one, nothing in between. A file that is read is untrusted: every claim of its header is checked before
memory is allocated for it, and nothing in it is ever executed.
"""

from __future__ import annotations

import contextlib
import math
import os
import stat
from collections.abc import Iterator, Mapping
from typing import IO, Any, NamedTuple, NoReturn

import numpy as np

from glassnet.errors import GlassnetError, ModelFileError
from glassnet.files.atomic_file import FilePath, atomic_file
from glassnet.files.documents import document_text, json_object
from glassnet.program.parameters import Array

FORMAT = 2  # 1 where the document is in the header
KEY = "glassnet"
DOCUMENT = "document"  # the tensor with the text of a document that is too large for the header
MAX_HEADER = 1 << 20
MAX_DOCUMENT_IN_HEADER = 1 << 18
MAX_DOCUMENT = 1 << 25
MAX_TENSORS = 4096
MAX_DIMENSIONS = 8
DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "I64": np.dtype("<i8")}
TEXT: dict[str, np.dtype[Any]] = {"U8": np.dtype("u1")}
OTHER_FORMATS = (
    (b"PK\x03\x04", "a zip file (as PyTorch, Keras and .npz files are)", "it may hold pickles, which could run code"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "glassnet does not read it"),
    (b"\x1f\x8b", "a gzip file", "decompress it first if it contains a glassnet model"),
    (b"PAR1", "a Parquet file", "it is data, not a model"),
    (b"\x93NUMPY", "a NumPy array file", "it is data, not a model"),
    (b"GGUF", "a GGUF file", "glassnet does not read it"),
)


class _Entry(NamedTuple):
    """One tensor as the header describes it; `begin` and `end` count bytes after the header."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


def write_tensors(path: FilePath, tensors: Mapping[str, Array], metadata: Mapping[str, Any]) -> None:
    """Write named float32, float64 or int64 arrays and one JSON document to a model file, atomically.

    Raises ModelFileError (a ValueError), and then leaves an existing file unchanged.
    """
    content = packed(path, tensors, metadata)
    with atomic_file(path) as file:
        file.write(content)


def packed(path: FilePath, tensors: Mapping[str, Array], metadata: Mapping[str, Any]) -> bytes:
    """The content of a model file; an error names `path`, its destination."""
    from safetensors.numpy import save

    writable = {name: _writable(path, name, tensor) for name, tensor in tensors.items()}
    if len(writable) > MAX_TENSORS:
        _refuse(path, f"cannot hold {len(writable):,} tensors; the limit is {MAX_TENSORS:,}")
    try:
        document = document_text({"format": 1, **metadata})
        if len(document) > MAX_DOCUMENT_IN_HEADER:
            writable |= {DOCUMENT: _text_tensor(path, document_text(metadata))}
            document = document_text({"format": FORMAT})
        content = save(writable, {KEY: document.decode()})
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(error, GlassnetError):
            raise
        _refuse(path, f"cannot hold this metadata ({error}); it must be finite numbers, text, lists and dicts")
    header = int.from_bytes(content[:8], "little")
    if header > MAX_HEADER:
        _refuse(path, f"would need a header of {header:,} bytes; the limit is {MAX_HEADER:,}: use fewer tensors")
    return content


def read_tensors(path: FilePath) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the document of a model file, every claim of its header checked first.

    Raises ModelFileError (a ValueError) for a file that is damaged, not glassnet's, or from a newer version.
    """
    with opened(path) as file:
        return unpacked(path, file)


def unpacked(path: FilePath, file: IO[bytes]) -> tuple[dict[str, Array], dict[str, Any]]:
    """The same from an open file, or from the result of `packed`; an error names `path`, its origin."""
    entries, metadata, start = _read_header(file, path)
    return {entry.name: _read_tensor(file, path, start, entry) for entry in entries if entry.name != DOCUMENT}, metadata


def read_metadata(path: FilePath) -> dict[str, Any]:
    """The document of a model file alone; the header is checked as in `read_tensors`, the tensors are not read."""
    with opened(path) as file:
        return _read_header(file, path)[1]


# Writing


def _text_tensor(path: FilePath, text: bytes) -> Array:
    """The text of a large document as a tensor of bytes."""
    if len(text) > MAX_DOCUMENT:
        size = f"{len(text) / 1e6:,.0f} MB of names, categories and settings; the limit is {MAX_DOCUMENT / 1e6:,.0f}"
        _refuse(path, f"cannot hold {size}: leave out columns with many values")
    return np.frombuffer(text, np.uint8)


def _writable(path: FilePath, name: str, tensor: Array) -> Array:
    """The tensor as the file stores it: C order, little-endian, finite."""
    array = np.asarray(tensor, order="C")
    dtype = array.dtype.newbyteorder("<")
    if dtype not in DTYPES.values():
        _refuse(path, f"cannot hold {name} of dtype {array.dtype}; float32, float64 and int64 can be saved")
    _check_finite(path, name, array)
    return array.astype(dtype, copy=False)


# Reading


@contextlib.contextmanager
def opened(path: FilePath) -> Iterator[IO[bytes]]:
    """The file, opened for reading. Raises ModelFileError for a pipe, a folder or a missing file."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            _refuse(path, "is a folder" if stat.S_ISDIR(mode) else "is not an ordinary file", "name a model file")
        with open(path, "rb") as file:
            yield file
    except FileNotFoundError:
        _refuse(path, "does not exist", "check its name")
    except (OSError, ValueError) as error:
        if isinstance(error, GlassnetError):
            raise
        _refuse(path, f"cannot be read: {getattr(error, 'strerror', None) or error}")


def _read_header(file: IO[bytes], path: FilePath) -> tuple[list[_Entry], dict[str, Any], int]:
    """The tensors in the order of the file, the document, and the offset at which the tensors' bytes begin."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    first = file.read(9)
    length = int.from_bytes(first[:8], "little")
    if first[8:] == b"{" and length > MAX_HEADER:
        _refuse(path, f"has a header of {length:,} bytes; the limit is {MAX_HEADER:,}")
    if first[8:] != b"{" or not 2 <= length <= size - 8:
        _recognise(path, first, size, length)
    header = _json(path, b"{" + file.read(length - 1))
    metadata, version = _document(path, header.pop("__metadata__", None))
    if len(header) - (version > 1) > MAX_TENSORS:
        _refuse(path, f"has {len(header):,} tensors; the limit is {MAX_TENSORS:,}")
    entries = sorted((_entry(path, *item) for item in header.items()), key=lambda entry: (entry.begin, entry.end))
    _check_layout(path, entries, size - 8 - length)
    if version > 1:
        metadata = _large_document(path, file, 8 + length, entries)
    return entries, metadata, 8 + length


def _large_document(path: FilePath, file: IO[bytes], start: int, entries: list[_Entry]) -> dict[str, Any]:
    """The document that is stored as a tensor of bytes."""
    entry = next((entry for entry in entries if entry.name == DOCUMENT), None)
    if entry is None or entry.dtype != TEXT["U8"] or entry.end - entry.begin > MAX_DOCUMENT:
        _damaged(path, DOCUMENT, "is missing" if entry is None else f"is no text of at most {MAX_DOCUMENT:,} bytes")
    return _json(path, _read_tensor(file, path, start, entry).tobytes())


def _recognise(path: FilePath, first: bytes, size: int, length: int) -> NoReturn:
    """Say what a file that does not begin like safetensors is."""
    if size == 0:
        _refuse(path, "is empty", "save the model again")
    for magic, what, why in OTHER_FORMATS:
        if first.startswith(magic):
            _refuse(path, f"is {what}, not a glassnet model: {why}")
    if first[:1] == b"\x80" and first[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        _refuse(path, "is a pickle file; it could run code, so it is refused", "save the model with glassnet")
    if first[:1] == b"\x08" and first[1:2] < b"\x20" and first[2:3] in b"\x12\x1a\x22\x2a\x32\x3a\x42":
        _refuse(path, "is an ONNX file, not a glassnet model", "give the .safetensors file it was exported from")
    if size < 9 or first[8:] == b"{":
        wanted = f" of at least {8 + length:,}" if first[8:] == b"{" else ""
        _refuse(path, f"ends early, after {size:,} bytes{wanted}", "copy or save it again")
    _refuse(path, "is not a glassnet model file", "give a file that glassnet saved")


def _json(path: FilePath, text: bytes | str) -> dict[str, Any]:
    """A JSON object of the file."""
    try:
        return json_object(text)
    except ValueError as error:
        _refuse(path, f"has a damaged header ({str(error)[:80]})", "copy or save it again")


def _document(path: FilePath, metadata: Any) -> tuple[dict[str, Any], int]:
    """The document of glassnet out of safetensors' metadata, and the format, which is checked here."""
    if not isinstance(metadata, dict) or not isinstance(metadata.get(KEY), str):
        _refuse(path, "is a safetensors file, but not one that glassnet wrote", "give a file that glassnet saved")
    document = _json(path, metadata[KEY])
    version = document.pop("format", None)
    if not _is_count(version) or version < 1:
        _refuse(path, f"has a damaged header (format {str(version)[:20]!r})", "copy or save it again")
    if version > FORMAT:
        problem = f"was written by a newer glassnet (format {version}; this one reads {FORMAT})"
        _refuse(path, problem, "upgrade glassnet")
    return document, version


def _entry(path: FilePath, name: str, claim: Any) -> _Entry:
    """The claim of one tensor, checked by itself: dtype, shape, and the number of bytes that both need."""
    if not isinstance(claim, dict) or set(claim) != {"dtype", "shape", "data_offsets"}:
        _damaged(path, name, "needs exactly dtype, shape and data_offsets")
    dtype, shape, offsets = claim["dtype"], claim["shape"], claim["data_offsets"]
    known = TEXT if name == DOCUMENT else DTYPES
    if not isinstance(dtype, str) or dtype not in known:
        _damaged(path, name, f"has dtype {str(dtype)[:20]!r}; known: {', '.join(known)}")
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not all(map(_is_count, shape)):
        _damaged(path, name, f"has the shape {str(shape)[:40]}")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_count, offsets)):
        _damaged(path, name, f"has the data_offsets {str(offsets)[:40]}")
    if offsets[1] - offsets[0] != math.prod(shape) * known[dtype].itemsize:
        _damaged(path, name, f"has {offsets[1] - offsets[0]:,} bytes for {dtype} of shape {tuple(shape)}")
    return _Entry(name, known[dtype], tuple(shape), *offsets)


def _is_count(value: Any) -> bool:
    """Whether a JSON value is a whole number that can be a size."""
    return type(value) is int and 0 <= value < 1 << 48


def _check_layout(path: FilePath, entries: list[_Entry], size: int) -> None:
    """Refuse tensors that do not fill the rest of the file without gaps."""
    end = 0
    for entry in entries:
        if entry.begin != end:
            kind = "overlaps another tensor" if entry.begin < end else f"leaves {entry.begin - end:,} unused bytes"
            _damaged(path, entry.name, kind)
        end = entry.end
    if end > size:
        _refuse(path, f"ends early: it has {size:,} of {end:,} bytes of tensors", "copy or save it again")
    if end < size:
        _refuse(path, f"has {size - end:,} bytes too many at its end", "copy or save it again")


def _read_tensor(file: IO[bytes], path: FilePath, start: int, entry: _Entry) -> Array:
    """The values of one tensor, in the machine's byte order, finite."""
    try:
        array = np.empty(entry.shape, entry.dtype)
    except ValueError:
        _damaged(path, entry.name, f"has the shape {entry.shape}")
    file.seek(start + entry.begin)
    if array.nbytes and file.readinto(array.reshape(-1).view(np.uint8)) != array.nbytes:  # type: ignore[attr-defined]
        _refuse(path, f"ends early, in tensor {entry.name!r}", "copy or save it again")
    _check_finite(path, entry.name, array)
    return array.astype(entry.dtype.newbyteorder("="), copy=False)


def _check_finite(path: FilePath, name: str, array: Array) -> None:
    """Refuse NaN and infinity, naming the first."""
    if not np.isfinite(array).all():
        index = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
        value = "NaN" if np.isnan(array[index]) else "infinite"
        at = f"[{', '.join(map(str, index))}]" if index else ""
        _refuse(path, f"has a value that is not a finite number: {name}{at} is {value}")


def _damaged(path: FilePath, name: str, problem: str) -> NoReturn:
    _refuse(path, f"is damaged or hostile: tensor {name[:60]!r} {problem}")


def _refuse(path: FilePath, problem: str, advice: str = "") -> NoReturn:
    """Raise the one sentence that names the file, what is wrong with it, and what to do."""
    raise ModelFileError(f"{os.fspath(path)} {problem}{'; ' + advice if advice else ''}.")
