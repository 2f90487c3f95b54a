"""A file that is written whole or not at all: the old file stays until the new one is complete and on the disk.

Model files, checkpoints, recordings and tables of predictions are written through it.
"""

from __future__ import annotations

import contextlib
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from platform import node
from typing import IO

from glassnet.errors import GlassnetError, ModelFileError, ParameterTypeError
from glassnet.files.replacing import Kind, check_replaceable

FilePath = str | os.PathLike[str]
MAX_WRITERS = 16  # of one file at the same time, each with a temporary file of its own


@contextlib.contextmanager
def atomic_file(
    path: FilePath, error: type[GlassnetError] = ModelFileError, kind: Kind | None = None
) -> Iterator[IO[bytes]]:
    """A file to write that replaces `path` when the block ends without an error, and leaves no trace otherwise.

    Raises `error`, one sentence, where the file cannot be written or, with a `kind`, would replace one of another kind;
    an existing file at `path` is then unchanged.
    """
    check_target(path, error, kind)
    target = Path(path)
    try:
        temporary, descriptor = _new_temporary(target)
        with os.fdopen(descriptor, "wb") as file, _removed_on_error(temporary):
            yield file
            file.flush()
            os.fsync(file.fileno())
            if target.exists():
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            if os.name == "posix":  # while it is locked, so that nobody takes it for left over
                os.replace(temporary, target)
        if os.name != "posix":
            os.replace(temporary, target)
    except OSError as problem:
        state = "the old file is unchanged" if target.exists() else "nothing was written"
        raise error(f"{target} cannot be written: {problem.strerror or problem}; {state}.") from problem
    _sync_folder(target.parent)


@contextlib.contextmanager
def _removed_on_error(temporary: Path) -> Iterator[None]:
    """Remove the file where the block fails, while it is locked; on Windows the next writer does."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def check_path(path: FilePath) -> None:
    """Raise ParameterTypeError (a TypeError) where a path is no text and no path: a number would be an open file."""
    if not isinstance(path, (str, os.PathLike)):
        raise ParameterTypeError(f"path is of type {type(path).__name__}; give the name of a file.")


def check_target(path: FilePath, error: type[GlassnetError] = ModelFileError, kind: Kind | None = None) -> None:
    """Raise `error` where the target is a folder, a link, a device or of another kind, or its folder is missing."""
    check_path(path)
    target = Path(path)
    if target.is_symlink():
        raise error(f"{target} is a symbolic link; name the file it points to, {os.path.realpath(target)}.")
    if target.is_dir():
        raise error(f"{target} is a folder; name a file in it.")
    if target.exists() and not target.is_file():
        raise error(f"{target} is not an ordinary file; name one that is.")
    if not target.parent.is_dir():
        raise error(f"{target} cannot be written: there is no folder {target.parent}; make it first.")
    if kind is not None:
        check_replaceable(target, kind, error)


def _new_temporary(target: Path) -> tuple[Path, int]:
    """A new temporary file for `target`, open and locked; those of processes that were killed are removed.

    Their names are known, so that a folder of 100,000 files need not be listed.
    """
    created: tuple[Path, int] | None = None
    for number in range(MAX_WRITERS):
        path = target.with_name(f"{_stem(target)}{number}.tmp")
        _remove_left_over(path)
        if created is None and (descriptor := _created(path)) is not None:
            created = path, descriptor
    if created is None:
        raise OSError(f"{MAX_WRITERS} others are writing it at this moment")
    return created


def _stem(target: Path) -> str:
    """The start of the names of this machine's temporary files for `target`; short, however long its name is."""
    return f".glassnet-{zlib.crc32(target.name.encode()):08x}-{zlib.crc32(node().encode()):08x}-"


def _created(path: Path) -> int | None:
    """The new file, open for writing and locked; None where there is one, or somebody else took it for left over."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    except FileExistsError:
        return None
    if _lock(descriptor, path, is_new=True):
        return descriptor
    os.close(descriptor)
    return None


def _remove_left_over(path: Path) -> None:
    """Remove the file of a process that was killed: nobody has locked it. Windows removes no file that is open."""
    with contextlib.suppress(OSError):
        if os.name != "posix":
            path.unlink(missing_ok=True)
        elif path.is_file() and not path.is_symlink():
            descriptor = os.open(path, os.O_WRONLY)
            try:
                if _lock(descriptor, path, is_new=False):
                    path.unlink()
            finally:
                os.close(descriptor)


def _lock(descriptor: int, path: Path, *, is_new: bool) -> bool:
    """Lock an open file until it is closed; whether that succeeded, and `path` is still this file.

    On a file system without locks a new file counts as locked, and one that was there as well: by somebody else.
    """
    if os.name != "posix":
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except (FileNotFoundError, BlockingIOError):
        return False
    except OSError:
        return is_new


def _sync_folder(folder: Path) -> None:
    """Make the rename survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
