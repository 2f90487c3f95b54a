"""A file that grows block by block, so that a process that dies leaves all blocks but the last one whole.

Each block is a small model file (storage.py) after 24 bytes: a sign, its length, and two checksums, of the content and
of these bytes. What is wrong before the end of a file is damage; what is missing at its end was never written.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from typing import IO, Any, NamedTuple

from glassnet.errors import ModelFileError
from glassnet.files.storage import FilePath, atomic_file, opened, packed, unpacked
from glassnet.program.parameters import Array

SIGN = b"GLASSREC"
HEAD = struct.Struct("<8sQI")  # sign, length, checksum of the content
CHECK = struct.Struct("<I")  # of the head

Block = tuple[dict[str, Array], dict[str, Any]]


class Blocks(NamedTuple):
    """The whole blocks of a file, and whether it ends in the middle of one."""

    whole: list[Block]
    cut: bool


class BlockFile:
    """Begins a file with its first block, whatever stood there before, and adds further ones at its end."""

    def __init__(self, path: FilePath, tensors: dict[str, Array], document: dict[str, Any]) -> None:
        self.path, self.size = path, 0
        content = self._block(tensors, document)
        with atomic_file(path) as file:
            file.write(content)

    def add(self, tensors: dict[str, Array], document: dict[str, Any]) -> None:
        """Write a block. Raises ModelFileError where the file is not as it was left."""
        end = self.size
        content = self._block(tensors, document)
        try:
            with open(self.path, "r+b") as file:
                if file.seek(0, os.SEEK_END) != end:
                    raise ModelFileError(f"{self.path} was changed while it was written; give each run its own file.")
                file.write(content)
        except OSError as problem:
            raise ModelFileError(f"{self.path} cannot be written: {problem.strerror or problem}.") from problem

    def _block(self, tensors: dict[str, Array], document: dict[str, Any]) -> bytes:
        content = packed(self.path, tensors, document)
        head = HEAD.pack(SIGN, len(content), zlib.crc32(content))
        self.size += HEAD.size + CHECK.size + len(content)
        return head + CHECK.pack(zlib.crc32(head)) + content


def read_blocks(path: FilePath) -> Blocks:
    """All whole blocks. Raises ModelFileError for a file that is damaged, or does not begin with a block."""
    whole: list[Block] = []
    with opened(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        while file.tell() < size:
            content = _content(path, file, size)
            if content is None:
                return Blocks(whole, True)
            whole.append(unpacked(path, io.BytesIO(content)))
    return Blocks(whole, False)


def _content(path: FilePath, file: IO[bytes], size: int) -> bytes | None:
    """The content of the block that begins here; None where the file ends in it, or is lost from here on."""
    place = file.tell()
    head, check = file.read(HEAD.size), file.read(CHECK.size)
    if not any(head + check) and _is_lost(file):
        return None
    if not SIGN.startswith(head[: len(SIGN)]):
        raise ModelFileError(f"{path} is {f'damaged at byte {place:,}' if place else 'no recording of a run'}.")
    if len(check) < CHECK.size:
        return None
    if CHECK.unpack(check)[0] != zlib.crc32(head):
        raise ModelFileError(f"{path} is damaged at byte {place:,}: the head of a block does not fit its checksum.")
    _, length, checksum = HEAD.unpack(head)
    content = file.read(length) if length <= size - file.tell() else None
    if content is None or zlib.crc32(content) == checksum:
        return content
    if not _is_lost(file):
        raise ModelFileError(f"{path} is damaged at byte {place:,}: a block does not fit its checksum.")
    return None


def _is_lost(file: IO[bytes]) -> bool:
    """Whether nothing but zeros comes: after a power cut a system may have kept a file's length and lost its bytes."""
    return not any(file.read())
