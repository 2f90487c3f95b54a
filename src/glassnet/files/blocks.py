"""A file that grows block by block, so that a process that dies leaves all blocks but the last one whole.

Each block is a small model file (storage.py) after a header of 24 bytes: a magic number, its length, and two checksums,
of the content and of the header. An error before the end of a file is damage; what is missing at its end was never
written.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from typing import IO, Any, NamedTuple

from glassnet.errors import ModelFileError
from glassnet.files.atomic_file import FilePath, atomic_file
from glassnet.files.replacing import RECORDING
from glassnet.files.storage import opened, packed, unpacked
from glassnet.program.parameters import Array

MAGIC = b"GLASSREC"
HEADER = struct.Struct("<8sQI")  # magic number, length, checksum of the content
CHECKSUM = struct.Struct("<I")  # of the header

FileBlock = tuple[dict[str, Array], dict[str, Any]]


class Blocks(NamedTuple):
    """The whole blocks of a file, and whether it ends in the middle of another."""

    whole: list[FileBlock]
    cut: bool


class BlockFile:
    """Creates or replaces a file with its first block, and appends further ones."""

    def __init__(self, path: FilePath, tensors: dict[str, Array], document: dict[str, Any]) -> None:
        self.path, self.size = path, 0
        content = self._block(tensors, document)
        with atomic_file(path, kind=RECORDING) as file:
            file.write(content)

    def add(self, tensors: dict[str, Array], document: dict[str, Any]) -> None:
        """Append a block. Raises ModelFileError where something else has changed the file."""
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
        header = HEADER.pack(MAGIC, len(content), zlib.crc32(content))
        self.size += HEADER.size + CHECKSUM.size + len(content)
        return header + CHECKSUM.pack(zlib.crc32(header)) + content


def read_blocks(path: FilePath) -> Blocks:
    """All whole blocks. Raises ModelFileError for a file that is damaged, or does not begin with a block."""
    whole: list[FileBlock] = []
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
    """The content of the block that begins here; None where the file ends in it, or only zeros follow."""
    offset = file.tell()
    header, check = file.read(HEADER.size), file.read(CHECKSUM.size)
    if not any(header + check) and _only_zeros_follow(file):
        return None
    if not MAGIC.startswith(header[: len(MAGIC)]):
        raise ModelFileError(f"{path} is {f'damaged at byte {offset:,}' if offset else 'no recording of a run'}.")
    if len(check) < CHECKSUM.size:
        return None
    if CHECKSUM.unpack(check)[0] != zlib.crc32(header):
        raise ModelFileError(f"{path} is damaged at byte {offset:,}: the header of a block does not fit its checksum.")
    _, length, checksum = HEADER.unpack(header)
    content = file.read(length) if length <= size - file.tell() else None
    if content is None or zlib.crc32(content) == checksum:
        return content
    if not _only_zeros_follow(file):
        raise ModelFileError(f"{path} is damaged at byte {offset:,}: a block does not fit its checksum.")
    return None


def _only_zeros_follow(file: IO[bytes]) -> bool:
    """Whether the rest is zeros: after a power cut a file system may have kept the length of a file, not its bytes."""
    return not any(file.read())
