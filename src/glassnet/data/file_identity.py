"""Whether a file is still the one that was looked at: its size, its time, and a hash of its first and last bytes.

What a first pass has learnt of a large file is stored with this identity, and a run that reads the file again and again
compares it each time: a file that grows, shrinks or is replaced is named before a wrong row is learnt.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import IO, Self

from glassnet.data.reading import FilePath, open_data_file
from glassnet.errors import DataError

END_BYTES = 1 << 16  # at the head and at the tail that are hashed


@dataclass(frozen=True)
class FileIdentity:
    """The path of a file, its size in bytes, when it was changed (ns), the sha256 of its head and tail, its inode."""

    path: str
    size: int
    changed: int
    ends: str
    inode: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, path: FilePath) -> Self:
        """The identity of a file as it is now. Raises DataError if it cannot be read."""
        with open_data_file(path) as file:
            status = os.fstat(file.fileno())
            digest = hashlib.sha256(file.read(END_BYTES))
            file.seek(max(0, status.st_size - END_BYTES))
            digest.update(file.read(END_BYTES))
        inode = (status.st_dev, status.st_ino)
        return cls(os.fspath(path), status.st_size, status.st_mtime_ns, digest.hexdigest(), inode)

    def opened(self) -> IO[bytes]:
        """The file, opened. Raises DataError if it is another one by now."""
        file = open_data_file(self.path)
        try:
            self.check(file)
        except DataError:
            file.close()
            raise
        return file

    def check(self, file: IO[bytes] | None = None) -> None:
        """Raise DataError if the open file, or what lies at its path now, is not what it was."""
        try:
            named = os.stat(self.path)
        except OSError as error:
            raise self._changed(f"cannot be found any more ({error.strerror})") from None
        opened = named if file is None else os.fstat(file.fileno())
        if not (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino) == self.inode:
            raise self._changed("was replaced by another file")
        if opened.st_size != self.size:
            verb = "grew" if opened.st_size > self.size else "shrank"
            raise self._changed(f"{verb} from {self.size:,} to {opened.st_size:,} bytes")
        if opened.st_mtime_ns != self.changed:
            raise self._changed("was written to")

    def _changed(self, what: str) -> DataError:
        return DataError(f"{self.path} {what} while it was read; start again when it is complete.")


def content_digest(identities: list[FileIdentity], summary: str) -> str:
    """A hash of files by their sizes, ends and a summary of their contents: not by their names or times."""
    parts = [f"{identity.size} {identity.ends}" for identity in identities]
    return hashlib.sha256("\n".join([*parts, summary]).encode()).hexdigest()
