"""Read arrays from files: `.npz` with x and y, `.npy` with x, or a folder of IDX files such as MNIST's.

Samples are rows. The sizes that a file declares are compared with its actual size before memory is allocated, and
nothing is unpickled.
"""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from typing import IO

import numpy as np

from glassnet.data.idx import read_idx_folder
from glassnet.data.npy_header import NpyHeader, read_npy_header, readable_bytes
from glassnet.data.npy_header import npy_header as npy_header
from glassnet.data.reading import MAX_BYTES, Array, FilePath, file_kind, open_data_file, seekable
from glassnet.data.zip_file import ZIP_ERRORS, check_member, open_zip
from glassnet.errors import DataError

BLOCK_BYTES = 1 << 20


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
        with open_data_file(path) as file, open_zip(file) as archive:
            names = archive.namelist()
    except ZIP_ERRORS:
        return os.fspath(path).endswith(".npz")
    return not names or any(name.endswith(".npy") for name in names)


def read_arrays(path: FilePath) -> Arrays:
    """Read a `.npz` file (x and, if present, y), a `.npy` file (x alone) or a folder of IDX files (train-*, t10k-*).

    Raises DataError (a ValueError) if a file is missing or damaged, declares a wrong size, or holds Python objects.
    """
    path = seekable(path)
    kind, name = file_kind(path), os.fspath(path)
    if kind == "folder":
        return _from_idx(path)
    if kind == "zip":
        return _from_npz(path)
    if kind == "npy":
        return _checked(name, _read_npy(path), None)
    raise DataError(f"{name} is not a .npz file.")


def read_array_pair(x: FilePath, y: FilePath) -> Arrays:
    """Read `.npy` files of x and y. Raises DataError as `read_arrays` does."""
    return _checked(os.fspath(x), _read_npy(x), _read_npy(y))


def _from_idx(folder: FilePath) -> Arrays:
    """train-* as x and y, t10k-* as the test set; if only one of them exists, it is x and y."""
    train, test = read_idx_folder(folder)
    images, labels = train or test  # type: ignore[misc]
    test_set = (_flat(test[0]), test[1]) if train and test else None
    return Arrays(os.fspath(folder), _flat(images), labels, test_set, _image(images))


def _from_npz(path: FilePath) -> Arrays:
    name = os.fspath(path)
    try:
        with open_data_file(path) as file, open_zip(file) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if "x" not in members:
                names = ", ".join(map(repr, members))[:100] or "no arrays"
                raise DataError(f"{name} holds {names}; it must hold an array x and, for training, y.")
            x = _read_member(name, archive, members["x"])
            y = _read_member(name, archive, members["y"]) if "y" in members else None
    except ZIP_ERRORS as error:
        raise DataError(f"{name} is damaged ({error}); save it again.") from error
    return _checked(name, x, y)


def _read_npy(path: FilePath) -> Array:
    name = os.fspath(path)
    with open_data_file(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        return _read_array(file, name, read_npy_header(file, name, size))


def _read_member(name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    """Read one array after comparing the size that its header declares with the actual size."""
    what = f"{name}: array {info.filename.removesuffix('.npy')[:40]!r}"
    check_member(what, info)
    with archive.open(info) as file:
        return _read_array(file, what, read_npy_header(file, what, info.file_size))


def _read_array(file: IO[bytes], what: str, header: NpyHeader) -> Array:
    """The numbers behind a header, read in blocks into the memory of the array."""
    if header.size > MAX_BYTES:
        raise DataError(
            f"{what} has {readable_bytes(header.size)}; the limit is {readable_bytes(MAX_BYTES)}; split it."
        )
    content = np.empty(header.size, np.uint8)
    for start in range(0, header.size, BLOCK_BYTES):
        block = file.read(min(BLOCK_BYTES, header.size - start))
        content[start : start + len(block)] = np.frombuffer(block, np.uint8)
        if len(block) < min(BLOCK_BYTES, header.size - start):
            raise DataError(f"{what} is damaged: it ends early; save it again.")
    if file.read(1):
        raise DataError(f"{what} is damaged: bytes follow its end; save it again.")
    return content.view(header.dtype).reshape(header.shape, order="F" if header.fortran else "C")


def _checked(name: str, x: Array, y: Array | None) -> Arrays:
    _check_x(name, x)
    _check_y(name, x, y)
    return Arrays(name, _flat(x), y, None, _image(x))


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
