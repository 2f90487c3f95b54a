"""Ctrl-C within Numba and LLVM, and while several threads work for one another.

There it would leave a half-imported module, be lost in a callback, or leave a thread alone at a barrier. A compilation
is left to a thread of its own, which no signal reaches; short calls let signals wait until they have returned.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

INTERRUPTING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name)]


def undisturbed(function: Callable[[], Any]) -> Any:
    """What `function` gives or raises; Ctrl-C is heard at once, and the function comes to its end on its own thread.

    Only the main thread hears signals, so on others the function is called as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        return function()
    answers: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def answer() -> None:
        try:
            answers.put((function(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=answer, name="glassnet compiler").start()
    value, error = answers.get()
    if error is not None:
        raise error
    return value


@contextmanager
def signals_wait() -> Iterator[None]:
    """Let what Python does on Ctrl-C, SIGTERM or an alarm wait for the end of the block, on the main thread."""
    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number in INTERRUPTING:
                stack.enter_context(_waits(number))
        yield


@contextmanager
def _waits(number: int) -> Iterator[None]:
    """Let one signal wait, if a Python function answers it; others stay the system's."""
    answer = signal.getsignal(number)
    if not callable(answer):
        yield
        return
    heard: list[Any] = []
    try:
        signal.signal(number, lambda *what: heard.append(what))
        yield
    finally:
        signal.signal(number, answer)
        if heard:
            answer(*heard[-1])
