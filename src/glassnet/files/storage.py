"""Model files: safetensors, with everything that is not a tensor in one JSON document.

A model, a checkpoint or the command line passes named arrays and a document; after a write the file is either the old
one or the new one, nothing in between. A file that is read is untrusted: every claim of its header is checked before
memory is allocated for it, and nothing in it is ever executed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import stat
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from platform import node
from typing import IO, Any, NamedTuple, NoReturn

import numpy as np

from glassnet.errors import GlassnetError, ModelFileError
from glassnet.program.parameters import Array

FORMAT = 1
KEY = "glassnet"
MAX_HEADER = 1 << 20
MAX_TENSORS = 4096
MAX_DIMENSIONS = 8
DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "I64": np.dtype("<i8")}
OTHER_FORMATS = (
    (b"PK\x03\x04", "a zip file (as PyTorch, Keras and .npz files are)", "it may hold pickles, which could run code"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "glassnet does not read it"),
    (b"\x1f\x8b", "a gzip file", "decompress it first if it contains a glassnet model"),
    (b"PAR1", "a Parquet file", "it is data, not a model"),
    (b"\x93NUMPY", "a NumPy array file", "it is data, not a model"),
    (b"GGUF", "a GGUF file", "glassnet does not read it"),
)

FilePath = str | os.PathLike[str]


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
        document = json.dumps({"format": FORMAT, **metadata}, allow_nan=False, ensure_ascii=False)
        content = save(writable, {KEY: document})
    except (TypeError, ValueError) as error:
        _refuse(path, f"cannot hold this metadata ({error}); it must be finite numbers, text, lists and dicts")
    header = int.from_bytes(content[:8], "little")
    if header > MAX_HEADER:
        _refuse(path, f"would need a header of {header:,} bytes; the limit is {MAX_HEADER:,}: use fewer columns")
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
    return {entry.name: _read_tensor(file, path, start, entry) for entry in entries}, metadata


def read_metadata(path: FilePath) -> dict[str, Any]:
    """The document of a model file alone; the header is checked as in `read_tensors`, the tensors are not read."""
    with opened(path) as file:
        return _read_header(file, path)[1]


# Writing


@contextlib.contextmanager
def atomic_file(path: FilePath, error: type[GlassnetError] = ModelFileError) -> Iterator[IO[bytes]]:
    """A file to write that replaces `path` when the block ends without an error, and leaves no trace otherwise.

    Raises `error`, one sentence, where the file cannot be written; an existing file at `path` is then unchanged.
    """
    target = Path(path)
    check_target(target, error)
    temporary = target.with_name(f"{_stem(target)}{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        _sweep(target)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
    except OSError as problem:
        state = "the old file is unchanged" if target.exists() else "nothing was written"
        raise error(f"{target} cannot be written: {problem.strerror or problem}; {state}.") from problem
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    _sync_folder(target.parent)


def check_target(path: FilePath, error: type[GlassnetError] = ModelFileError) -> None:
    """Raise `error` where the target is a folder, a link or a device, or its folder is missing."""
    target = Path(path)
    if target.is_symlink():
        raise error(f"{target} is a symbolic link; name the file it points to, {os.path.realpath(target)}.")
    if target.is_dir():
        raise error(f"{target} is a folder; name a file in it.")
    if target.exists() and not target.is_file():
        raise error(f"{target} is not an ordinary file; name one that is.")
    if not target.parent.is_dir():
        raise error(f"{target} cannot be written: there is no folder {target.parent}; make it first.")


def _stem(target: Path) -> str:
    """The start of the names of this machine's temporary files for `target`; short, however long its name is."""
    return f".glassnet-{zlib.crc32(target.name.encode()):08x}-{zlib.crc32(node().encode()):08x}-"


def _sweep(target: Path) -> None:
    """Remove the temporary files of processes that were killed while they wrote this file."""
    for left in target.parent.glob(f"{_stem(target)}*.tmp"):
        process = left.name.removeprefix(_stem(target)).split("-")[0]
        with contextlib.suppress(OSError):
            old = time.time() - left.stat().st_mtime > 86400
            if old or (process.isdecimal() and not _runs(int(process))):
                left.unlink()


def _runs(process: int) -> bool:
    """Whether a process of this machine is alive; True where that cannot be determined."""
    if os.name == "posix":
        try:
            os.kill(process, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except OSError:
            pass
    return True


def _sync_folder(folder: Path) -> None:
    """Make the rename survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


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
    metadata = _document(path, header.pop("__metadata__", None))
    if len(header) > MAX_TENSORS:
        _refuse(path, f"has {len(header):,} tensors; the limit is {MAX_TENSORS:,}")
    entries = sorted((_entry(path, *item) for item in header.items()), key=lambda entry: (entry.begin, entry.end))
    _check_layout(path, entries, size - 8 - length)
    return entries, metadata, 8 + length


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
    """A JSON object. Duplicate keys, NaN, and anything but an object are refused."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(items := dict(pairs)) < len(pairs):
            raise ValueError("a key occurs twice")
        return items

    def constant(literal: str) -> NoReturn:
        raise ValueError(f"it contains {literal}")

    try:
        result = json.loads(text, object_pairs_hook=unique, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        _refuse(path, f"has a damaged header ({reason[:80]})", "copy or save it again")
    if not isinstance(result, dict):
        _refuse(path, "has a damaged header (it is not a JSON object)", "copy or save it again")
    return result


def _document(path: FilePath, metadata: Any) -> dict[str, Any]:
    """The document of glassnet out of safetensors' metadata, without its format number, which is checked here."""
    if not isinstance(metadata, dict) or not isinstance(metadata.get(KEY), str):
        _refuse(path, "is a safetensors file, but not one that glassnet wrote", "give a file that glassnet saved")
    document = _json(path, metadata[KEY])
    version = document.pop("format", None)
    if not _is_count(version) or version < 1:
        _refuse(path, f"has a damaged header (format {str(version)[:20]!r})", "copy or save it again")
    if version > FORMAT:
        problem = f"was written by a newer glassnet (format {version}; this one reads {FORMAT})"
        _refuse(path, problem, "upgrade glassnet")
    return document


def _entry(path: FilePath, name: str, claim: Any) -> _Entry:
    """The claim of one tensor, checked by itself: dtype, shape, and the number of bytes that both need."""
    if not isinstance(claim, dict) or set(claim) != {"dtype", "shape", "data_offsets"}:
        _damaged(path, name, "needs exactly dtype, shape and data_offsets")
    dtype, shape, offsets = claim["dtype"], claim["shape"], claim["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        _damaged(path, name, f"has dtype {str(dtype)[:20]!r}; known: {', '.join(DTYPES)}")
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not all(map(_is_count, shape)):
        _damaged(path, name, f"has the shape {str(shape)[:40]}")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_count, offsets)):
        _damaged(path, name, f"has the data_offsets {str(offsets)[:40]}")
    if offsets[1] - offsets[0] != math.prod(shape) * DTYPES[dtype].itemsize:
        _damaged(path, name, f"has {offsets[1] - offsets[0]:,} bytes for {dtype} of shape {tuple(shape)}")
    return _Entry(name, DTYPES[dtype], tuple(shape), *offsets)


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
