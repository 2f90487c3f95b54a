"""The file beside a data file that holds what a first pass through it learnt, such as `train.csv.glassnet`.

It is written whole or not at all, and only to spare the next run a pass: where it cannot be written, nothing is lost.
"""

from __future__ import annotations

import contextlib
import os
import tempfile

ENDING = ".glassnet"


def pass_path(name: str) -> str:
    """The file beside a table in which its first pass is stored."""
    return os.path.abspath(name) + ENDING  # beside the folder "." too, not in it


def write_beside(name: str, content: bytes) -> bool:
    """Write the file beside a data file, all of it or nothing; return whether that was possible."""
    path = pass_path(name)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}-", dir=os.path.dirname(path) or ".")
    except OSError:
        return False
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        return False
    return True
