"""Threads of our own: with a stack that is large enough, whatever size the process gives to its threads.

Numba and LLVM work on one of them: there no signal reaches them, which would leave a module half imported or be lost in
a callback, and a person's thread with a small stack does not overflow.
"""

from __future__ import annotations

import _thread
import queue
import threading
import types
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from glassnet.engine import shared_locks

COMPILER_STACK = 8 << 20  # bytes, as a main thread has
THREAD_STACK = 1 << 20  # of a thread that runs kernels, which need far less
POLL_SECONDS = 0.05  # between two looks for Ctrl-C, which may have reached another thread


def threads_are_real() -> bool:
    """Whether a new thread is one of the system, and not a coroutine of a library that has replaced them (gevent)."""
    return isinstance(_thread.start_new_thread, types.BuiltinFunctionType)


Results = queue.SimpleQueue[tuple[Any, BaseException | None]]
_here = threading.local()  # `compiles` is set on the threads that run_uninterrupted has started


class _Alive:
    """Lives as long as the thread that it was passed to."""


def run_uninterrupted(function: Callable[[], Any]) -> Any:
    """Return or raise what `function` does on a thread of its own; Ctrl-C is raised at once, while it finishes.

    That thread does not keep the process alive: `shared_locks` ends its work.
    """
    if getattr(_here, "compiles", False) or not threads_are_real():
        return function()
    results: Results = queue.SimpleQueue()
    while True:
        value, error = _result(results, _started(partial(_run, function, results)))
        if error is None:
            return value
        if not isinstance(error, _NeverRun):
            raise error


def _run(function: Callable[[], Any], results: Results, alive: _Alive) -> None:
    with shared_locks.compiler():
        value, caught = None, None
        try:
            _here.compiles = True
            value = function()
        except BaseException as error:
            caught = error
        _forget_this_thread()
        results.put((value, caught))


def run_in_background(function: Callable[[], None]) -> bool:
    """Start a function on a thread of its own, which drops its errors; False where no thread can be started.

    The thread does not keep the process alive.
    """
    if not threads_are_real():
        return False
    try:
        _started(partial(_run_alone, function))
    except RuntimeError:
        return False
    return True


def _run_alone(function: Callable[[], None], alive: _Alive) -> None:
    with suppress(Exception):
        _here.compiles = True
        function()
    _forget_this_thread()


def _forget_this_thread() -> None:
    """Remove the entry that `threading.current_thread` makes for a thread that `threading` has not started.

    It would stay in `threading.enumerate()` when the thread has ended.
    """
    threads: dict[int, threading.Thread] = getattr(threading, "_active", {})
    threads.pop(threading.get_ident(), None)


class _NeverRun(Exception):
    """A thread ended before its first line: an exception that was set for its parent reached it."""


def _started(run: Callable[[_Alive], None]) -> weakref.ref[_Alive]:
    """Start a thread; return a reference that is dead when it has ended."""
    alive = _Alive()
    start_with_stack(COMPILER_STACK, lambda: _thread.start_new_thread(run, (alive,)))
    return weakref.ref(alive)


def _result(results: Results, alive: weakref.ref[_Alive]) -> tuple[Any, BaseException | None]:
    """What the thread puts into the queue, looking for Ctrl-C all the while; _NeverRun where it ended without."""
    while True:
        ended = alive() is None
        try:
            return results.get(timeout=0 if ended else POLL_SECONDS)
        except queue.Empty:
            if ended:
                return None, _NeverRun()


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
