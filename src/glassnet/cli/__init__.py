"""The command line: `glassnet train`, `predict`, `step`, `diagnose` and the others, one file per command.

A command reads its arguments, calls the rest of the package and prints; it does no mathematics. Whatever is slow to
import is imported inside the commands, so that `glassnet --help` answers at once.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
import warnings

from glassnet.see.ascii import spell_missing


def main() -> None:
    """Run the command line and exit with its code: 0, or 2 after a one-sentence error on stderr."""
    _replace_missing_streams()
    from glassnet.cli.interruption import INTERRUPTED, end_interrupted, exit_at_once, ignore_interruptions

    try:
        _run()
    except KeyboardInterrupt:  # while modules were imported, for instance
        end_interrupted()
    except SystemExit as error:
        if error.code == INTERRUPTED:
            exit_at_once()
        raise
    finally:
        ignore_interruptions()  # the exit code is known: a late Ctrl-C must not change it


def _run() -> None:
    from glassnet.cli.app import app

    codecs.register_error("spelled", spell_missing)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without Greek letters shows "delta" instead of failing
            stream.reconfigure(errors="spelled")
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    app(prog_name="glassnet")


def _show_warning(message: Warning | str, category: object, filename: str, lineno: int, *rest: object) -> None:
    """Print a warning as a sentence, without the line of the program that it comes from."""
    from glassnet.cli.printing import print_text

    print_text(f"glassnet: {message}", file=sys.stderr)


def _replace_missing_streams() -> None:
    """Discard output that has nowhere to go: a service, pythonw or `>&-` starts a process without stdout or stderr."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None or getattr(stream, "closed", False):
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (open until the end)
