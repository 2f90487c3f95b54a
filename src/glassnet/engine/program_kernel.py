"""The kernel of a whole program: when an executor looks for it, has it compiled, and tries it.

It runs a step of the smallest networks in half the time, and takes seconds to compile. So it is compiled on a thread of
its own when the steps of a run have taken some seconds. Until it is there, the equations are run one by one. The bits
are the same: a few steps are computed both ways and compared before it is used and stored in the cache.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache, partial
from typing import NamedTuple

from glassnet.engine import shared_locks
from glassnet.engine.compiler_thread import run_in_background
from glassnet.engine.kernel_spec import KernelAddress
from glassnet.engine.row_table import Slots
from glassnet.errors import EngineUnavailable

LOOKUP_SECONDS, COMPILE_SECONDS = 0.02, 10.0  # of steps, before it is looked for in the cache and before it is compiled
MAX_EQUATIONS, MAX_WORK = 64, 1 << 25  # equations, and parameters times samples: more take longer to compile, gain less
PROOF_STEPS = 4


class Loaded(NamedTuple):
    """A loaded kernel; `code` is empty where it came from the cache, which stores only what was proven."""

    address: int
    symbol: str = ""
    code: bytes = b""


_loaded: dict[str, Loaded] = {}  # by key; address 0 where it is being compiled, or cannot be
_compiling: set[str] = set()  # the keys of those that are being compiled


def is_compiling() -> bool:
    """Whether a kernel of a whole program is being compiled in this process."""
    return bool(_compiling)


def _forget_unfinished() -> None:
    """Forget what is being compiled: a forked process has none of its parent's threads."""
    for key in [key for key, loaded in _loaded.items() if not loaded.address]:
        del _loaded[key]
    _compiling.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_unfinished)


class ProgramKernel:
    """The kernel of a program for batches of `samples` samples; `rows` are its encoded equations."""

    def __init__(self, rows: tuple[Slots, ...], samples: int, parameters: int) -> None:
        self.rows, self.samples, self.parameters, self.seconds, self.key = rows, samples, parameters, 0.0, ""
        self.address, self.is_proven = 0, False
        self.is_worthwhile = len(rows) <= MAX_EQUATIONS and samples * parameters <= MAX_WORK

    def of(self, rows: tuple[Slots, ...]) -> ProgramKernel:
        """That of other rows of the same program, or this one."""
        return self if rows is self.rows else ProgramKernel(rows, self.samples, self.parameters)

    def find(self, *, may_compile: bool) -> int:
        """Its address; 0 where it is not there yet. `seconds` are those that steps have taken so far."""
        if self.address or not self.is_worthwhile or self.seconds < LOOKUP_SECONDS:
            return self.address
        if not self.key:
            self.key = program_key(self.rows, self.samples)
            if self.key not in _loaded:
                self._read()
        loaded = _loaded.get(self.key)
        if loaded is None:
            if may_compile and self.seconds >= COMPILE_SECONDS:
                self._compile()
            return 0
        self.address, self.is_proven = loaded.address, not loaded.code
        return self.address

    def _read(self) -> None:
        """Load it from the cache; a run goes on without it where that is impossible."""
        from glassnet.engine import cache

        with suppress(EngineUnavailable, OSError, MemoryError, ImportError), shared_locks.engine():
            if address := cache.stored_address(self.key):
                _loaded[self.key] = Loaded(address)

    def _compile(self) -> None:
        _loaded[self.key] = Loaded(0)
        _compiling.add(self.key)
        if not run_in_background(partial(_compile_into_loaded, self.key, self.rows, self.samples)):
            self.is_worthwhile = False
            _compiling.discard(self.key)

    def accept(self) -> None:
        """Store it, unless another run has: it has given the bits of its equations."""
        from glassnet.engine import cache

        loaded, self.is_proven = _loaded[self.key], True
        if loaded.code:
            _loaded[self.key] = Loaded(loaded.address)
            cache.store(self.key, loaded.symbol, loaded.code)

    def refuse(self) -> None:
        """Use it no more, here and in later runs of this process."""
        self.address, self.is_worthwhile, _loaded[self.key] = 0, False, Loaded(0)


@lru_cache(maxsize=64)
def program_key(rows: tuple[Slots, ...], samples: int) -> str:
    """SHA-256 of everything that the machine code of such a kernel depends on."""
    from glassnet.engine import cache

    texts = [[_described(slot) for slot in slots] for slots in rows]
    return hashlib.sha256(f"{cache.environment()}\nprogram of {samples}\n{texts!r}".encode()).hexdigest()


def _described(slot: int | str) -> int | str:
    """A kernel as its specification, the address of a quantity as nothing: it differs from run to run."""
    if isinstance(slot, KernelAddress):
        return slot.spec.text
    return "" if isinstance(slot, str) else int(slot)


def _compile_into_loaded(key: str, rows: Sequence[Slots], samples: int) -> None:
    """Compile and load the kernel; it stays at address 0 where that is impossible."""
    from glassnet.engine import cache

    try:
        shared_locks.check_process()
        cache.check_free_memory("numba", "compiling the engine")
        from glassnet.engine.linked_program import program_code

        symbol, code = program_code(rows, samples)
        _loaded[key] = Loaded(cache.load(code, symbol), symbol, code)
    finally:
        _compiling.discard(key)
