"""The folder of the built page: static/ beside this file, or another build of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from glassnet.errors import ParameterError

ASSETS = ("index.html", "app.js", "app.css")
STATIC_FOLDER = "GLASSNET_STATIC"  # of another build of the page, for who works on it


def static_folder(names: Sequence[str] = ASSETS) -> Path:
    """The folder of the built page. Raises ParameterError where files of it are missing."""
    folder = chosen_static() or Path(__file__).with_name("static")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        fault = f"the page cannot be shown: {', '.join(missing)} missing from {folder}"
        raise ParameterError(f"{fault}; install glassnet again (from a checkout: npm ci and npm run build in web/).")
    return folder


def chosen_static() -> Path | None:
    """The folder of another build of the page, where one is named."""
    chosen = os.environ.get(STATIC_FOLDER)
    return Path(chosen) if chosen else None
