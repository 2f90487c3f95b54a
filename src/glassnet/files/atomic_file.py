"""A file that is written whole or not at all: the old file stays until the new one is complete and on the disk.

Model files, checkpoints, recordings and tables of predictions are written through it.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from platform import node
from typing import IO

from glassnet.errors import GlassnetError, ModelFileError

FilePath = str | os.PathLike[str]


@contextlib.contextmanager
def atomic_file(path: FilePath, error: type[GlassnetError] = ModelFileError) -> Iterator[IO[bytes]]:
    """A file to write that replaces `path` when the block ends without an error, and leaves no trace otherwise.

    Raises `error`, one sentence, where the file cannot be written; an existing file at `path` is then unchanged.
    """
    target = Path(path)
    check_target(target, error)
    temporary = target.with_name(f"{_stem(target)}{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        _sweep(target)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
    except OSError as problem:
        state = "the old file is unchanged" if target.exists() else "nothing was written"
        raise error(f"{target} cannot be written: {problem.strerror or problem}; {state}.") from problem
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    _sync_folder(target.parent)


def check_target(path: FilePath, error: type[GlassnetError] = ModelFileError) -> None:
    """Raise `error` where the target is a folder, a link or a device, or its folder is missing."""
    target = Path(path)
    if target.is_symlink():
        raise error(f"{target} is a symbolic link; name the file it points to, {os.path.realpath(target)}.")
    if target.is_dir():
        raise error(f"{target} is a folder; name a file in it.")
    if target.exists() and not target.is_file():
        raise error(f"{target} is not an ordinary file; name one that is.")
    if not target.parent.is_dir():
        raise error(f"{target} cannot be written: there is no folder {target.parent}; make it first.")


def _stem(target: Path) -> str:
    """The start of the names of this machine's temporary files for `target`; short, however long its name is."""
    return f".glassnet-{zlib.crc32(target.name.encode()):08x}-{zlib.crc32(node().encode()):08x}-"


def _sweep(target: Path) -> None:
    """Remove the temporary files of processes that were killed while they wrote this file."""
    for left in target.parent.glob(f"{_stem(target)}*.tmp"):
        process = left.name.removeprefix(_stem(target)).split("-")[0]
        with contextlib.suppress(OSError):
            old = time.time() - left.stat().st_mtime > 86400
            if old or (process.isdecimal() and not _runs(int(process))):
                left.unlink()


def _runs(process: int) -> bool:
    """Whether a process of this machine is alive; True where that cannot be determined."""
    if os.name == "posix":
        try:
            os.kill(process, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except OSError:
            pass
    return True


def _sync_folder(folder: Path) -> None:
    """Make the rename survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
