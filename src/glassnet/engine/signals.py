"""Ctrl-C while several threads depend on one another, while LLVM loads a kernel, and while a file is written.

There it would leave a thread waiting at a barrier or be lost in a callback, so these short calls defer signals until
they have returned. A kernel is compiled on a thread of its own, which no signal reaches (compiler_thread.py).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

DEFERRED = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name)]


@contextmanager
def defer_signals() -> Iterator[None]:
    """On the main thread, handle Ctrl-C, SIGTERM and alarms at the end of the block."""
    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number in DEFERRED:
                stack.enter_context(_defer(number))
        yield


@contextmanager
def _defer(number: int) -> Iterator[None]:
    """Defer one signal, if its handler is a Python function; other handlers are left alone."""
    handler = signal.getsignal(number)
    if not callable(handler):
        yield
        return
    received: list[Any] = []
    try:
        signal.signal(number, lambda *arguments: received.append(arguments))
        yield
    finally:
        signal.signal(number, handler)
        if received:
            handler(*received[-1])
