"""A person's table as the samples of a run, and its columns as the page previews them.

Columns are read as `glassnet train` reads them, and what was guessed is said in the same sentences.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data.choice import ColumnChooser
from glassnet.data.encodings import DateParts
from glassnet.data.options import ReadingOptions
from glassnet.data.plans import ColumnPlan
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.readings import BooleanReading, CategoryReading, DateReading, NumberReading
from glassnet.data.summary import Summary
from glassnet.data.table import Table
from glassnet.data.target import ClassTarget, TargetColumn, fit_target, infer_task
from glassnet.data.target_cells import read_target
from glassnet.data.toy_sets import DATA_SEED
from glassnet.errors import DataError
from glassnet.frames.samples import Raw, Slice
from glassnet.play.own_data import OwnTable
from glassnet.play.page_text import page_note
from glassnet.play.run_samples import RunSamples, held_out_rows
from glassnet.play.setup import MAX_INPUTS, Setup
from glassnet.play.target_notes import check_classes, scaled_note

MAX_ROWS = 20_000
UNSCALED = (0.0, 1.0, "")
EXAMPLES, MAX_EXAMPLE = 3, 40
TARGET_NAMES = ("target", "label", "class", "y", "outcome", "species", "price", "result")

Message = dict[str, Any]


def table_samples(own: OwnTable, setup: Setup) -> RunSamples:
    """The samples of a table for a target. Raises DataError with the column, the line and what is wrong."""
    table, notes = _sampled(own.table)
    chooser = ColumnChooser(Summary.of(table), ReadingOptions(), table)
    cells = read_target(table, setup.target, chooser)
    if len(cells.rows) < table.rows:
        table = table.take(cells.rows)
    if len(cells.values) < 2:
        raise DataError(f"{table.path} has {len(cells.values)} rows with a target; at least 2 are needed.")
    held_out = held_out_rows(len(cells.values), setup.test)
    rows = np.flatnonzero(~held_out)
    task, reason = infer_task(cells.values, setup.task)
    target = fit_target((setup.target, cells.reading), cells.values, rows, task)
    preparation = TablePreparation.fit(table, setup.target, rows, chooser)
    _check_sizes(table.path, target, preparation)
    x, cell_notes = preparation.prepare(table)
    notes += [f"{setup.target} is read as {task}: {reason}.", *scaled_note(target), *table.notes, *cells.notes]
    notes += [*preparation.notes, *_filled(preparation, table), *cell_notes]
    return _run_samples(table.path, (x, target.encode(cells.values)), held_out, (preparation, target), notes)


def _run_samples(
    path: str, data: tuple[Any, Any], held_out: Any, fitted: tuple[TablePreparation, TargetColumn], notes: list[str]
) -> RunSamples:
    """The samples of encoded x and y (rows)."""
    (x, y), (preparation, target) = data, fitted
    classes = tuple(map(str, target.classes)) if isinstance(target, ClassTarget) else ()
    return RunSamples(
        path,
        np.ascontiguousarray(x.T.astype(np.float64)),
        y if classes else np.ascontiguousarray(y.T),
        held_out,
        tuple(preparation.features),
        () if classes else (target.name,),
        classes,
        _raw(preparation, x),
        notes=tuple(map(page_note, notes)),
        table=(preparation, target),
        slice=_slice(preparation, x),
    )


def _slice(preparation: TablePreparation, x: Any) -> Slice | None:
    """Two columns of numbers, else one and a date, but not two readings of one date.

    Levels are held at the most frequent one: the medians of their marks would be no level at all.
    """
    axes, dates, levels, first = list[int](), list[int](), list[list[int]](), 0
    for column in preparation.columns:
        kinds = column.encoding.input_kinds
        if kinds[0] == "number":
            (axes if isinstance(column.reading, NumberReading) else dates).append(first)
        levels.append([first + number for number, kind in enumerate(kinds) if kind == "level"])
        first += len(kinds)
    fixed = np.median(x, axis=0)
    for group in filter(None, levels):
        fixed[group] = 0
        fixed[group[int(x[:, group].mean(axis=0).argmax())]] = 1
    text = ", categories at their most frequent level" if any(levels) else ""
    axes = [*axes, *dates][:2]
    return Slice(tuple(axes) if len(axes) > 1 else (), fixed, text) if first > 2 else None


def _sampled(table: Table) -> tuple[Table, list[str]]:
    """The table, or as many rows of it as the page takes, drawn at random, with a note."""
    if table.rows <= MAX_ROWS:
        return table, []
    rows = np.sort(np.random.default_rng(DATA_SEED).choice(table.rows, MAX_ROWS, replace=False))
    note = f"Of {table.rows:,} rows, {MAX_ROWS:,} were drawn at random; glassnet train uses all of them."
    return table.take(rows), [note]


def _filled(preparation: TablePreparation, table: Table) -> list[str]:
    """A note for each column with empty cells: how many, and what stands in for them."""
    notes = []
    for column in preparation.columns:
        values = column.reading.values(table, column.name)
        missing = int((values == -1).sum() if values.dtype.kind == "i" else np.isnan(values).sum())
        cells = _empty_cells(column.name, missing, table.rows)
        if missing and hasattr(column.encoding, "median"):
            notes.append(f"{cells}; the median, {column.encoding.median:.4g}, stands in, and an input marks it")
        elif missing:
            notes.append(f"{cells}; these have 0 in the inputs of all levels")
    return notes


def _empty_cells(name: str, missing: int, rows: int) -> str:
    return f"{name}: {missing:,} of {rows:,} cells {'is' if missing == 1 else 'are'} empty"


def _check_sizes(path: str, target: TargetColumn, preparation: TablePreparation) -> None:
    """Raise DataError for more classes or inputs than the page takes."""
    check_classes(path, target)
    if preparation.width > MAX_INPUTS:
        raise DataError(f"{path} becomes {preparation.width:,} inputs; the page takes up to {MAX_INPUTS:,}.")


def _raw(preparation: TablePreparation, x: Any) -> tuple[Raw, ...]:
    """How each input is turned back into the numbers of its column."""
    result = list[Raw]()
    for column in preparation.columns:
        scalings = iter(_scalings(column.encoding))
        for kind in column.encoding.input_kinds:
            values = x[:, len(result)].astype(np.float64)
            mean, scale, unit = next(scalings) if kind == "number" else UNSCALED
            width = 1 / scale if scale else 1.0
            low, high = (mean + width * float(end) for end in (values.min(), values.max()))
            result.append(Raw(low, high, mean, width, unit))
    return tuple(result)


def _scalings(encoding: Any) -> list[tuple[float, float, str]]:
    """What was subtracted from each number of a column, what it was multiplied by, and its unit."""
    if isinstance(encoding, DateParts):
        parts = ((encoding.days, "date"), (encoding.years, ""))
        return [(scaling[0], scaling[1], unit) for scaling, unit in parts if scaling]
    return [(float(getattr(encoding, "mean", 0.0)), float(getattr(encoding, "scale", 0.0)), "")]


# The preview ----------------------------------------------------------------------------------------------------------


def table_message(own: OwnTable) -> Message:
    """What the page shows of a table that was just read."""
    table, notes = _sampled(own.table)
    chooser = ColumnChooser(Summary.of(table), ReadingOptions(), table)
    plans = {name: chooser.choose(name) for name in table.names}
    columns = [_column(table, plan) for plan in plans.values()]
    suggested = own.target or suggested_target([name for name, plan in plans.items() if plan.reading is not None])
    all_notes = [*notes, *map(page_note, table.notes)]
    return {"columns": columns, "notes": all_notes, "rows": own.table.rows, "suggested": suggested, "file": own.file}


def _column(table: Table, plan: ColumnPlan) -> Message:
    missing = int(table.column(plan.name).null_count)
    empty = _empty_cells(plan.name, missing, table.rows) if missing else ""
    note = " ".join(page_note(text) for text in (plan.note, empty) if text)
    return {"name": plan.name, "kind": _kind(plan.reading), "note": note, "examples": _examples(table, plan.name)}


def suggested_target(names: list[str]) -> str:
    """The column that is probably to be predicted: one with such a name, else the last one that can be used."""
    by_name = [name for name in names if name.strip().lower() in TARGET_NAMES]
    return (by_name or names or [""])[-1]


def _kind(reading: Any) -> str:
    kinds = {NumberReading: "number", CategoryReading: "category", BooleanReading: "true/false", DateReading: "date"}
    return next((word for kind, word in kinds.items() if isinstance(reading, kind)), "left out")


def _examples(table: Table, name: str) -> list[str]:
    cells = (str(cell).strip() for cell in table.column(name).slice(0, EXAMPLES).to_pylist() if cell is not None)
    return [cell if len(cell) <= MAX_EXAMPLE else f"{cell[: MAX_EXAMPLE - 1]}…" for cell in cells]
