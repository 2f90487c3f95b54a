"""Which executor runs a program: the compiled engine, or NumPy where a person wants it or nothing else works."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Protocol

from glassnet.execution.reference import Reference, Schedule, Sources
from glassnet.program.buffers import Vectors
from glassnet.program.parameters import Array
from glassnet.program.program import Program

ENGINES = ("compiled", "numpy")


class Executor(Protocol):
    """What both executors offer; see reference.Reference."""

    program: Program
    m: int
    capacity: int
    scalars: dict[str, Any]
    threads: int | None  # None: as many as are faster
    warnings: list[str]

    def bind(self, sources: Sources) -> None:
        """Name the data of a run."""

    def inspect(self, x: Array) -> None:
        """See by some samples (rows) which way of computing suits what is run next; the bits are the same."""

    def steps(self, schedule: Schedule, costs: Array) -> int:
        """Run steps of a run; write the cost of each."""

    def shuffle(self, order: Array, draws: Array) -> None:
        """Write an order in each row of `order` (epochs, samples), int64, from as many draws; see shuffle_into."""

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Run some rows on what the buffers hold."""

    def prepared_call(self) -> Callable[[], None]:
        """A call that runs all rows for the present number of samples, as often as it is made."""

    def rows(self, name: str) -> Array:
        """A quantity, samples as rows."""

    def columns(self, name: str) -> Array:
        """A quantity, samples as columns."""

    def set(self, name: str, columns: Any) -> None:
        """Copy values in, samples as columns."""


def executor(engine: str, program: Program, vectors: Vectors, capacity: int, seed: int) -> Executor:
    """An executor for `program`. Where the compiled engine cannot run, NumPy does, and one warning says so."""
    if engine == "numpy":
        return Reference(program, vectors, capacity, seed)
    from glassnet.engine import EngineUnavailable

    try:
        from glassnet.engine.executor import Compiled

        return Compiled(program, vectors, capacity, seed)
    except EngineUnavailable as reason:
        sentence = f"the compiled engine cannot run here ({reason}); NumPy runs instead, many times slower."
        warnings.warn(sentence, RuntimeWarning, stacklevel=1)  # one place: said once
        slow = Reference(program, vectors, capacity, seed)
        slow.warnings.append(sentence)
        return slow
