"""Ctrl-C where it must wait: within Numba and LLVM, and while several threads work for one another.

There it would leave a half-imported module, be lost in a callback, or leave a thread alone at a barrier. The wait is
one kernel, the import of Numba, or one compiled call long; after each of them it is heard.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name))


@contextmanager
def signals_wait() -> Iterator[None]:
    """Let what Python does on Ctrl-C, SIGTERM or an alarm wait for the end of the block.

    Only the main thread hears signals, so on others nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with waits(INTERRUPTING[0]), waits(INTERRUPTING[1]), waits(INTERRUPTING[-1]):
        yield


@contextmanager
def waits(number: int) -> Iterator[None]:
    """Let one signal wait, if a Python function answers it; others stay the system's."""
    before = signal.getsignal(number)
    if not callable(before):
        yield
        return
    heard: list[int] = []
    try:
        signal.signal(number, lambda number, frame: heard.append(number))
        yield
    finally:
        signal.signal(number, before)
        if heard:
            signal.raise_signal(number)
