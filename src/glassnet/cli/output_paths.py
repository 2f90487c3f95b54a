"""Checks on the files and folders that a command writes, made before its work begins."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from glassnet.errors import DataError, GlassnetError, ModelFileError
from glassnet.files.atomic_file import check_target
from glassnet.files.replacing import Kind


def check_output(out: str, *inputs: str, error: type[GlassnetError] = ModelFileError, kind: Kind | None = None) -> None:
    """Refuse an output file that is an input, a folder, a link or of another kind, or whose folder does not exist."""
    check_target(out, error)
    for path in inputs:
        inside = os.path.isdir(path) and os.path.dirname(os.path.abspath(out)) == os.path.abspath(path)
        if inside or (os.path.exists(out) and os.path.exists(path) and os.path.samefile(out, path)):
            raise error(f"{out} would overwrite the input {path}; choose another name.")
    _check_writable(out, error)
    check_target(out, error, kind)


def _check_writable(out: str, error: type[GlassnetError]) -> None:
    """Refuse a file that could not be written after the work: a file without a name is made beside it."""
    folder = os.path.dirname(os.path.abspath(out))
    if os.path.exists(out) and not os.stat(out).st_mode & 0o222:  # to replace it, its folder is enough
        raise error(f"{out} is read-only and left unchanged; choose another name, or make it writable.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        raise error(f"{out} cannot be written: {problem.strerror} ({folder}); choose another folder.") from problem


def check_folder(folder: str) -> None:
    """Refuse a file where a folder is needed. Raises DataError."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise DataError(f"{folder} is a file; name a folder for what is written.")


def make_folder(folder: str) -> Path:
    """Make a folder and its parents unless they exist. Raises DataError where that fails."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"The folder {folder} cannot be made: {error.strerror}.") from error
    return Path(folder)


def write_new_file(path: str, text: str) -> None:
    """Write a text file that does not exist yet. Raises DataError where it does, or cannot be written."""
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise DataError(f"{path} exists and is left unchanged; choose another name with --out.") from None
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise DataError(f"{path} cannot be written: {error.strerror}; nothing was written.") from error
