"""The command line: `glassnet train`, `predict`, `step`, `diagnose` and the others, one file per command.

A command reads its arguments, calls the rest of the package and prints; it does no mathematics. Whatever is slow to
import is imported inside the commands, so that `glassnet --help` answers at once. This file imports next to nothing, so
that Ctrl-C is handled from the first moment.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and exit with its code: 0, or 2 after a one-sentence error on stderr."""
    from glassnet.cli import interruption

    interruption.handle_interruptions()
    _replace_missing_streams()
    try:
        _run()
    except KeyboardInterrupt:
        interruption.end_interrupted()
    except SystemExit as error:
        if error.code == interruption.INTERRUPTED:
            interruption.exit_at_once()
        raise
    finally:
        interruption.ignore_interruptions()  # the exit code is known: a late Ctrl-C must not change it


def _run() -> None:
    import codecs
    import io
    import warnings

    from glassnet.cli.app import app
    from glassnet.see.ascii import spell_missing

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
