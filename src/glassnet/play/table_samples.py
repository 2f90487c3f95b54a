"""A person's table as the samples of a run, and its columns as the page previews them.

Columns are read as `glassnet train` reads them, and what was guessed is said in the same sentences.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from glassnet.data.choice import ColumnChooser
from glassnet.data.options import ReadingOptions
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.readings import BooleanReading, CategoryReading, DateReading, NumberReading
from glassnet.data.summary import Summary
from glassnet.data.table import Table
from glassnet.data.target import ClassTarget, TargetColumn, fit_target, infer_task
from glassnet.data.target_cells import read_target
from glassnet.data.toy_sets import DATA_SEED
from glassnet.errors import DataError
from glassnet.frames.samples import Raw
from glassnet.play.own_data import OwnTable
from glassnet.play.run_samples import RunSamples, held_out_rows
from glassnet.play.setup import MAX_INPUTS, Setup

MAX_ROWS = 20_000
MAX_CLASSES = 50
EXAMPLES, MAX_EXAMPLE = 3, 40
TARGET_NAMES = ("target", "label", "class", "y", "outcome", "species", "price", "result")
OPTION = re.compile(r"; --[a-z-]+[^;,]*? (overrules|overrule|refuses them|refuse them)")  # of the command line

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
    task, reason = infer_task(cells.values, "auto")
    target = fit_target((setup.target, cells.reading), cells.values, rows, task)
    _check_classes(target, table)
    preparation = TablePreparation.fit(table, setup.target, rows, chooser)
    if preparation.width > MAX_INPUTS:
        raise DataError(f"{table.path} becomes {preparation.width:,} inputs; the page takes up to {MAX_INPUTS:,}.")
    x, cell_notes = preparation.prepare(table)
    notes += [
        f"{setup.target} is read as {task}: {reason}.",
        *table.notes,
        *cells.notes,
        *preparation.notes,
        *cell_notes,
    ]
    classes = tuple(map(str, target.classes)) if isinstance(target, ClassTarget) else ()
    y = target.encode(cells.values)
    return RunSamples(
        table.path,
        np.ascontiguousarray(x.T.astype(np.float64)),
        y if classes else np.ascontiguousarray(y.T),
        held_out,
        tuple(preparation.features),
        () if classes else (setup.target,),
        classes,
        _raw(preparation, x),
        notes=tuple(map(page_note, notes)),
        table=(preparation, target),
    )


def _sampled(table: Table) -> tuple[Table, list[str]]:
    """The table, or as many rows of it as the page takes, drawn at random, with a note."""
    if table.rows <= MAX_ROWS:
        return table, []
    rows = np.sort(np.random.default_rng(DATA_SEED).choice(table.rows, MAX_ROWS, replace=False))
    note = f"Of {table.rows:,} rows, {MAX_ROWS:,} were drawn at random; glassnet train uses all of them."
    return table.take(rows), [note]


def _check_classes(target: TargetColumn, table: Table) -> None:
    if isinstance(target, ClassTarget) and len(target.classes) > MAX_CLASSES:
        count = f"{len(target.classes):,} classes"
        raise DataError(f"{table.path}: {target.name!r} has {count}; the page takes up to {MAX_CLASSES}.")


def _raw(preparation: TablePreparation, x: Any) -> tuple[Raw, ...]:
    """How each input is turned back into the numbers of its column."""
    result = []
    for column in preparation.columns:
        scale = getattr(column.encoding, "scale", 0.0)
        for kind in column.encoding.input_kinds:
            values = x[:, len(result)].astype(np.float64)
            is_number = kind == "number" and scale
            mean, width = (float(column.encoding.mean), 1 / scale) if is_number else (0.0, 1.0)
            result.append(Raw(mean + width * float(values.min()), mean + width * float(values.max()), mean, width))
    return tuple(result)


def page_note(note: str) -> str:
    """A note of the command line without its options, which the page does not have."""
    text = OPTION.sub("", note)
    return f"{text[:1].upper() if text.startswith(('of ', 'the ')) else text[:1]}{text[1:]}".rstrip(".") + "."


# The preview ----------------------------------------------------------------------------------------------------------


def table_message(own: OwnTable) -> Message:
    """What the page shows of a table that was just read."""
    table, notes = _sampled(own.table)
    chooser = ColumnChooser(Summary.of(table), ReadingOptions(), table)
    plans = {name: chooser.choose(name) for name in table.names}
    columns = [
        {
            "name": name,
            "kind": _kind(plan.reading),
            "note": page_note(plan.note) if plan.note else "",
            "examples": _examples(table, name),
        }
        for name, plan in plans.items()
    ]
    suggested = own.target or suggested_target([name for name, plan in plans.items() if plan.reading is not None])
    all_notes = [*notes, *map(page_note, table.notes)]
    return {"columns": columns, "notes": all_notes, "rows": own.table.rows, "suggested": suggested, "file": own.file}


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
