"""The locks that guard the compiler and LLVM, and what a fork and the end of the process do about them.

A forked process has none of its parent's threads, so a lock that one of them held would never open there, and LLVM
would stay as it was left. A fork therefore waits until no thread compiles. A process that ended while a thread was
inside LLVM would crash in LLVM's destructors, so its end waits for the call in progress and lets none begin.
"""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401 (its fork handlers and logging's must not be registered during a fork)
import ctypes
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from glassnet.errors import EngineUnavailable

FORK_SECONDS = 20.0  # at most, for a kernel that is being compiled
FOREIGN_SECONDS = 2.0  # at most, for the work of others with Numba
TURN_SECONDS = 1e-3  # between two looks whether a fork is over
EXIT_SECONDS = 0.3  # at most, for a call of LLVM in progress


class _Locks:
    """The locks of this process, replaced by new ones in a forked one."""

    def __init__(self) -> None:
        self.engine, self.compiler = threading.RLock(), threading.RLock()


_locks = _Locks()
_held: dict[int, list[Any]] = {}  # by thread that forks: the locks that it holds
_incomplete: set[int] = set()  # threads that fork although another one compiles
_inherited_work = False  # whether this process was forked while a thread compiled


@contextmanager
def engine() -> Iterator[None]:
    """Held while a kernel is loaded or compiled; a thread that wants to fork goes before those that want another."""
    deadline = time.monotonic() + FORK_SECONDS
    while _held and threading.get_ident() not in _held and time.monotonic() < deadline:
        time.sleep(TURN_SECONDS)
    with _locks.engine:
        yield


@contextmanager
def compiler() -> Iterator[None]:
    """Held by the thread that compiles, even where nobody waits for its result any more."""
    with _locks.compiler:
        yield


def check_process() -> None:
    """Raise EngineUnavailable in a process that was forked in the middle of a compilation."""
    if _inherited_work:
        raise EngineUnavailable("this process was forked while another thread was compiling")


def _foreign_locks() -> list[Any]:
    """Numba's lock, then llvmlite's, if they are imported."""
    locks = []
    with suppress(KeyError, AttributeError):
        locks.append(sys.modules["numba.core.compiler_lock"].global_compiler_lock._lock)
    with suppress(KeyError, AttributeError):
        locks.append(sys.modules["llvmlite.binding.ffi"].lib._lock._lock)
    return locks


def _before_fork() -> None:
    """Wait until no thread compiles or is inside LLVM; note where one does not end."""
    thread, held = threading.get_ident(), list[Any]()
    _held[thread] = held
    deadline = time.monotonic() + FORK_SECONDS
    for lock in (_locks.engine, _locks.compiler, *_foreign_locks()):
        if not lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            _incomplete.add(thread)
            return
        held.append(lock)
        if lock is _locks.compiler:
            deadline = time.monotonic() + FOREIGN_SECONDS


def _after_fork() -> None:
    thread = threading.get_ident()
    for lock in reversed(_held.pop(thread, [])):
        lock.release()
    _incomplete.discard(thread)


def _after_fork_in_child() -> None:
    global _locks, _inherited_work
    _inherited_work = _inherited_work or threading.get_ident() in _incomplete
    _after_fork()
    _held.clear()
    _incomplete.clear()
    _locks = _Locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)


@atexit.register
def _close_llvm() -> None:
    """Wait for the call of LLVM in progress and let no other thread begin one; do not wait for long."""
    llvm = sys.modules.get("llvmlite.binding.ffi")
    lock = getattr(getattr(getattr(llvm, "lib", None), "_lock", None), "_lock", None)
    if lock is None or lock.acquire(timeout=EXIT_SECONDS):  # it is never released
        return
    if not _skip_destructors():
        lock.acquire()


def _skip_destructors() -> bool:
    """Have the process end without the destructors of C++ libraries, if the C library can; the exit code stays."""
    library = ctypes.CDLL(None) if os.name == "posix" else None
    if library is None or not hasattr(library, "on_exit"):
        return False
    library.fflush(None)
    return library.on_exit(ctypes.cast(library._exit, ctypes.c_void_p), None) == 0
