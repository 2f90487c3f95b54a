"""Ctrl-C during a command: one sentence and the exit code 130, at any moment; a training ends and keeps its model.

People press it twice, and `timeout -s INT` sends it twice: to the program and to its group. Where Python or a library
would lose the exception (a module half imported, a destructor), the program ends at once, or Ctrl-C is raised again a
moment later. This file imports next to nothing, because it is what handles Ctrl-C while the rest is imported.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import Any, NoReturn

INTERRUPTED = 130  # the exit code of a program that Ctrl-C has ended
AGAIN_SECONDS = 0.02  # until Ctrl-C is raised again


def handle_interruptions() -> None:
    """Let Ctrl-C end the program at once, unless it is ignored, as in a script's background jobs."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end_at_once)


def handles_interruptions() -> bool:
    """Whether this is the program, which may exit; its commands are also called from within another one."""
    return signal.getsignal(signal.SIGINT) is _end_at_once


def ignore_interruptions() -> None:
    """Ignore Ctrl-C from here on, where the program only has to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    end_interrupted()


def end_interrupted() -> NoReturn:
    """Say that the program was interrupted and exit with 130; a further Ctrl-C is ignored."""
    ignore_interruptions()
    _flush()
    with contextlib.suppress(OSError):
        os.write(2, b"glassnet: interrupted.\n")  # a stream of Python may be in the middle of a line
    exit_at_once()


def exit_at_once() -> NoReturn:
    """Exit with 130 and wait for nothing, not even for a kernel that another thread compiles."""
    ignore_interruptions()
    _flush()
    os._exit(INTERRUPTED)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # the last: it was being flushed
            stream.flush()


@contextlib.contextmanager
def raised_in_commands() -> Iterator[None]:
    """In the block, which runs a command, Ctrl-C raises KeyboardInterrupt, so that files are closed and removed."""
    if not handles_interruptions():
        yield
        return
    sys.unraisablehook = _raise_again_unless_other
    signal.signal(signal.SIGINT, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _end_at_once)


def _raise(number: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        end_interrupted()
    raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported: it would stay half imported, and some libraries carry on."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


@contextlib.contextmanager
def interrupted_once() -> Iterator[None]:
    """In the block, which trains and saves a model, only the first Ctrl-C raises KeyboardInterrupt."""
    import threading

    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _Once(handler))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


class _Once:
    """A handler that passes on the first Ctrl-C, outside of imports, and ignores later ones."""

    def __init__(self, handler: Any) -> None:
        self.handler, self.received = handler, False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            return
        if _is_importing(frame):
            _raise_later()
            return
        self.received = True
        self.handler(number, frame)


def _raise_again_unless_other(unraisable: Any) -> None:
    """Python's hook for an exception that nobody can catch, in a destructor for instance."""
    if unraisable.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(unraisable)
        return
    handler = signal.getsignal(signal.SIGINT)
    if isinstance(handler, _Once):
        handler.received = False
    _raise_later()


def _raise_later() -> None:
    """Send the main thread Ctrl-C in a moment, from another thread."""
    import _thread
    import threading
    import time

    main = threading.main_thread().ident

    def send() -> None:
        time.sleep(AGAIN_SECONDS)
        if hasattr(signal, "pthread_kill") and main is not None:
            signal.pthread_kill(main, signal.SIGINT)  # wakes it where it waits
        else:
            _thread.interrupt_main()

    _thread.start_new_thread(send, ())
