"""Threads of our own: with a stack that is large enough, whatever size the process gives to its threads.

Numba and LLVM work on one of them: there no signal reaches them, which would leave a module half imported or be lost in
a callback, and a person's thread with a small stack does not overflow.
"""

from __future__ import annotations

import _thread
import queue
import threading
import types
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from glassnet.engine import shared_locks

COMPILER_STACK = 8 << 20  # bytes, as a main thread has
THREAD_STACK = 1 << 20  # of a thread that runs kernels, which need far less
POLL_SECONDS = 0.05  # between two looks for Ctrl-C, which may have reached another thread


class CompilerThread(threading.Thread):
    """A thread that compiles or loads one kernel. It does not keep the process alive: `shared_locks` ends its work."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(target=work, name="glassnet compiler", daemon=True)


def threads_are_real() -> bool:
    """Whether a new thread is one of the system, and not a coroutine of a library that has replaced them (gevent)."""
    return isinstance(_thread.start_new_thread, types.BuiltinFunctionType)


def run_uninterrupted(function: Callable[[], Any]) -> Any:
    """Return or raise what `function` does on a thread of its own; Ctrl-C is raised at once, while it finishes."""
    if isinstance(threading.current_thread(), CompilerThread) or not threads_are_real():
        return function()
    results: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        with shared_locks.compiler():
            try:
                results.put((function(), None))
            except BaseException as error:
                results.put((None, error))

    start_with_stack(COMPILER_STACK, CompilerThread(run).start)
    while True:
        with suppress(queue.Empty):
            value, error = results.get(timeout=POLL_SECONDS)
            break
    if error is not None:
        raise error
    return value


def run_on_large_stack(function: Callable[[], Any]) -> Any:
    """Return or raise what `function` does: on this thread where it is the main one, else on one of our own."""
    return function() if threading.current_thread() is threading.main_thread() else run_uninterrupted(function)


_own_size = 0  # of the stacks of a person's threads; 0: the system's default


def start_with_stack(size: int, start: Callable[[], Any]) -> Any:
    """Return what `start` does, whose new threads have a stack of `size` bytes.

    There is no lock: an exception set from outside could leave it closed. The size that a person has set is kept.
    """
    global _own_size
    before = threading.stack_size(size)
    if before not in (COMPILER_STACK, THREAD_STACK):
        _own_size = before
    try:
        return start()
    finally:
        threading.stack_size(_own_size)
