"""The fused lowering: the same equations with fewer rows, fewer buffers and fewer waits.

Formulas that follow one another become one, and one that follows a product is done in its kernel; what nothing reads is
left out, rows are put in the order in which threads wait least, the same update of neighbouring segments is one pass
over the flat vector, and a result takes the memory of an operand that is read for the last time. Parameters and cost
keep the same bits, because no formula is changed, only joined.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from glassnet.program.architecture import Architecture
from glassnet.program.builder import build
from glassnet.program.parameters import padded
from glassnet.program.program import OPERANDS, Buffer, Program, Row
from glassnet.program.updates import StepOptions
from glassnet.tables.formula import trace

MOST_OPERANDS = 10  # of a formula that is done in a product's kernel
FLAT = 1 << 15  # parameters up to which one pass updates them; in larger networks a thread updates what it computed


class Lowerings(NamedTuple):
    """A program as it is built, with a buffer for each quantity, and as it is fused."""

    plain: Program
    fused: Program

    def for_engine(self, engine: str) -> Program:
        """The lowering to run where only the result counts."""
        return self.plain if engine == "numpy" else self.fused


@lru_cache(maxsize=16)
def step_lowerings(architecture: Architecture, options: StepOptions) -> Lowerings:
    """The program of a training step, made once for all runs of such a network."""
    program = build(architecture, options)
    return Lowerings(program, fused(program))


@lru_cache(maxsize=16)
def forward_lowerings(architecture: Architecture) -> Lowerings:
    """The forward pass of inference, made once for all networks of this architecture; its last row gives the result."""
    program = build(architecture)
    forward = program._replace(rows=program.rows[: program.head("forward")])
    return Lowerings(forward, fused(forward, forward.rows[-1].writes[0]))


def fused(program: Program, result: str = "C") -> Program:
    """The program that the compiled engine runs for training, or for another result alone."""
    rows = _flat(_unread_left_out(_joined(list(program.rows), program, result), program, result), program)
    scheduled = program._replace(rows=tuple(_scheduled(rows, program)))
    used = {name for row in rows for name in (*row.reads, *row.writes)}
    buffers = {name: buffer for name, buffer in program.buffers.items() if name in used or buffer.home != "work"}
    return scheduled._replace(buffers=buffers, shared=_shared(scheduled))


def _outlives(name: str, buffer: Buffer, result: str) -> bool:
    """Whether a quantity is needed after the step."""
    return name == result or buffer.home not in ("work", "gradients")


def _readers(rows: list[Row], writer: int, name: str) -> list[int]:
    """The rows after `writer` that read what it wrote to `name`."""
    found = []
    for number in range(writer + 1, len(rows)):
        if name in rows[number].reads:
            found.append(number)
        if name in rows[number].writes:
            break
    return found


def _joined(rows: list[Row], program: Program, result: str) -> list[Row]:
    """Put every formula whose result one other formula alone reads into that one; then products in the same way."""
    for kinds in (("formula",), tuple(OPERANDS)):
        number = 0
        while number < len(rows):
            reader = _only_reader(rows, number, program, result) if rows[number].kind in kinds else None
            if reader is None:
                number += 1
            else:
                join = _composed if rows[number].kind == "formula" else _followed
                rows[reader] = join(rows[number], rows[reader])
                del rows[number]
    return rows


def _only_reader(rows: list[Row], number: int, program: Program, result: str) -> int | None:
    """The formula into which this row can be put, or None."""
    row = rows[number]
    if len(row.writes) != 1 or _outlives(row.writes[0], program.buffers[row.writes[0]], result):
        return None
    readers = _readers(rows, number, row.writes[0])
    if len(readers) != 1 or rows[readers[0]].kind != "formula":
        return None
    between = {name for other in rows[number + 1 : readers[0]] for name in other.writes}
    same = program.extent(row) == program.extent(rows[readers[0]])
    suits = row.kind == "formula" or _follows(rows[readers[0]], program)
    return readers[0] if same and suits and not between & set(row.reads) else None


def _follows(row: Row, program: Program) -> bool:
    """Whether a formula may follow a product in its kernel: one result, and all it reads is of the result's shape."""
    shapes = {program.buffers[name].shape for name in (*row.reads, *row.writes)}
    return len(row.writes) == len(shapes) == 1 and not row.scalars and len(row.reads) < MOST_OPERANDS


