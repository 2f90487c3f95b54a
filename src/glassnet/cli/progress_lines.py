"""JSON lines of `glassnet train --progress json`: one object per line on stdout, for programs that start a training.

Each object has an "event": note, start, epoch, scores, warning, saved or failed. The report for people goes to stderr.
Numbers that are not finite become null.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

from typer import Exit

from glassnet.cli.printing import print_text
from glassnet.errors import unknown_name
from glassnet.training.terminal_bar import GuardedStream

PROGRESS = ("auto", "json", "none")


class ProgressLines:
    """Writes events to a stream; without a stream, nothing."""

    def __init__(self, stream: Any = None) -> None:
        self.stream = None if stream is None else GuardedStream(stream)

    def __bool__(self) -> bool:
        return self.stream is not None

    def event(self, name: str, **fields: Any) -> None:
        """Write one line."""
        if self.stream is not None:
            line = json.dumps({"event": name, **_finite(fields)}, ensure_ascii=False, allow_nan=False, default=str)
            print_text(line, file=self.stream, flush=True)

    def epochs(self, total: int, member: int = 1) -> tuple[Callable[[Any], None], ...]:
        """The callbacks that write each epoch of one member of a model; none where nothing is written."""

        def write(report: Any) -> None:
            self.event("epoch", member=member, epochs=total, **report._asdict())

        return (write,) if self else ()


@contextlib.contextmanager
def progress_lines(requested: str) -> Iterator[ProgressLines]:
    """The lines that were asked for; the report goes to stderr where they are on stdout. Raises ParameterError.

    An error that ends the training is also an event.
    """
    if requested not in PROGRESS:
        raise unknown_name("--progress", requested, PROGRESS)
    lines = ProgressLines(sys.stdout if requested == "json" else None)
    with contextlib.redirect_stdout(sys.stderr) if lines else contextlib.nullcontext():
        try:
            yield lines
        except Exit:
            raise
        except Exception as error:
            lines.event("failed", message=str(error))
            raise


def _finite(value: Any) -> Any:
    """The same data with null for numbers that are not finite, and plain numbers for NumPy's."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
