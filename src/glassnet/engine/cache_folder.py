"""The folder of the compiled kernels: where it is, whether it is safe to use, and a sentence where it is not used."""

from __future__ import annotations

import os
import stat
import warnings
from functools import cache
from pathlib import Path
from typing import NamedTuple


class CacheFolder(NamedTuple):
    """The folder, or None and the reason why there is none."""

    path: Path | None
    reason: str = ""


def cache_folder() -> CacheFolder:
    """The folder, created where it is missing: GLASSNET_CACHE, or glassnet in the caches of this user."""
    chosen = os.environ.get("GLASSNET_CACHE")
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = os.environ.get("HOME") or os.environ.get("USERPROFILE")
    if not chosen and not os.path.isabs(base):
        base = os.path.join(home, ".cache") if home else ""
    if not chosen and not base:
        return CacheFolder(None, "this user has no home folder")
    folder = Path(chosen or os.path.join(base, "glassnet"))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, ValueError) as error:
        return CacheFolder(None, f"{folder} cannot be used ({getattr(error, 'strerror', None) or error})")
    if not is_owned(status):
        return CacheFolder(None, f"{folder} belongs to another user")
    if not is_private(status):
        return CacheFolder(None, f"others can write to {folder} (chmod go-w it)")
    return CacheFolder(folder)


def is_owned(status: os.stat_result) -> bool:
    """Whether a file or directory belongs to this user."""
    return not hasattr(os, "getuid") or status.st_uid == os.getuid()


def is_private(status: os.stat_result) -> bool:
    """Whether a file or directory belongs to this user and no one else can write it."""
    writable = hasattr(os, "getuid") and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return is_owned(status) and not writable


@cache
def warn_unused(reason: str) -> None:
    """Say, once per process, why kernels that were compiled are not stored."""
    advice = "each process compiles them again; GLASSNET_CACHE names another folder."
    warnings.warn(f"compiled kernels are not stored, because {reason}: {advice}", RuntimeWarning, stacklevel=1)
