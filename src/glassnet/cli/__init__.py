"""The command line: `train`, `predict`, `evaluate`, `show`, `check`, `diagnose` and `demo`, one file a command.

A command reads its words, calls what the rest of the package offers, and prints; it does no mathematics. What is slow
to load is imported inside the commands, so that `glassnet --help` answers at once.
"""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Run the command line and leave with its exit code: 0, or 2 after one sentence on stderr."""
    from glassnet.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without Greek shows ? and does not end the command
            stream.reconfigure(errors="replace")
    app(prog_name="glassnet")
