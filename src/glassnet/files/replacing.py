"""Which files a new one may replace: those of its own kind, judged by their first bytes and never by their names.

A slip, such as `net.save("train.csv")`, would otherwise destroy data, or a program of one's own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from glassnet.errors import GlassnetError
from glassnet.files.other_formats import is_onnx

FIRST_BYTES = 1 << 12
SAFETENSORS, OURS = b"{", b'{"__metadata__":{"glassnet"'  # after the eight bytes of the header's length


class Kind(NamedTuple):
    """A kind of file that glassnet writes: what it is called, and whether a file begins as one does."""

    name: str
    begins: Callable[[bytes], bool]


MODEL = Kind("a model file or checkpoint of glassnet", lambda first: first[8:].startswith(OURS))
TENSORS = Kind("a state dict", lambda first: first[8:9] == SAFETENSORS and not first[8:].startswith(OURS))
RECORDING = Kind("a recording", lambda first: first.startswith(b"GLASSREC"))
ONNX = Kind("an ONNX file", is_onnx)
NPZ = Kind("a NumPy .npz file", lambda first: first.startswith(b"PK\x03\x04"))
CODE = Kind("code that glassnet exported", lambda first: b"exported by glassnet " in first.split(b"\n", 1)[0])


def check_replaceable(path: Path, kind: Kind, error: type[GlassnetError]) -> None:
    """Raise `error` where the file at `path` is of another kind; an empty one may be replaced."""
    first = b""
    with suppress(OSError), open(path, "rb") as file:
        first = file.read(FIRST_BYTES)
    if first and not kind.begins(first):
        raise error(f"{path} exists and is not {kind.name}; it is left unchanged: choose another name, or remove it.")
