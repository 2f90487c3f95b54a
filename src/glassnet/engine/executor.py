"""Runs a program compiled: its equations become a table of slots, and one call runs any number of steps.

The interface is that of reference.Reference, on the same memory, so that either can replace the other.
"""

from __future__ import annotations

import ctypes
import math
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.batches.mini_batches import StepRange
from glassnet.batches.sources import Sources
from glassnet.engine import address
from glassnet.engine.cache import has_free_masks
from glassnet.engine.layout import (
    CALL,
    CONTEXT,
    CONTEXT_SIZE,
    COUNTERS_SIZE,
    SCRATCH_BYTES,
    InterpreterArguments,
    RowHeader,
)
from glassnet.engine.processors import available_threads
from glassnet.engine.program_kernel import PROOF_STEPS, ProgramKernel
from glassnet.engine.row_table import (
    GATHER_KINDS,
    ProgramKey,
    Slots,
    encoded_rows,
    key_names,
    source_names,
    sparse_width,
)
from glassnet.engine.signals import defer_signals
from glassnet.engine.thread_call import ThreadCall
from glassnet.engine.threads import ACTIVE_CALLS, ThreadTuner
from glassnet.errors import EngineUnavailable
from glassnet.program.buffers import Memory, Vectors
from glassnet.program.equations import dropout_keys
from glassnet.program.parameters import Array, aligned_zeros
from glassnet.program.program import Program

DTYPE_CODES = {"float32": 0, "float64": 1, "uint8": 2, "int64": 3}
KERNEL_TYPE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
INSPECTED_SAMPLES = 64  # at most, when x is searched for zeros
MAX_WORK_LEFT = 0.85  # share of the work up to which skipping zeros pays off
WRONG_PROGRAM = (
    "the kernel that LLVM made of this whole program gives other numbers than its equations one by one; it is not "
    "used. Please report this."
)
HEAVY_STEP = 1 << 28  # parameters times samples: steps of about 20 ms and more


