"""What runs a program: the interface of both executors, and the choice between the compiled engine and NumPy."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NoReturn, Protocol

from glassnet.batches.mini_batches import StepRange
from glassnet.engine import shared_locks
from glassnet.errors import EngineUnavailable, ParameterError
from glassnet.execution.reference import Reference
from glassnet.program.buffers import Vectors
from glassnet.program.parameters import Array
from glassnet.program.precision import EMULATE, MIXED, checked_precision, is_emulated
from glassnet.program.program import Program

ENGINES = ("compiled", "numpy")


class StepExecutor(Protocol):
    """What a run of steps needs."""

    engine: str  # "compiled", or "numpy" where that cannot run
    vectors: Vectors
    capacity: int  # the largest batch, in samples
    warnings: list[str]  # sentences about how the program is run
    threads: int | None  # None: as many as are faster
    may_compile_program: bool  # whether a long run may have its whole program compiled, beside it: takes 100 MB

    def bind(self, sources: Any) -> None:
        """Name the data of a run: Sources, or StreamedSources."""

    def steps(self, steps: StepRange, costs: Array) -> int:
        """Run steps of a run and write the cost of each; return how many were run."""

    def close(self) -> None:
        """End what goes on beside the steps, such as reading a file."""

    def shuffle(self, orders: Array, draws: Array) -> None:
        """Fill each row of `orders` (epochs, samples), int64, with a permutation, from as many uint32 draws."""


class Executor(StepExecutor, Protocol):
    """What both executors offer; see reference.Reference."""

    program: Program
    m: int
    step: int  # decides the randomness inside a step
    scalars: dict[str, Any]

    def inspect(self, x: Array) -> None:
        """Sample x (rows) and decide whether skipping its zeros pays off in the products that follow; same bits."""

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Run some equations on what the buffers contain."""

    def prepared_call(self) -> Callable[[], None]:
        """A function that runs all equations for the present number of samples, as often as it is called."""

    def rows(self, name: str) -> Array:
        """A quantity, samples as rows."""

    def columns(self, name: str) -> Array:
        """A quantity, samples as columns."""

    def set(self, name: str, columns: Any) -> None:
        """Copy values in, samples as columns."""


def choose_executor(engine: str, program: Program, vectors: Vectors, capacity: int, seed: int) -> Executor:
    """An executor for `program`. Where the compiled engine cannot run, NumPy does, with one warning."""
    if engine == "numpy":
        return Reference(program, vectors, capacity, seed)
    if program.is_rounded and not computes_mixed(engine):
        copy = "take a copy by net.astype('float32', 'float32')"
        raise_unavailable(f"{copy}, or load the network by NeuralNetwork.load(path, engine='numpy')")
    try:
        executor = _compiled_class()(program, vectors, capacity, seed)
        executor.warnings += [emulation_note()] if program.is_rounded and is_emulated() else []
        return executor
    except EngineUnavailable as reason:
        sentence = f"the compiled engine cannot run here ({reason}); NumPy runs instead, many times slower."
        warnings.warn(sentence, RuntimeWarning, stacklevel=1)  # always from this line, so that it is shown once
        reference = Reference(program, vectors, capacity, seed)
        reference.warnings.append(sentence)
        return reference


def usable_precision(
    precision: Any, dtype: Any, engine: str, advice: str = "take precision 'float32' or engine 'numpy'"
) -> str | None:
    """The precision of products as `checked_precision` gives it. Raises ParameterError where the engine lacks it.

    `advice` is what the user can do then, with the arguments that there are.
    """
    checked = checked_precision(precision, dtype)
    if checked == MIXED and not computes_mixed(engine):
        raise_unavailable(advice)
    return checked


def computes_mixed(engine: str) -> bool:
    """Whether an engine computes mixed precision here: NumPy does, the compiled one with instructions or permission."""
    return engine == "numpy" or is_emulated() or has_instructions()


def has_instructions() -> bool:
    """Whether the compiled engine can multiply bfloat16 numbers in one instruction here."""
    try:
        with shared_locks.engine():
            from glassnet.engine.cache import has_bfloat16_products
        return has_bfloat16_products()
    except (EngineUnavailable, OSError, ImportError):
        return False


def raise_unavailable(advice: str) -> NoReturn:
    """Refuse mixed precision, with advice to whoever asked for it. Raises ParameterError."""
    raise ParameterError(
        f"the compiled engine cannot compute precision {MIXED!r} here, which takes a processor with the instructions "
        f"of AVX512_BF16 and Numba 0.62 or later; {advice}, or set {EMULATE}=1 to try the numbers without the speed."
    )


@cache
def emulation_note() -> str:
    """Warn, once per process, that the compiled engine emulates products of mixed precision; return the warning."""
    sentence = (
        f"{EMULATE}=1: products of precision {MIXED!r} are emulated, with operands rounded to bfloat16 and float32 "
        "arithmetic; the numbers are those of mixed precision, the speed is not."
    )
    warnings.warn(sentence, RuntimeWarning, stacklevel=2)
    return sentence


@cache
def _compiled_class() -> Callable[..., Executor]:
    """The class of compiled executors. Raises EngineUnavailable where the system does not let its modules be read.

    No fork may fall into the import: the forked process would wait for ever for the thread that imports.
    """
    try:
        with shared_locks.engine():
            from glassnet.engine.executor import Compiled
    except (OSError, ImportError) as error:  # no file descriptor is free, for instance
        raise EngineUnavailable(f"its modules cannot be read: {error}") from error
    return Compiled
