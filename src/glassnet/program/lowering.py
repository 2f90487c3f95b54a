"""The fused lowering: the same step with fewer equations, fewer buffers and fewer barriers.

A formula whose result only one other formula reads is joined to it, and one that follows a product is computed in the
product's kernel; a cross-entropy is joined to the softmax of the same z. Equations that nothing reads are removed, and
the others are ordered so that threads wait least. The same update of neighbouring segments becomes one pass over the
flat vector, and a result reuses the memory of an operand that is read for the last time. Parameters and cost keep the
same bits, because formulas are joined but never changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any, NamedTuple

from glassnet.program.architecture import Architecture
from glassnet.program.builder import build
from glassnet.program.parameters import padded
from glassnet.program.program import OPERANDS, Program, Row
from glassnet.program.updates import StepOptions
from glassnet.program.uses import Uses
from glassnet.tables.formula import trace

MAX_OPERANDS = 10  # of a formula that is computed in a product's kernel
MAX_FLAT_UPDATE = 1 << 15  # parameters that one pass updates; in larger networks a thread updates what it computed


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
    joined = _with_softmax_cost(_joined(list(program.rows), program, result))
    rows = _flattened(_without_unread(joined, program, result), program)
    scheduled = program._replace(rows=tuple(_scheduled(rows, program)))
    used = {name for row in rows for name in (*row.reads, *row.writes)}
    buffers = {name: buffer for name, buffer in program.buffers.items() if name in used or buffer.home != "work"}
    return scheduled._replace(buffers=buffers, shared=_shared(scheduled))


def _outlives(name: str, program: Program, result: str) -> bool:
    """Whether a quantity is needed after the step."""
    return name == result or program.buffers[name].home not in ("work", "gradients")


def _joined(rows: Sequence[Row], program: Program, result: str) -> list[Row]:
    """Join every formula whose result only one other formula reads to that one; then products in the same way."""
    for kinds in (("formula",), tuple(OPERANDS)):
        uses = Uses(rows)
        for number, row in enumerate(rows):
            row = uses.row(number)  # others may have been joined to it
            reader = _only_reader(uses, number, program, result) if row.kind in kinds else None
            if reader is not None:
                join = _composed if row.kind == "formula" else _with_epilogue
                uses.replace(reader, join(row, uses.row(reader)))
                uses.remove(number)
        rows = uses.remaining()
    return list(rows)


def _with_softmax_cost(rows: Sequence[Row]) -> list[Row]:
    """Join the cross-entropy to the softmax of the same z, which computes the same exponentials."""
    uses = Uses(rows)
    softmax = {row.reads: number for number, row in enumerate(rows) if row.kind == "softmax"}
    for number, row in enumerate(rows):
        first = softmax.get(row.reads[:1]) if row.kind == "softmax_cost" else None
        if first is not None:
            writes = rows[first].writes + row.writes
            uses.replace(first, rows[first]._replace(kind="softmax_and_cost", reads=row.reads, writes=writes))
            uses.remove(number)
    return uses.remaining()


def _only_reader(uses: Uses, number: int, program: Program, result: str) -> int | None:
    """Index of the formula to which this equation can be joined, or None."""
    row = uses.row(number)
    if len(row.writes) != 1 or _outlives(row.writes[0], program, result):
        return None
    readers = uses.readers(number, row.writes[0])
    if len(readers) != 1 or uses.row(readers[0]).kind != "formula":
        return None
    same = program.extent(row) == program.extent(uses.row(readers[0]))
    fits = row.kind == "formula" or _can_be_epilogue(uses.row(readers[0]), program)
    changed = any(uses.writes_between(number, readers[0], name) for name in row.reads)
    return readers[0] if same and fits and not changed else None


def _can_be_epilogue(row: Row, program: Program) -> bool:
    """Whether a product's kernel can compute a formula: it has one result and reads only what has that shape."""
    shapes = {program.buffers[name].shape for name in (*row.reads, *row.writes)}
    return len(row.writes) == len(shapes) == 1 and not row.scalars and len(row.reads) < MAX_OPERANDS


def _with_epilogue(product: Row, row: Row) -> Row:
    """The product together with the formula that reads it, whose first input becomes the product's result."""
    assert row.formula is not None
    result, formula = product.writes[0], row.formula
    others = tuple(name for name in row.reads if name != result)

    def epilogue(*values: Any) -> Any:
        by_name = dict(zip((result, *others), values, strict=True))
        return formula(*(by_name[name] for name in row.reads))

    joined = trace(epilogue, 1 + len(others))
    epilogue_formula = None if repr(joined.outputs) == "(0,)" else joined  # the identity needs no formula
    return product._replace(reads=(*product.reads, *others), writes=row.writes, formula=epilogue_formula, detail=False)