class Compiled(Memory):
    """The compiled executor. `seed` is the seed of the randomness inside a step (dropout)."""

    engine = "compiled"

    def __init__(self, program: Program, vectors: Vectors, capacity: int, seed: int = 0) -> None:
        super().__init__(program, vectors, capacity)
        self.seed = seed
        self.step = 0
        self.warnings: list[str] = []
        self.sources: Sources | None = None
        self.order: Array | None = None
        self.scalars: dict[str, Any] = {}
        self.interpret = KERNEL_TYPE(address("interpret", ""))
        self.is_gathering = any(row.kind in GATHER_KINDS for row in program.rows)
        self.shuffle_kernel = KERNEL_TYPE(address("shuffle", "")) if self.is_gathering else None
        self.abort, self.counters, self.cost = cache_line_array(1), cache_line_array(COUNTERS_SIZE), np.zeros(1)
        self.context, self.scratch = cache_line_array(CONTEXT_SIZE), thread_scratch()
        self._fill_context(self.context, self.abort, self.scratch, 0, 1)
        self.scratches: list[Array] = []  # of the other threads
        self.threads: int | None = None
        self.may_compile_program, self.timed_program = False, 0
        self.tuners: dict[int | None, ThreadTuner] = {}
        self.addresses, self.sparse, self.can_be_sparse = self._addresses(), False, True
        self.program_kernel = ProgramKernel(self._rows(), capacity, vectors.parameters.count)
        self.table = self._table()

    @property
    def tuner(self) -> ThreadTuner:
        """Chooses the number of threads, up to what the system allows and the run wants; made at its first steps."""
        if self.threads not in self.tuners:
            limit = min(available_threads(), self.threads or math.inf)
            heavy = self.capacity * self.vectors.parameters.count >= HEAVY_STEP
            self.tuners[self.threads] = ThreadTuner(int(limit), heavy)
        return self.tuners[self.threads]

    def bind(self, sources: Sources) -> None:
        """Set the data that the gathering equations read; they must stay at their addresses."""
        self.sources = sources
        for name in (row.reads[0] for row in self.program.rows if row.kind in GATHER_KINDS):
            source = sources.of(name)
            numbers = (source.ctypes.data, source.strides[0], DTYPE_CODES[source.dtype.name])
            self.addresses |= zip(source_names(name), numbers, strict=True)
        self._rebuild_table(self._should_skip_zeros(sources.x))

    def inspect(self, x: Array) -> None:
        """Decide whether products with x skip its zeros from now on; the bits are the same."""
        sparse = self._should_skip_zeros(x)
        if sparse != self.sparse:
            self._rebuild_table(sparse)

    def _should_skip_zeros(self, x: Array) -> bool:
        """Whether products with x are to skip its zeros."""
        row_bytes = sparse_width(ProgramKey(self.program)) * self.work[False].itemsize
        return row_bytes > 0 and self.can_be_sparse and has_free_masks() and skipping_zeros_pays(x, row_bytes)

    def _rebuild_table(self, sparse: bool) -> None:
        """Rebuild the table, with zeros skipped or not; not, where the kernels for it are unavailable."""
        self.sparse = sparse
        try:
            self.table[:] = self._table()
            self.program_kernel = self.program_kernel.of(self._rows())
        except EngineUnavailable:
            if not sparse:
                raise
            self.can_be_sparse = False
            self._rebuild_table(False)

    def steps(self, steps: StepRange, costs: Array) -> int:
        """Run steps in one call, without the GIL; write the cost of each; return how many were run."""
        self.order = steps.order  # kept alive: equations that are run by themselves later read it too
        batches, scalars = np.ascontiguousarray(steps.batches), steps.scalars
        call = {"batches": batches.ctypes.data, "first_step": steps.first_step, "steps": len(batches)}
        call |= {"scalars": scalars.ctypes.data, "scalar_bytes": scalars.strides[0]}
        call |= {"costs": costs.ctypes.data, "cost": self.rows("C").ctypes.data, "flush": 1}
        with ACTIVE_CALLS.enter() as is_only_call:
            threads, table = self.tuner.threads() if is_only_call else 1, self._chosen_table(call, costs)
            started = time.perf_counter()
            done = self._run_threads(threads, call) if threads > 1 else self._run_here(table, call)
            seconds = time.perf_counter() - started
            self.program_kernel.seconds += seconds if threads == 1 else 0
            if is_only_call:
                self.tuner.record(threads, seconds, len(batches))
        return done

    def _chosen_table(self, call: dict[str, int], costs: Array) -> Array:
        """The table for steps on one thread: the kernel of the whole program as one row, or all rows."""
        kernel = self.program_kernel
        address = kernel.find(may_compile=self.may_compile_program)
        if not address:
            return self.table
        row = np.array([[*RowHeader(address, 0, 0, 0), self.table.ctypes.data]], np.int64)  # layout.PROGRAM
        if not kernel.is_proven:
            if not self._are_equal(row, self.table, call | {"steps": min(PROOF_STEPS, call["steps"])}, costs):
                kernel.refuse()
                warnings.warn(WRONG_PROGRAM, RuntimeWarning, stacklevel=2)
                self.warnings.append(WRONG_PROGRAM)
                return self.table
            kernel.accept()
        if address != self.timed_program:  # one thread is faster than it was
            self.timed_program, self.tuners = address, {}
        return row

    def _are_equal(self, one: Array, other: Array, call: dict[str, int], costs: Array) -> bool:
        """Whether two tables give the same bits in these steps, after which all is as it was before."""
        parts = (self.vectors.parameters, self.vectors.gradients, *self.vectors.states, self.vectors.statistics)
        vectors = [part.vector for part in parts]
        before, results = [vector.copy() for vector in vectors], []
        with defer_signals():  # Ctrl-C is not to leave vectors of steps that nobody counts
            for table in (one, other):
                self._run_here(table, call)
                results.append([array.tobytes() for array in (*vectors, costs[: call["steps"]])])
                for vector, values in zip(vectors, before, strict=True):
                    vector[:] = values
        return results[0] == results[1]

    def _run_here(self, table: Array, call: dict[str, int]) -> int:
        """Run steps on this thread, by the rows of a table; return how many were run."""
        arguments, alive = self._arguments(table, **call)
        self.interpret(arguments.ctypes.data, None)
        del alive
        return int(arguments[CALL.steps_done])

    def _run_threads(self, threads: int, call: dict[str, int]) -> int:
        """Run steps on several threads, or on this one if the system has no more; return how many were run."""
        shared = ThreadCall(threads)
        self.scratches += [new_scratch() for _ in range(len(self.scratches), threads - 1)]
        for thread, scratch in enumerate((thread_scratch(), *self.scratches[: threads - 1])):
            self._fill_context(shared.contexts[thread], shared.abort, scratch, thread, threads)
            addresses = {"context": shared.contexts[thread].ctypes.data, "counters": shared.counters.ctypes.data}
            self._fill_arguments(shared.arguments[thread], self.table, **addresses, **call)
        if not shared.run(self.interpret):
            self.tuners = {self.threads: ThreadTuner(1)}
            return self._run_here(self.table, call)
        return int(shared.arguments[0, CALL.steps_done])

    def close(self) -> None:
        """No-op: nothing goes on beside the steps."""

    def shuffle(self, order: Array, draws: Array) -> None:
        """Write a random order of the samples in each row of `order` (epochs, samples)."""
        slots = np.array([order.ctypes.data, *order.shape, draws.ctypes.data], np.int64)  # layout.SHUFFLE
        assert self.shuffle_kernel is not None, "a program that gathers no batch has no order of samples"
        self.shuffle_kernel(slots.ctypes.data, None)

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Run the equations `first` to `last` − 1 on the present contents of the buffers, as one step."""
        self._call(first, last)()

    def prepared_call(self) -> Callable[[], None]:
        """A function that runs all equations for the present number of samples, each time this thread calls it."""
        return self._call(0, None)

    def _call(self, first: int, last: int | None) -> Callable[[], None]:
        """A function that runs some equations as one step, with the present scalars."""
        start, stop, _ = slice(first, last).indices(len(self.table))
        if self.order is None and any(row.kind in GATHER_KINDS for row in self.program.rows[start:stop]):
            raise RuntimeError("a program that gathers its batch has none before its first steps; set the quantities")
        names = self.program.scalars
        scalars = np.array([[self.scalars.get(name, 0.0) for name in names]], self.vectors.parameters.vector.dtype)
        batches, cost = np.array([[0, self.m]], np.int64), self.cost.ctypes.data
        call = {"batches": batches.ctypes.data, "first_step": self.step, "steps": 1, "costs": cost, "cost": cost}
        call |= {"scalars": scalars.ctypes.data, "scalar_bytes": 0, "flush": 0}
        arguments, scratch = self._arguments(self.table[start:stop], **call)
        interpret, pointer = self.interpret, arguments.ctypes.data
        alive = (arguments, scratch, batches, scalars, self)  # as long as the function

        def run() -> None:
            assert alive
            interpret(pointer, None)

        return run

    def _arguments(self, table: Array, **call: int) -> tuple[Array, Array]:
        """The interpreter's arguments for the rows of a table, on this thread alone, and its scratch memory."""
        arguments, scratch = cache_line_array(len(InterpreterArguments._fields)), thread_scratch()
        self._fill_context(self.context, self.abort, scratch, 0, 1)
        addresses = {"context": self.context.ctypes.data, "counters": self.counters.ctypes.data}
        self._fill_arguments(arguments, table, **addresses, **call)
        return arguments, scratch

    def _fill_arguments(self, arguments: Array, table: Array, **call: int) -> None:
        """Write the interpreter's arguments for the rows of a table."""
        rows, size = table.shape
        values = InterpreterArguments(table=table.ctypes.data, rows=rows, row_size=size, steps_done=0, **call)
        arguments[: len(values)] = values

    def _fill_context(self, context: Array, abort: Array, scratch: Array, thread: int, threads: int) -> None:
        """Write what a thread's context has for all steps of a call."""
        context[CONTEXT.thread], context[CONTEXT.threads] = thread, threads
        context[CONTEXT.order] = 0 if self.order is None else self.order.ctypes.data
        context[CONTEXT.scratch], context[CONTEXT.abort] = scratch.ctypes.data, abort.ctypes.data

    # The table of rows ------------------------------------------------------------------------------------------------

    def _table(self) -> Array:
        """Every equation as a row of int64 slots, with addresses instead of names; all rows have the same length."""
        addresses = self.addresses
        rows = self._rows()
        table = np.zeros((len(rows), max(map(len, rows))), np.int64)
        for number, slots in enumerate(rows):
            table[number, : len(slots)] = [addresses[slot] if type(slot) is str else slot for slot in slots]
        return table

    def _rows(self) -> tuple[Slots, ...]:
        """Every equation as slots, with the names of quantities."""
        return encoded_rows(ProgramKey(self.program), self.vectors.parameters.vector.dtype.name, self.sparse)

    def _addresses(self) -> dict[str, int]:
        """The address of every quantity, and the other numbers that slots name; 0 where it is not known yet."""
        addresses: dict[str, int] = {}
        starts: dict[Any, int] = {wide: array.ctypes.data for wide, array in self.work.items()}
        for name, buffer in self.program.buffers.items():
            if buffer.home == "work":
                for array in self.arrays(name, 0):
                    offset = self.offsets[self.program.memory(array)] * self.work[buffer.float64].itemsize
                    addresses[array] = starts[buffer.float64] + offset
            elif buffer.home == "source":
                addresses |= dict.fromkeys(source_names(name), 0)
            else:
                home = self.vectors.at(buffer.home)
                start = starts.setdefault(buffer.home, home.vector.ctypes.data)
                addresses[name] = start + home.offsets[buffer.segment] * home.vector.itemsize
        for row in self.program.rows:
            if row.kind in ("dropout", "scheduled_dropout", "noise"):
                layer = row.settings[-1]
                addresses |= zip(key_names(layer), dropout_keys(self.seed, layer), strict=True)
        return addresses


def skipping_zeros_pays(x: Array, row_bytes: int) -> bool:
    """Whether x (samples, inputs) has so many zeros that its products are faster without; `row_bytes`: a row of w.

    A product without zeros computes two rows at a time, from the terms that are not 0 in both, and lists these first:
    measured, the list takes as long as 32 bytes of a row.
    """
    sample = x[:: max(1, len(x) // INSPECTED_SAMPLES)][: min(INSPECTED_SAMPLES, len(x) & -2)] != 0
    return len(sample) > 0 and float((sample[::2] | sample[1::2]).mean()) + 32 / row_bytes < MAX_WORK_LEFT


def cache_line_array(count: int) -> Array:
    """An int64 array of zeros that shares no cache line with others, so that threads do not slow each other down."""
    return aligned_zeros((count + 7) & -8, np.int64)[:count]


_scratch = threading.local()


def thread_scratch() -> Array:
    """This thread's scratch memory, shared by all its executors, one of which runs at a time."""
    try:
        memory: Array = _scratch.memory
    except AttributeError:
        memory = _scratch.memory = new_scratch()
    return memory


def new_scratch() -> Array:
    """Scratch memory for one thread."""
    return aligned_zeros(SCRATCH_BYTES, np.uint8)
