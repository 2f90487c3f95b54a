"""One call of the interpreter on several threads: begun together, ended together, none left waiting at a barrier."""

from __future__ import annotations

import _thread
import ctypes
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from glassnet.engine.compiler_thread import THREAD_STACK, start_with_stack
from glassnet.engine.layout import CONTEXT_SIZE, COUNTER_STRIDE, COUNTERS, COUNTERS_SIZE, InterpreterArguments
from glassnet.engine.signals import defer_signals

LINE = COUNTER_STRIDE  # int64 numbers of a cache line, which no two threads share
CONTEXT_LINES, ARGUMENT_LINES = (-(-size // LINE) for size in (CONTEXT_SIZE, len(InterpreterArguments._fields)))
WAIT_SECONDS = 1e-4  # between two looks whether threads have left a call that was given up


class ThreadCall:
    """The memory that the threads share: arguments and context of each, their counters, and the abort flag.

    It is one block, which every thread keeps alive. A thread that begins after the call was given up finds the flag set
    and touches nothing else.
    """

    def __init__(self, threads: int) -> None:
        sizes = np.array([COUNTERS_SIZE, LINE, threads * CONTEXT_LINES * LINE, threads * ARGUMENT_LINES * LINE])
        self.block = (ctypes.c_int64 * int(sizes.sum() + LINE))()
        numbers = np.frombuffer(memoryview(self.block).cast("B"), np.int64)
        start = -numbers.ctypes.data % (8 * LINE) // 8
        ends = (start + np.cumsum(sizes)).tolist()
        self.counters, self.abort = numbers[start : ends[0]], numbers[ends[0] : ends[1]]
        self.contexts = numbers[ends[1] : ends[2]].reshape(threads, -1)
        self.arguments = numbers[ends[2] : ends[3]].reshape(threads, -1)

    def run(self, kernel: Callable[..., Any]) -> bool:
        """Call the kernel with the arguments of each thread, the first on this one; return after all have ended.

        False where the system has no more threads; then nothing was computed that lasts. New threads call the kernel
        without a line of Python, where an exception set from outside could reach them. One that reaches this thread
        before it comes to the first barrier ends the others; Ctrl-C is handled after the call.
        """
        with defer_signals():
            try:
                if not start_with_stack(THREAD_STACK, partial(self._start, kernel)):
                    self._give_up()
                    return False
                kernel(self.arguments[0].ctypes.data, None)
            except BaseException:
                self._give_up()
                raise
            return True

    def _start(self, kernel: Callable[..., Any]) -> bool:
        """Start all threads but this one; False where one cannot be started."""
        pointers = [arguments.ctypes.data for arguments in self.arguments[1:]]
        for pointer in pointers:
            try:
                _thread.start_new_thread(kernel, (pointer, self.block))
            except RuntimeError:
                return False
        return True

    def _give_up(self) -> None:
        """Have all threads leave, and wait for those that have begun; a further exception does not end the wait."""
        self.abort[0] = 1
        counters = self.counters[::COUNTER_STRIDE]
        while counters[COUNTERS.ended] < counters[COUNTERS.begun]:
            with suppress(BaseException):
                time.sleep(WAIT_SECONDS)
