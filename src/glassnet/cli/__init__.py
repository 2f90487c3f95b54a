"""The command line: `glassnet train`, `predict`, `step`, `diagnose` and the others, one file a command.

A command reads its words, calls what the rest of the package offers, and prints; it does no mathematics. What is slow
to load is imported inside the commands, so that `glassnet --help` answers at once.
"""

from __future__ import annotations

import codecs
import io
import sys

from glassnet.see.ascii import spell_missing


def main() -> None:
    """Run the command line and leave with its exit code: 0, or 2 after one sentence on stderr."""
    from glassnet.cli.app import app

    codecs.register_error("spelled", spell_missing)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without Greek reads delta, and does not end the command
            stream.reconfigure(errors="spelled")
    app(prog_name="glassnet")
