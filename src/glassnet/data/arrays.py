"""Read arrays from files: `.npz` with x and y, or a folder of IDX files such as MNIST's.

Samples are rows. The sizes that a file declares are compared with its actual size before memory is allocated, and
nothing is unpickled.
"""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from dataclasses import dataclass
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from glassnet.data.idx import read_idx_folder
from glassnet.data.reading import MAX_BYTES, Array, FilePath, file_kind
from glassnet.errors import DataError

MAX_UNCHECKED_BYTES = 1 << 30  # above this, a compression ratio over MAX_COMPRESSION_RATIO is refused
MAX_COMPRESSION_RATIO = 200


@dataclass(frozen=True)
class Arrays:
    """x (n, features), y (n,), (n, outputs) or None, a separate test set (x, y), and the shape of an image."""

    path: str
    x: Array
    y: Array | None
    test: tuple[Array, Array] | None = None
    image: tuple[int, int] | None = None

    def test_arrays(self) -> Arrays:
        """The separate test set as Arrays; without one, these arrays."""
        return self if self.test is None else Arrays(os.path.join(self.path, "t10k-*"), *self.test, image=self.image)


def is_npz(path: FilePath) -> bool:
    """Whether a zip file holds arrays; a damaged one counts, because its name is all that is left of it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return os.fspath(path).endswith(".npz")
    return not names or any(name.endswith(".npy") for name in names)


def read_arrays(path: FilePath) -> Arrays:
    """Read a `.npz` file (x and, if present, y) or a folder of IDX files (train-*, t10k-*).

    Raises DataError (a ValueError) if a file is missing or damaged, declares a wrong size, or holds Python objects.
    """
    kind, name = file_kind(path), os.fspath(path)
    if kind == "folder":
        return _from_idx(path)
    if kind == "zip":
        return _from_npz(path)
    hint = "holds a single array; save x and y with numpy.savez" if kind == "npy" else "is not a .npz file"
    raise DataError(f"{name} {hint}.")


def _from_idx(folder: FilePath) -> Arrays:
    """train-* as x and y, t10k-* as the test set; if only one of them exists, it is x and y."""
    train, test = read_idx_folder(folder)
    images, labels = train or test  # type: ignore[misc]
    test_set = (_flat(test[0]), test[1]) if train and test else None
    return Arrays(os.fspath(folder), _flat(images), labels, test_set, _image(images))


def _from_npz(path: FilePath) -> Arrays:
    name = os.fspath(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if "x" not in members:
                names = ", ".join(members)[:100] or "no arrays"
                raise DataError(f"{name} holds {names}; it must hold an array x and, for training, y.")
            x = _read_member(name, archive, members["x"])
            y = _read_member(name, archive, members["y"]) if "y" in members else None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{name} is damaged ({error}); save it again.") from error
    _check_x(name, x)
    _check_y(name, x, y)
    return Arrays(name, _flat(x), y, None, _image(x))


def _read_member(name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    """Read one array after comparing the size that its header declares with the actual size."""
    what = f"{name}: array {info.filename.removesuffix('.npy')!r}"
    ratio = info.file_size / max(info.compress_size, 1)
    if info.file_size > MAX_BYTES or (info.file_size > MAX_UNCHECKED_BYTES and ratio > MAX_COMPRESSION_RATIO):
        raise DataError(f"{what} unpacks from {info.compress_size:,} bytes to {info.file_size >> 20:,} MB; refused.")
    with archive.open(info) as file:
        try:
            shape, fortran, dtype = npy_header(file)
        except (ValueError, SyntaxError, TokenError, RecursionError) as error:
            raise DataError(f"{what} is not a valid NumPy array ({str(error).splitlines()[0][:80]}).") from None
        if dtype.hasobject:
            raise DataError(f"{what} holds Python objects (pickle), which are refused; save numbers or text.")
        size = info.file_size - file.tell()
        if math.prod(shape) * dtype.itemsize != size:
            raise DataError(f"{what} declares shape {shape} of {dtype}, but holds {size:,} bytes; save it again.")
        content = file.read()
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")


def npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """The shape, whether the order is Fortran's, and the dtype."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"unsupported version {version}")
    return npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)


def _check_x(name: str, x: Array) -> None:
    """Refuse an x that is not made of finite real numbers with one sample per row."""
    if x.dtype.kind not in "buif":
        raise DataError(f"{name}: x has dtype {x.dtype}; it must hold real numbers.")
    if x.ndim < 2:
        raise DataError(f"{name}: x has shape {x.shape}; it must have one row per sample: (n, features).")
    if not x.size:
        raise DataError(f"{name}: x is empty (shape {x.shape}).")
    if x.dtype.kind == "f" and not (finite := np.isfinite(_flat(x))).all():
        row, column = (int(index) for index in np.argwhere(~finite)[0])
        raise DataError(
            f"{name}: x has {int((~finite).sum()):,} NaN or infinite values, the first ({_flat(x)[row, column]}) "
            f"at row {row}, column {column}, counted from 0; replace them or drop their rows."
        )


def _check_y(name: str, x: Array, y: Array | None) -> None:
    """Refuse a y that does not have one row for each row of x."""
    if y is None:
        return
    if y.ndim not in (1, 2) or y.dtype.kind not in "buifU":
        raise DataError(f"{name}: y has shape {y.shape} and dtype {y.dtype}; it needs a class or numbers per row.")
    if len(y) != len(x):
        hint = "; samples must be rows: save x.T" if len(y) == x.shape[1] else ""
        raise DataError(f"{name}: x has {len(x):,} rows but y has {len(y):,}{hint}.")


def _flat(x: Array) -> Array:
    """Samples as rows of numbers; images are flattened."""
    return x.reshape(len(x), -1)


def _image(x: Array) -> tuple[int, int] | None:
    """The rows and columns of an image, if the samples are images."""
    return (x.shape[1], x.shape[2]) if x.ndim == 3 else None
