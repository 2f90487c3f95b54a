"""Ctrl-C while Numba or LLVM works, and while several threads depend on one another.

There it would leave a module half imported, be lost in a callback, or leave a thread waiting at a barrier. So a kernel
is compiled on a thread of its own, which no signal reaches, and short calls defer signals until they have returned.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

DEFERRED = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name)]


def run_uninterrupted(function: Callable[[], Any]) -> Any:
    """Return or raise what `function` does; Ctrl-C is raised at once, while the function finishes on its own thread.

    Only the main thread receives signals, so on other threads the function is called directly.
    """
    if threading.current_thread() is not threading.main_thread():
        return function()
    results: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put((function(), None))
        except BaseException as error:
            results.put((None, error))

    threading.Thread(target=run, name="glassnet compiler").start()
    value, error = results.get()
    if error is not None:
        raise error
    return value


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
