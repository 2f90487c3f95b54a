"""The table that `glassnet columns` prints: one line per column, then what was guessed, left out or unusual."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.cli.dataset import check_width, find_task, holds_arrays, table_with_target
from glassnet.cli.opened import Opened, print_warnings
from glassnet.cli.printing import print_line, print_text
from glassnet.cli.progress_lines import ProgressLines
from glassnet.cli.tabular_options import TabularOptions
from glassnet.cli.tabular_report import all_notes
from glassnet.cli.tabular_run import chosen_hyperparameters, fitted_rows
from glassnet.data.choice import ColumnChooser
from glassnet.data.columns import Column
from glassnet.data.options import ReadingOptions
from glassnet.data.plans import ColumnPlan
from glassnet.data.preprocessing import plans_besides
from glassnet.data.reading import Array, seekable
from glassnet.data.readings import BooleanReading, CategoryReading, DateReading
from glassnet.data.statistics import NumberStatistics
from glassnet.data.summary import Summary
from glassnet.data.table import Table, read_table
from glassnet.data.tabular_encodings import tabular_encodings
from glassnet.errors import DataError, GlassnetError
from glassnet.tabular.fitting import prepare
from glassnet.tabular.hyperparameters import NUMBERS, preset_hyperparameters

MAX_WIDTH = 32  # of a cell of the report
MAX_EXACT = 1e15  # up to which whole numbers are written in full
DELIMITER_NAMES = {"\t": "tab", " ": "space"}


class Line(NamedTuple):
    """A line of the report."""

    column: str
    type: str
    missing: str
    values: str
    use: str


def print_columns(file: str, target: str | None, options: ReadingOptions) -> None:
    """Print how each column of a file is read. Raises DataError for arrays, which have no columns."""
    source = seekable(file)
    if holds_arrays(source):
        raise DataError(f"{file} holds arrays, which have no named columns; give CSV or Parquet.")
    table = read_table(source, options)
    check_width(table)
    chooser = ColumnChooser(Summary.of(table), options, table)
    hyperparameters = preset_hyperparameters("default", NUMBERS, table.rows, len(table.names))
    encodings = tabular_encodings(hyperparameters.max_one_hot)
    plans = _chosen_plans(chooser, table, target)
    fitted = {plan.name: _fitted(table, plan, encodings) for plan in plans.values()}
    delimiter = f", delimiter {DELIMITER_NAMES.get(table.delimiter, table.delimiter)}" if table.delimiter else ""
    print_text(f"{file}: {table.rows:,} rows, {len(table.names):,} columns{delimiter}\n")
    lines = [_line(table, plan, fitted[plan.name], target) for plan in plans.values()]
    _print_lines([Line("column", "type", "missing", "values", "use"), *lines])
    print_text()
    notes = [plan.note for plan in plans.values() if plan.note and plan.name != target]
    target_notes, leaks = ((), ()) if target is None else _target_notes(table, target, chooser)
    for note in target_notes or (*table.notes, *notes):
        print_line("Note", note)
    print_warnings(leaks, ProgressLines())


def _chosen_plans(chooser: ColumnChooser, table: Table, target: str | None) -> dict[str, ColumnPlan]:
    """How each column is read, as training would read it: where all would be left out, they are kept."""
    plans = {name: chooser.choose(name, keep=name == target) for name in table.names}
    if (
        target is not None
        and len(plans) > 1
        and all(plan.reading is None for plan in plans.values() if plan.name != target)
    ):
        with contextlib.suppress(DataError):
            plans |= {plan.name: plan for plan in plans_besides(chooser, target)}
    return plans


def _target_notes(table: Table, target: str, chooser: ColumnChooser) -> tuple[Sequence[str], Sequence[str]]:
    """Print the task and the inputs that training would have; return its notes, and what it would warn of."""
    options = TabularOptions()
    try:
        data_file = table_with_target(table, target, chooser)
        task, reason = find_task(data_file, "auto")
        opened = Opened(data_file, task)
        plan = chosen_hyperparameters(options, opened)
        rows = fitted_rows(opened, options, plan)
        preparation, leaks = prepare(rows, chooser, plan)
    except GlassnetError as error:
        print_line("Problem", str(error))
        return (), ()
    print_line("Task", f"{task} of {target!r} ({reason}; --task overrides)")
    print_line("Inputs", preparation.summary())
    return all_notes(data_file, rows, preparation), leaks


def _fitted(table: Table, plan: ColumnPlan, encodings: Mapping[str, Any]) -> tuple[Column | None, Array | None]:
    """The column with its encoding, and its values; None where it is left out or cannot be read."""
    if plan.reading is None:
        return None, None
    try:
        column = Column.fit(table, plan.name, plan.reading, np.arange(table.rows), encodings)
        return column, plan.reading.values(table, plan.name)
    except GlassnetError:
        return None, None


def _line(table: Table, plan: ColumnPlan, fitted: tuple[Column | None, Array | None], target: str | None) -> Line:
    column, values = fitted
    if plan.reading is None or column is None or values is None:
        use = "left out" if plan.reading is None else "cannot be read"
        return Line(plan.name, "", f"{table.column(plan.name).null_count:,}", _first_cells(table, plan.name), use)
    missing = int((values == -1).sum() if values.dtype.kind == "i" else np.isnan(values).sum())
    use = "target" if plan.name == target else _use(column)
    return Line(plan.name, plan.reading.kind, f"{missing:,}", _values(column, values), use)


def _use(column: Column) -> str:
    count = len(column.features)
    return f"{count} input{'' if count == 1 else 's'}"


def _values(column: Column, values: Array) -> str:
    """The range of numbers and dates, or the most frequent levels."""
    reading = column.reading
    if isinstance(reading, CategoryReading | BooleanReading):
        counts = reading.statistics(values)
        order = np.argsort(-counts, kind="stable")[: len(reading.levels)]
        number = f"{len(reading.levels):,}{'' if getattr(reading, 'complete', True) else '+'}: "
        return number + ", ".join(_quoted(reading.levels[code]) for code in order[:8])
    statistics = NumberStatistics.of(values)
    if not statistics.count:
        return ""
    if isinstance(reading, DateReading):
        low, high = (_date_text(days, reading) for days in (statistics.low, statistics.high))
        return f"{low} to {high}"
    return f"{_number_text(float(statistics.low))} to {_number_text(float(statistics.high))}"


def _quoted(level: str) -> str:
    """A level in quotes where its commas would make it look like several."""
    return f"'{level}'" if "," in level else level


def _date_text(days: float, reading: DateReading) -> str:
    moment = np.datetime64(round(days * 86400), "s")
    date, time = str(moment).split("T")
    if reading.spelling.order == "time":
        return time
    return date if time == "00:00:00" else f"{date} {time}"


def _number_text(value: float) -> str:
    """Six digits, but whole numbers, such as seconds since 1970, in full."""
    return f"{value:.0f}" if value.is_integer() and abs(value) < MAX_EXACT else f"{value:.6g}"


def _first_cells(table: Table, name: str) -> str:
    cells = [_quoted(str(cell).strip()) for cell in table.column(name).slice(0, 3).to_pylist() if cell is not None]
    return ", ".join(cells) + (" ..." if cells and table.rows > 3 else "")


def _print_lines(lines: list[Line]) -> None:
    def shortened(cell: str) -> str:
        cell = " ".join(cell.split())
        return cell if len(cell) <= MAX_WIDTH else f"{cell[: MAX_WIDTH - 1]}…"

    short = [Line(*map(shortened, line)) for line in lines]
    widths = [max(map(len, cells)) for cells in zip(*short, strict=True)]
    for line in short:
        sides = "<<><<"  # the count of missing cells stands to the right
        cells = [f"{cell:{side}{width}}" for cell, side, width in zip(line, sides, widths, strict=True)]
        print_text("  ".join(cells).rstrip())
