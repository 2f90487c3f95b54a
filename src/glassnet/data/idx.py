"""IDX files, the format in which MNIST is published: a magic number, the sizes, and the bytes.

A folder holds train-images, train-labels, t10k-images and t10k-labels, packed with gzip or not. The bytes come back as
they are; that 255 means 1 is for preprocessing to say.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.data.reading import MAX_BYTES, FilePath, opened
from glassnet.errors import DataError

Array = np.ndarray[Any, Any]
Samples = tuple[Array, Array]


def read_idx_folder(folder: FilePath) -> tuple[Samples | None, Samples | None]:
    """(images, labels) of train-* and of t10k-*, None where a folder has not that half; one of them at least.

    Images are uint8 (n, rows, columns), labels uint8 (n,). Raises DataError (a ValueError).
    """
    train, test = _half(Path(folder), "train"), _half(Path(folder), "t10k")
    if train is None and test is None:
        wanted = "train-images-idx3-ubyte, train-labels-idx1-ubyte and the same for t10k, gzip or not"
        raise DataError(f"{os.fspath(folder)} holds no IDX files; it needs {wanted}.")
    if train and test and train[0].shape[1:] != test[0].shape[1:]:
        shapes = f"{train[0].shape[1:]} in train-* and {test[0].shape[1:]} in t10k-*"
        raise DataError(f"{os.fspath(folder)}: the images' shapes differ, {shapes}.")
    return train, test


def _half(folder: Path, half: str) -> Samples | None:
    """Images and labels whose file names begin with `half`, or None where there are none."""
    images, labels = (_find(folder, half, what) for what in ("images", "labels"))
    if images is None and labels is None:
        return None
    if images is None or labels is None:
        raise DataError(f"{folder} has {half}-{'labels' if images is None else 'images'} without its partner.")
    x, y = read_idx(images), read_idx(labels)
    if x.ndim < 2 or y.ndim != 1:
        raise DataError(f"{images}: needs images of 2 or more dimensions and labels of 1, not {x.ndim} and {y.ndim}.")
    if len(x) != len(y):
        raise DataError(f"{images} has {len(x):,} images, but {labels.name} has {len(y):,} labels.")
    if not len(x):
        raise DataError(f"{images} has no images.")
    return x, y


def _find(folder: Path, half: str, what: str) -> Path | None:
    """The file of one half's images or labels; `train-images-idx3-ubyte.gz` and `train-images.idx3-ubyte` alike."""
    pattern = re.compile(rf"{half}-{what}[-.]idx\d-ubyte(\.gz)?")
    found = sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name))
    return found[0] if found else None


def read_idx(path: FilePath) -> Array:
    """The uint8 array of one IDX file; its length must be what its header says. Raises DataError."""
    name = os.fspath(path)
    with opened(path) as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        file = gzip.GzipFile(fileobj=raw) if packed else raw
        try:
            head = file.read(4)
            if len(head) < 4 or head[:3] != b"\0\0\x08" or not 1 <= head[3] <= 8:
                raise DataError(f"{name} is no IDX file of bytes.")
            numbers = file.read(4 * head[3])
            if len(numbers) != 4 * head[3]:
                raise DataError(f"{name} is damaged: it ends within its header; copy it again.")
            sizes = np.frombuffer(numbers, ">u4").tolist()
            wanted = math.prod(sizes)
            if wanted > MAX_BYTES:
                raise DataError(f"{name} is damaged: its header says {' × '.join(map(str, sizes))} bytes.")
            content = file.read(wanted + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{name} is damaged ({error}); copy it again.") from error
    if len(content) != wanted:
        kind = "more" if len(content) > wanted else f"{len(content):,}"
        raise DataError(f"{name} should hold {wanted:,} bytes of data and holds {kind}; copy it again.")
    return np.frombuffer(content, np.uint8).reshape(sizes)
