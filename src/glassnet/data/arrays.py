"""Arrays from files: `.npz` with x and y, and folders of IDX files as MNIST is published.

Samples are rows here, as people store them. Sizes are compared with what the file really holds before memory is
taken, and nothing is ever unpickled.
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
from glassnet.data.reading import MAX_BYTES, FilePath, file_kind
from glassnet.errors import DataError

BOMB = 1 << 30
RATIO = 200

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Arrays:
    """x (n, features), y (n,) or (n, outputs) or none, the same for a test set kept apart, and an image's shape."""

    path: str
    x: Array
    y: Array | None
    test: tuple[Array, Array] | None = None
    image: tuple[int, int] | None = None

    def apart(self) -> Arrays:
        """The test set that lies apart, as arrays of its own; without one, these arrays."""
        return self if self.test is None else Arrays(os.path.join(self.path, "t10k-*"), *self.test, image=self.image)


def read_arrays(path: FilePath) -> Arrays:
    """The arrays of a `.npz` file (x and, where there is one, y) or of a folder of IDX files (train-*, t10k-*).

    Raises DataError (a ValueError): missing, damaged, not as large as it claims, or holding Python objects.
    """
    kind, name = file_kind(path), os.fspath(path)
    if kind == "folder":
        return _from_idx(path)
    if kind == "zip":
        return _from_npz(path)
    hint = "holds one array; save x and y with numpy.savez" if kind == "npy" else "is no .npz file"
    raise DataError(f"{name} {hint}.")


def _from_idx(folder: FilePath) -> Arrays:
    """The training half as x and y, the other as the test set; a half that is alone is x and y."""
    train, test = read_idx_folder(folder)
    images, labels = train or test  # type: ignore[misc]
    apart = (_flat(test[0]), test[1]) if train and test else None
    return Arrays(os.fspath(folder), _flat(images), labels, apart, _image(images))


def _from_npz(path: FilePath) -> Arrays:
    name = os.fspath(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if "x" not in members:
                held = ", ".join(members)[:100] or "nothing"
                raise DataError(f"{name} holds {held}; it needs an array x, and y to learn from.")
            x = _read_member(name, archive, members["x"])
            y = _read_member(name, archive, members["y"]) if "y" in members else None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{name} is damaged ({error}); save it again.") from error
    _check_x(name, x)
    _check_y(name, x, y)
    return Arrays(name, _flat(x), y, None, _image(x))


def _read_member(name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    """One array, whose header's claim is compared with the size of what is there before memory is taken."""
    what = f"{name}: array {info.filename.removesuffix('.npy')!r}"
    if info.file_size > MAX_BYTES or (info.file_size > BOMB and info.file_size > RATIO * info.compress_size):
        raise DataError(f"{what} unpacks to {info.file_size >> 20:,} MB from {info.compress_size:,} bytes; refused.")
    with archive.open(info) as file:
        try:
            shape, fortran, dtype = _npy_header(file)
        except (ValueError, SyntaxError, TokenError, RecursionError) as error:
            raise DataError(f"{what} is no NumPy array ({str(error).splitlines()[0][:80]}).") from None
        if dtype.hasobject:
            raise DataError(f"{what} holds Python objects (pickle); refused: save numbers or text.")
        left = info.file_size - file.tell()
        if math.prod(shape) * dtype.itemsize != left:
            raise DataError(f"{what} claims shape {shape} of {dtype}, but holds {left:,} bytes.")
        content = file.read()
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")


def _npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and dtype."""
    version = npy.read_magic(file)
    if version == (1, 0):
        return npy.read_array_header_1_0(file)
    if version == (2, 0):
        return npy.read_array_header_2_0(file)
    raise ValueError(f"version {version}")


def _check_x(name: str, x: Array) -> None:
    """Refuse an x that is not real numbers, one sample a row, none missing."""
    if x.dtype.kind not in "buif":
        raise DataError(f"{name}: x is of dtype {x.dtype}; it must be numbers.")
    if x.ndim < 2:
        raise DataError(f"{name}: x has shape {x.shape}; it needs one row a sample: (n, features).")
    if not x.size:
        raise DataError(f"{name}: x has shape {x.shape}; there is nothing in it.")
    if x.dtype.kind == "f" and not (good := np.isfinite(_flat(x))).all():
        row, column = (int(place) for place in np.argwhere(~good)[0])
        value = "NaN" if np.isnan(_flat(x)[row, column]) else "infinite"
        raise DataError(
            f"{name}: x is {value} first at row {row}, column {column}, counted from 0 "
            f"({int((~good).sum()):,} such in all); fill these in or drop them."
        )


def _check_y(name: str, x: Array, y: Array | None) -> None:
    """Refuse a y that has not a row for each of x."""
    if y is None:
        return
    if y.ndim not in (1, 2) or y.dtype.kind not in "buifU":
        raise DataError(f"{name}: y has shape {y.shape} and dtype {y.dtype}; it needs a class or numbers a row.")
    if len(y) != len(x):
        hint = "; samples are rows in a file: save x.T" if len(y) == x.shape[1] else ""
        raise DataError(f"{name}: x has {len(x):,} rows but y has {len(y):,}{hint}.")


def _flat(x: Array) -> Array:
    """Samples as rows of numbers; images lose their shape."""
    return x.reshape(len(x), -1)


def _image(x: Array) -> tuple[int, int] | None:
    """The rows and columns of an image, where samples are images."""
    return (x.shape[1], x.shape[2]) if x.ndim == 3 else None
