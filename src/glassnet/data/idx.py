"""Read IDX files, the format of MNIST: a magic number, the sizes of the dimensions, and the bytes.

A folder holds train-images, train-labels, t10k-images and t10k-labels, compressed with gzip or not. The bytes are
returned unscaled; preprocessing divides them by 255.
"""

from __future__ import annotations

import math
import os
import re
import zlib
from pathlib import Path

import numpy as np

from glassnet.data.reading import MAX_BYTES, Array, FilePath, open_data_file
from glassnet.data.unpacking import decompressed, read_up_to
from glassnet.errors import DataError

Samples = tuple[Array, Array]


def read_idx_folder(folder: FilePath) -> tuple[Samples | None, Samples | None]:
    """Read (images, labels) of train-* and of t10k-*; either may be missing and is then None, but not both.

    Images are uint8 (n, rows, columns), labels uint8 (n,). Raises DataError (a ValueError).
    """
    train, test = _read_set(Path(folder), "train"), _read_set(Path(folder), "t10k")
    if train is None and test is None:
        raise DataError(_no_samples(Path(folder)))
    if train and test and train[0].shape[1:] != test[0].shape[1:]:
        shapes = f"{train[0].shape[1:]} in train-* and {test[0].shape[1:]} in t10k-*"
        raise DataError(f"{os.fspath(folder)}: the shapes of the images differ: {shapes}.")
    return train, test


def _no_samples(folder: Path) -> str:
    """The sentence about a folder without IDX files, with a table in it that may be meant."""
    table = next((path for path in sorted(folder.iterdir()) if ".csv" in path.suffixes), None)
    names = "train-images-idx3-ubyte, train-labels-idx1-ubyte and the same for t10k, optionally with .gz"
    advice = f"name its file, {table}" if table else "name a CSV or Parquet file"
    return f"{folder} is a folder without Parquet files, and without IDX files (named {names}); {advice}."


def _read_set(folder: Path, prefix: str) -> Samples | None:
    """Images and labels whose file names begin with `prefix`, or None if there are none."""
    images, labels = (_find(folder, prefix, kind) for kind in ("images", "labels"))
    if images is None and labels is None:
        return None
    if images is None or labels is None:
        present, missing = ("labels", "images") if images is None else ("images", "labels")
        raise DataError(f"{folder} has {prefix}-{present} but no {prefix}-{missing}; both are needed.")
    x, y = read_idx(images), read_idx(labels)
    if x.ndim < 2 or y.ndim != 1:
        raise DataError(f"{images} must have 2 or more dimensions and its labels 1, not {x.ndim} and {y.ndim}.")
    if len(x) != len(y):
        raise DataError(f"{images} has {len(x):,} images, but {labels.name} has {len(y):,} labels.")
    if not len(x):
        raise DataError(f"{images} has no images.")
    return x, y


def _find(folder: Path, prefix: str, kind: str) -> Path | None:
    """The file of images or labels: `train-images-idx3-ubyte.gz`, `train-images.idx3-ubyte` and the like."""
    pattern = re.compile(rf"{prefix}-{kind}[-.]idx\d-ubyte(\.gz)?")
    return min((path for path in folder.iterdir() if pattern.fullmatch(path.name)), default=None)


def read_idx(path: FilePath) -> Array:
    """Read the uint8 array of one IDX file. Raises DataError if its length differs from what its header says."""
    name = os.fspath(path)
    with open_data_file(path) as raw:
        try:
            file = decompressed(raw, name)
            magic = read_up_to(file, 4)
            if len(magic) < 4 or magic[:3] != b"\0\0\x08" or not 1 <= magic[3] <= 8:
                raise DataError(f"{name} is not an IDX file of bytes.")
            header = read_up_to(file, 4 * magic[3])
            if len(header) != 4 * magic[3]:
                raise DataError(f"{name} is damaged: it ends within its header; copy it again.")
            sizes = np.frombuffer(header, ">u4").tolist()
            count = math.prod(sizes)
            if math.prod(filter(None, sizes)) > MAX_BYTES:  # NumPy shapes no larger array, even if it has no element
                raise DataError(f"{name} is damaged: its header declares {' × '.join(map(str, sizes))} bytes.")
            content = read_up_to(file, count + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{name} is damaged ({error}); copy it again.") from error
    if len(content) != count:
        actual = "more" if len(content) > count else f"{len(content):,}"
        raise DataError(f"{name} should hold {count:,} bytes of data, but holds {actual}; copy it again.")
    return np.frombuffer(content, np.uint8).reshape(sizes)