def _composed(first: Row, second: Row) -> Row:
    """One formula for both."""
    middle = first.writes[0]
    reads = tuple(dict.fromkeys((*first.reads, *(name for name in second.reads if name != middle))))
    scalars = tuple(dict.fromkeys((*first.scalars, *second.scalars)))

    def both(*values: Any) -> Any:
        by_name = dict(zip((*reads, *scalars), values, strict=True))
        assert first.formula is not None and second.formula is not None
        by_name[middle] = first.formula(*(by_name[name] for name in (*first.reads, *first.scalars)))
        return second.formula(*(by_name[name] for name in (*second.reads, *second.scalars)))

    return second._replace(reads=reads, scalars=scalars, formula=trace(both, len(reads) + len(scalars)), detail=False)


def _without_unread(rows: list[Row], program: Program, result: str) -> list[Row]:
    """Remove equations whose results nothing reads, from the last to the first."""
    uses = Uses(rows)
    for number in range(len(rows) - 1, -1, -1):
        if not any(_outlives(name, program, result) or uses.readers(number, name) for name in rows[number].writes):
            uses.remove(number)
    return uses.remaining()


def _flattened(rows: list[Row], program: Program) -> list[Row]:
    """Join the same formula on neighbouring segments of the flat vector into one equation, in small networks."""
    if sum(padded(segment.size) for segment in program.segments) > MAX_FLAT_UPDATE:
        return rows
    flat, positions = rows[:1], {segment.name: number for number, segment in enumerate(program.segments)}
    last = rows[0]  # the last part of the last equation
    for row in rows[1:]:
        before, last_part, last = flat[-1], last, row
        if _is_next(last_part, row, program, positions):
            reads, writes = before.reads + row.reads, before.writes + row.writes
            flat[-1] = before._replace(reads=reads, writes=writes, span=before.span + 1)
        else:
            flat.append(row)
    return flat


def _is_next(before: Row, row: Row, program: Program, positions: Mapping[str, int]) -> bool:
    """Whether an equation does to a segment what another does to the segment before, and both touch nothing else."""
    same = all(getattr(before, field) == getattr(row, field) for field in ("kind", "formula", "scalars"))
    if not same or row.kind != "formula" or not {before.writes[0], row.writes[0]} <= positions.keys():
        return False
    neighbours = positions[before.writes[0]] + 1 == positions[row.writes[0]]
    homes = _own_homes(before, program)
    return neighbours and homes is not None and homes == _own_homes(row, program)


def _own_homes(row: Row, program: Program) -> list[str] | None:
    """The homes of what an equation reads and writes; None where one is not of the segment that it writes."""
    buffers = [program.buffers[name] for name in row.reads + row.writes]
    return [buffer.home for buffer in buffers] if {buffer.segment for buffer in buffers} == {row.writes[0]} else None


def _scheduled(rows: list[Row], program: Program) -> list[Row]:
    """The equations in an order that keeps every dependency and changes the split as rarely as possible."""
    dependencies = _dependencies(rows)
    followers: list[list[int]] = [[] for _ in rows]
    for number, earlier in enumerate(dependencies):
        for each in earlier:
            followers[each].append(number)
    waiting = [len(earlier) for earlier in dependencies]
    ready: dict[str, list[int]] = {}  # the equations that may come next, by their split
    splits = [program.split(row)[0] for row in rows]
    order, split = list[Row](), splits[0]
    for number in range(len(rows)):
        if not waiting[number]:
            heappush(ready.setdefault(splits[number], []), number)
    while any(ready.values()):
        chosen = heappop(ready.get(split) or min(filter(None, ready.values())))
        split = splits[chosen]
        order.append(rows[chosen])
        for number in followers[chosen]:
            waiting[number] -= 1
            if not waiting[number]:
                heappush(ready.setdefault(splits[number], []), number)
    return order


def _dependencies(rows: Sequence[Row]) -> list[set[int]]:
    """The earlier equations that each must stay after; those that these must stay after in turn are left out.

    They are the last to write what it reads or writes, and those that have read since then what it writes.
    """
    writer: dict[str, int] = {}
    readers: dict[str, list[int]] = {}
    dependencies = []
    for number, row in enumerate(rows):
        earlier = {writer[name] for name in (*row.reads, *row.writes) if name in writer}
        earlier.update(reader for name in row.writes for reader in readers.pop(name, ()))
        dependencies.append(earlier)
        for name in row.reads:
            readers.setdefault(name, []).append(number)
        writer |= dict.fromkeys(row.writes, number)
    return dependencies


def _shared(program: Program) -> dict[str, str]:
    """Results that reuse the memory of an operand of the same shape that no later equation reads."""
    shared: dict[str, str] = {}
    uses, taken = Uses(program.rows), set[str]()
    for number, row in enumerate(program.rows):
        result = row.writes[0]
        if row.kind != "formula" or not _is_scratch(program, result) or result in shared or result in row.reads:
            continue
        for name in row.reads:
            same = _is_scratch(program, name) and program.buffers[name].shape == program.buffers[result].shape
            if same and not uses.readers(number, name) and name not in taken:
                shared[result] = name
                taken.add(name)
                break
    return shared


def _is_scratch(program: Program, name: str) -> bool:
    """Whether a quantity is an array of one step, in the program's dtype."""
    buffer = program.buffers[name]
    return buffer.home == "work" and len(buffer.shape) == 2 and not buffer.float64
