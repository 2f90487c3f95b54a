"""Ctrl-C during a command: the first ends the training and keeps the model, later ones do not disturb that.

People press it twice, and `timeout -s INT` sends it twice: to the program and to its group.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from glassnet.cli.printing import print_text

INTERRUPTED = 130  # the exit code of a program that Ctrl-C has ended


@contextlib.contextmanager
def interrupted_once() -> Iterator[None]:
    """In the block, which trains and saves a model, only the first Ctrl-C raises KeyboardInterrupt."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    received = False

    def handle(*arguments: Any) -> None:
        nonlocal received
        if not received:
            received = True
            handler(*arguments)

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def end_interrupted() -> None:
    """Say that the program was interrupted and exit with 130; a further Ctrl-C is ignored."""
    ignore_interruptions()
    print_text("glassnet: interrupted.", file=sys.stderr)
    exit_at_once()


def exit_at_once() -> None:
    """Exit with 130 and wait for nothing, not even for a kernel that another thread compiles."""
    ignore_interruptions()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(INTERRUPTED)


def ignore_interruptions() -> None:
    """Ignore Ctrl-C from here on, where the program only has to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
