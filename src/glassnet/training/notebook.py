"""What Python runs in: a notebook, a prompt or a script; and how a notebook shows the progress of a run."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from html import escape
from typing import Any

BAR = (
    "<div><progress value='{done:.4f}' max='1' style='width:14em;max-width:40%;vertical-align:middle'></progress> "
    "<code style='background:none;color:inherit;white-space:pre-wrap'>{text}</code></div>"
)


def at_prompt() -> bool:
    """Whether a person types the statements: a notebook, IPython, or Python's own prompt."""
    return hasattr(sys, "ps1") or bool(sys.flags.interactive) or _ipython() is not None


def in_notebook() -> bool:
    """Whether a kernel runs this process, whose output a notebook displays; a fork of a kernel has no notebook."""
    kernel = getattr(_ipython(), "kernel", None)
    return kernel is not None and getattr(kernel.session, "pid", None) in (None, os.getpid())


def _ipython() -> Any:
    """The running IPython, or None."""
    module = sys.modules.get("IPython")
    return None if module is None else module.get_ipython()


def show_in_cell(value: Any, **options: Any) -> Any:
    """IPython's `display`, which belongs to what runs the notebook and not to our requirements."""
    return importlib.import_module("IPython.display").display(value, **options)


class NotebookBar:
    """One display of a cell that is replaced, with a bar and a line of text."""

    def __init__(self) -> None:
        self.handle: Any = None

    def update(self, done: float, texts: Sequence[str]) -> None:
        """Show that a part of the run is done, 0 to 1."""
        text = "  ".join(texts)
        bundle = {"text/plain": text, "text/html": BAR.format(done=done, text=escape(text))}
        if self.handle is None:
            self.handle = show_in_cell(bundle, raw=True, display_id=True)
        else:
            self.handle.update(bundle, raw=True)

    def close(self) -> None:
        """No-op: the last state stays in the notebook."""