def _followed(product: Row, row: Row) -> Row:
    """The product with the formula that follows it: its first input is the fresh result."""
    assert row.formula is not None
    fresh, formula = product.writes[0], row.formula
    further = tuple(name for name in row.reads if name != fresh)

    def after(*values: Any) -> Any:
        given = dict(zip((fresh, *further), values, strict=True))
        return formula(*(given[name] for name in row.reads))

    joined = trace(after, 1 + len(further))
    nothing = repr(joined.outputs) == "(0,)"  # the fresh result as it is
    reads = (*product.reads, *further)
    return product._replace(reads=reads, writes=row.writes, formula=None if nothing else joined, detail=False)


def _composed(first: Row, second: Row) -> Row:
    """One row that does what both did."""
    middle = first.writes[0]
    reads = tuple(dict.fromkeys((*first.reads, *(name for name in second.reads if name != middle))))
    scalars = tuple(dict.fromkeys((*first.scalars, *second.scalars)))

    def both(*values: Any) -> Any:
        given = dict(zip((*reads, *scalars), values, strict=True))
        assert first.formula is not None and second.formula is not None
        result = first.formula(*(given[name] for name in (*first.reads, *first.scalars)))
        later = given | {middle: result}
        return second.formula(*(later[name] for name in (*second.reads, *second.scalars)))

    return second._replace(reads=reads, scalars=scalars, formula=trace(both, len(reads) + len(scalars)), detail=False)


def _unread_left_out(rows: list[Row], program: Program, result: str) -> list[Row]:
    """Leave out rows whose results nobody reads, last ones first."""
    for number in range(len(rows) - 1, -1, -1):
        needed = any(
            _outlives(name, program.buffers[name], result) or _readers(rows, number, name)
            for name in rows[number].writes
        )
        if not needed:
            del rows[number]
    return rows


def _flat(rows: list[Row], program: Program) -> list[Row]:
    """The same formula on neighbouring segments of the flat vector as one row, in small networks."""
    if sum(padded(segment.size) for segment in program.segments) > FLAT:
        return rows
    flat: list[Row] = []
    for row in rows:
        before = flat[-1] if flat else row
        if _is_next(before.parts[-1], row, program):
            reads, writes = before.reads + row.reads, before.writes + row.writes
            flat[-1] = before._replace(reads=reads, writes=writes, span=before.span + 1)
        else:
            flat.append(row)
    return flat


def _is_next(before: Row, row: Row, program: Program) -> bool:
    """Whether a row does to a segment what another does to the segment before it, both to nothing else."""
    same = all(getattr(before, field) == getattr(row, field) for field in ("kind", "formula", "scalars"))
    names = [segment.name for segment in program.segments]
    if not same or row.kind != "formula" or not {before.writes[0], row.writes[0]} <= set(names):
        return False
    neighbours = names.index(before.writes[0]) + 1 == names.index(row.writes[0])
    homes, found = (_own_homes(other, program) for other in (before, row))
    return neighbours and homes is not None and homes == found


def _own_homes(row: Row, program: Program) -> list[str] | None:
    """The homes of what a row reads and writes, or None where that is not all of the segment that it writes."""
    buffers = [program.buffers[name] for name in row.reads + row.writes]
    return [buffer.home for buffer in buffers] if {buffer.segment for buffer in buffers} == {row.writes[0]} else None


def _scheduled(rows: list[Row], program: Program) -> list[Row]:
    """An order that keeps every dependency and changes the split as rarely as it can."""
    waits_for = [{n for n in range(number) if _depends(row, rows[n])} for number, row in enumerate(rows)]
    left, order, split = list(range(len(rows))), [], program.split(rows[0])
    while left:
        ready = [number for number in left if not waits_for[number]]
        chosen = next((number for number in ready if program.split(rows[number])[0] == split[0]), ready[0])
        split = program.split(rows[chosen])
        order.append(rows[chosen])
        left.remove(chosen)
        for waiting in waits_for:
            waiting.discard(chosen)
    return order


def _depends(row: Row, earlier: Row) -> bool:
    """Whether `row` must stay behind `earlier`."""
    touched = set(row.reads) | set(row.writes)
    return bool(touched & set(earlier.writes) or set(row.writes) & set(earlier.reads))


def _shared(program: Program) -> dict[str, str]:
    """Results that take the memory of an operand of the same shape which no later row reads."""
    shared: dict[str, str] = {}
    rows = list(program.rows)
    for number, row in enumerate(rows):
        result = row.writes[0]
        if row.kind != "formula" or not _is_scratch(program, result) or result in shared or result in row.reads:
            continue
        for name in row.reads:
            same = _is_scratch(program, name) and program.buffers[name].shape == program.buffers[result].shape
            if same and not _readers(rows, number, name) and name not in shared.values():
                shared[result] = name
                break
    return shared


def _is_scratch(program: Program, name: str) -> bool:
    buffer = program.buffers[name]
    return buffer.home == "work" and len(buffer.shape) == 2 and not buffer.float64
