"""A bar on one line of a terminal, and a stream that cannot end a run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.progress import Progress

MIN_WIDTH, MAX_WIDTH = 8, 40  # of the bar, in columns
MARGIN = 3  # columns: between bar and text, and one at the end, so that no terminal wraps


class GuardedStream:
    """A stream whose errors are ignored: a full disk or a closed terminal costs the messages, not the run."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write what can be written."""
        with suppress(OSError, ValueError):  # ValueError: the stream is closed, or cannot encode the text
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush where that is possible."""
        with suppress(OSError, ValueError):
            self.stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class TerminalBar:
    """A bar of rich, whose text and length fit the terminal also when that is resized."""

    def __init__(self, stream: GuardedStream) -> None:
        self.stream, self.bar, self.text_width = stream, cast("Progress | None", None), 0

    def update(self, done: float, texts: Sequence[str]) -> None:
        """Show that a part of the run is done, 0 to 1, with as many of the texts as there is room for."""
        bar = self._new_bar() if self.bar is None else self.bar
        columns = bar.console.width - MARGIN
        text = fitting(texts, columns - MIN_WIDTH)
        self.text_width = max(len(text), min(self.text_width, columns - MIN_WIDTH))  # the bar does not tremble
        self.column.bar_width = max(1, min(columns - self.text_width, MAX_WIDTH))  # 0 would be as wide as possible
        bar.update(self.task, completed=done, text=text)
        if self.bar is None:
            bar.start()
            self.bar = bar

    def close(self) -> None:
        """Leave the last state on the screen."""
        if self.bar is not None:
            self.bar.stop()

    def _new_bar(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        console = Console(file=cast(IO[str], self.stream), force_terminal=True, force_jupyter=False)
        text = TextColumn("{task.fields[text]}", markup=False, table_column=Column(no_wrap=True))
        self.column = BarColumn()
        # What callbacks print stays above the bar, but on stdout where that is a file.
        bar = Progress(self.column, text, console=console, redirect_stdout=is_terminal(sys.stdout))
        self.task = bar.add_task("training", total=1.0, text="")
        return bar


def is_open(stream: Any) -> bool:
    """Whether a stream exists (a service has none, nor has pythonw) and is not closed."""
    return stream is not None and not getattr(stream, "closed", False)


def is_terminal(stream: Any) -> bool:
    """Whether a stream is open and a terminal."""
    return is_open(stream) and hasattr(stream, "isatty") and stream.isatty()


def fitting(texts: Sequence[str], width: int) -> str:
    """The texts on a line; where they do not fit, without those before the last."""
    first, *details, last = texts
    while details and len("  ".join((first, *details, last))) > width:
        details.pop()
    return "  ".join((first, *details, last))
