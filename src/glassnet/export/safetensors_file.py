"""Reads safetensors files of other programs; the header is checked before memory is taken for tensors."""

from __future__ import annotations

import os
from typing import Any, NoReturn

import numpy as np

from glassnet.errors import ModelFileError
from glassnet.files.atomic_file import FilePath
from glassnet.files.documents import json_object
from glassnet.files.storage import opened

Array = np.ndarray[Any, Any]
MAX_HEADER, MAX_TENSORS = 1 << 20, 4096
READ = {"F16": 2, "F32": 4, "F64": 8, "I64": 8}  # bytes
PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def read_safetensors(path: FilePath) -> dict[str, Array]:
    """The tensors of a safetensors file. Raises ModelFileError (a ValueError) where it is none, or damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with opened(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        first = file.read(9)
        _check_kind(path, first, size)
        length = int.from_bytes(first[:8], "little")
        _check_header(path, b"{" + file.read(length - 1), size - 8 - length)
        file.seek(0)
        content = file.read()
    try:
        return dict(load(content))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        _refuse(path, f"is damaged ({str(error)[:80]}); save it again")


def _check_kind(path: FilePath, first: bytes, size: int) -> None:
    if first.startswith(PICKLES):
        advice = "save it with safetensors.torch.save_file(model.state_dict(), path)"
        _refuse(path, f"is a PyTorch file of pickles, which could run code, so it is refused; {advice}")
    length = int.from_bytes(first[:8], "little")
    if first[8:] != b"{" or not 2 <= length <= size - 8:
        _refuse(path, "is no safetensors file, or is cut; give one that safetensors wrote")
    if length > MAX_HEADER:
        _refuse(path, f"has a header of {length:,} bytes; the limit is {MAX_HEADER:,}")


def _check_header(path: FilePath, text: bytes, size: int) -> None:
    """Refuse too many tensors, and any whose bytes do not fit its dtype and shape."""
    try:
        header = json_object(text)
    except ValueError as error:
        _refuse(path, f"has a damaged header ({str(error)[:80]}); save it again")
    metadata = header.pop("__metadata__", None)
    if isinstance(metadata, dict) and "glassnet" in metadata:
        _refuse(path, "is a model of glassnet, not a state dict; read it with glassnet.load")
    if len(header) > MAX_TENSORS:
        _refuse(path, f"has {len(header):,} tensors; the limit is {MAX_TENSORS:,}")
    for name, claim in header.items():
        dtype = claim.get("dtype") if isinstance(claim, dict) else None
        if dtype not in READ:
            known = ", ".join(READ)
            _refuse(path, f"has tensor {name[:60]!r} of dtype {str(dtype)[:20]!r}; known: {known}, so convert it first")
        offsets = claim.get("data_offsets")
        if not isinstance(offsets, list) or not all(type(end) is int and 0 <= end <= size for end in offsets):
            _refuse(path, f"is damaged: tensor {name[:60]!r} lies outside of the file")


def _refuse(path: FilePath, problem: str) -> NoReturn:
    raise ModelFileError(f"{os.fspath(path)} {problem}.")
