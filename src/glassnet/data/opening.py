"""Opens data files, also those that are pipes: `glassnet predict model <(unzip -p new.zip)`, `/dev/stdin`, a FIFO.

A pipe can be read only once, and a reader goes back to the start of a file. So what comes through a pipe is stored in a
temporary file first. Waiting ends where nothing comes, and at a limit of size.
"""

from __future__ import annotations

import io
import os
import select
import stat
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from glassnet.errors import DataError

FilePath = str | os.PathLike[str]

MAX_BYTES = 4 << 30
MAX_SILENCE = 60.0  # seconds to wait for the next bytes of a pipe
BLOCK_BYTES = 1 << 16
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class StoredPipe(os.PathLike[str]):
    """What came through a pipe, in a temporary file; it has the name of the pipe."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name, self.file = name, file

    def __fspath__(self) -> str:
        return self.name

    def __str__(self) -> str:
        return self.name

    def __del__(self) -> None:
        self.file.close()

    def open(self) -> IO[bytes]:
        """The contents, from their start; several readers do not move each other."""
        return io.BufferedReader(_Reader(self))


class _Reader(io.RawIOBase):
    """Reads a stored pipe at an offset of its own."""

    def __init__(self, pipe: StoredPipe) -> None:
        self.pipe, self.offset = pipe, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self.offset, os.SEEK_END: os.fstat(self.pipe.file.fileno()).st_size}
        self.offset = max(0, starts[whence] + offset)
        return self.offset

    def readinto(self, buffer: Any) -> int:
        block = os.pread(self.pipe.file.fileno(), len(buffer), self.offset)
        buffer[: len(block)] = block
        self.offset += len(block)
        return len(block)


def seekable(path: FilePath) -> FilePath:
    """The path itself or, if it is a pipe, what comes through it, stored. Raises DataError as `open_data_file` does.

    Whoever opens a file more than once begins here.
    """
    try:
        is_pipe = not isinstance(path, StoredPipe) and stat.S_ISFIFO(os.stat(path).st_mode)
    except (OSError, ValueError):
        return path  # whoever opens it says what is wrong
    return _stored(os.fspath(path), _opened(path)) if is_pipe else path


def open_data_file(path: FilePath) -> IO[bytes]:
    """Open a file for reading, from any place in it.

    Raises DataError for a missing file, a folder, a device, one that cannot be read, and a pipe through which nothing
    comes.
    """
    if isinstance(path, StoredPipe):
        return path.open()
    name, descriptor = os.fspath(path), _opened(path)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    if stat.S_ISFIFO(mode):
        return _stored(name, descriptor).open()
    is_terminal = os.isatty(descriptor)
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise DataError(f"{name} is a folder; give the path of a file in it.")
    raise DataError(f"{name} is a {'terminal' if is_terminal else 'device'}; give the path of a file, or a pipe.")


def _opened(path: FilePath) -> int:
    """The descriptor of a file; opening a pipe does not wait for its other end."""
    name = os.fspath(path)
    try:
        return os.open(path, FLAGS)
    except FileNotFoundError:
        raise DataError(f"{name} does not exist; check the name and the folder.") from None
    except IsADirectoryError:  # Windows and macOS may not open one
        raise DataError(f"{name} is a folder; give the path of a file in it.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _stored(name: str, descriptor: int) -> StoredPipe:
    """Read a pipe to its end, and close it. Raises DataError after MAX_SILENCE, or MAX_BYTES."""
    try:
        pipe = StoredPipe(name, tempfile.TemporaryFile())  # noqa: SIM115 (it stays open)
        size = 0
        for block in _blocks(name, descriptor):
            size += pipe.file.write(block)
            if size > MAX_BYTES:
                raise DataError(f"{name}: more than {MAX_BYTES >> 20:,} MB come through the pipe; write smaller files.")
        pipe.file.flush()
    except OSError as error:
        folder = tempfile.gettempdir()
        problem = f"cannot be stored in {folder}: {error.strerror}; set TMPDIR to another folder"
        raise DataError(f"What comes through {name} {problem}.") from error
    finally:
        os.close(descriptor)
    return pipe


def _blocks(name: str, descriptor: int) -> Iterator[bytes]:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while True:
        if not poll.poll(1000 * MAX_SILENCE):
            wait = f"nothing has come through this pipe for {MAX_SILENCE:g} seconds"
            raise DataError(f"{name}: {wait}; write the data to a file first.")
        try:
            block = os.read(descriptor, BLOCK_BYTES)
        except BlockingIOError:  # another process has read it
            continue
        if not block:
            return
        yield block
