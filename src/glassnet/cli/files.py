"""What is checked about the files a command writes, before it begins its work."""

from __future__ import annotations

import os
from pathlib import Path

from glassnet.errors import DataError, GlassnetError, ModelFileError
from glassnet.files.storage import check_target


def check_output(out: str, *inputs: str, error: type[GlassnetError] = ModelFileError) -> None:
    """Refuse an output that is one of the inputs, a folder, a link, or in a folder that does not exist."""
    check_target(out, error)
    for name in inputs:
        folder = os.path.isdir(name) and os.path.dirname(os.path.abspath(out)) == os.path.abspath(name)
        if folder or (os.path.exists(out) and os.path.exists(name) and os.path.samefile(out, name)):
            raise error(f"{out} would overwrite the input {name}; choose another name.")


def check_folder(folder: str) -> None:
    """Refuse what cannot become a folder, before the work. Raises DataError."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise DataError(f"{folder} is a file; name a folder for the pictures.")


def make_folder(folder: str) -> Path:
    """The folder, made where it is missing. Raises DataError where it cannot be."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder} cannot be made a folder: {error.strerror}.") from error
    return Path(folder)
