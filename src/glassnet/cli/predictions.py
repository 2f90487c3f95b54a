"""Predictions as a table, and the table as a CSV or Parquet file that is safe to open in a spreadsheet."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from glassnet.cli.dataset import read_inputs
from glassnet.cli.spreadsheet import escape_formulas
from glassnet.data.arrays import Arrays
from glassnet.data.arrow_types import kind_of
from glassnet.data.table import Table
from glassnet.data.target import ClassTarget
from glassnet.errors import DataError, ParameterError
from glassnet.files.atomic_file import atomic_file
from glassnet.tabular.model import TabularModel

Array = np.ndarray[Any, Any]

STDOUT = "-"
CSV_OPTIONS = pyarrow.csv.WriteOptions(quoting_style="needed")


class PredictRequest(NamedTuple):
    """What is asked for: the file, where its predictions are written, and what stands in them."""

    file: str
    out: str
    format_name: str
    proba: bool = False
    interval: float | None = None
    keep: tuple[str, ...] = ()
    raw: bool = False


def predict_at_once(model: TabularModel, request: PredictRequest) -> tuple[int, str]:
    """Write the predictions for all rows of a file; return how many, and of which file. Raises DataError."""
    x, data = read_inputs(request.file, model)
    table = requested_table(model, request, x, data)
    write_predictions(table, request.out, request.format_name, raw=request.raw)
    return table.num_rows, data.path


def requested_table(model: TabularModel, request: PredictRequest, x: Array, data: Table | Arrays) -> pa.Table:
    """The predictions for the rows of `data`, whose inputs are x, behind the columns that are carried over."""
    kept = kept_columns(data, request.keep)
    predictions = prediction_table(model, x, request.proba, request.interval)
    if request.format_name != "csv":
        return with_kept_columns(kept, predictions)
    check_cells(kept, request.out)
    return with_carried_digits(with_kept_columns(kept, predictions), len(kept))


def file_format(out: str) -> str:
    """Return csv or parquet, by the end of the name; "-", standard output, is csv. Raises ParameterError otherwise."""
    if out == STDOUT:
        return "csv"
    for name in ("csv", "parquet"):
        if out.lower().endswith(f".{name}"):
            return name
    raise ParameterError(f"--out is {out}; its name must end in .csv or .parquet, or be - for CSV on stdout.")


def check_request(model: TabularModel, proba: bool, interval: float | None) -> None:
    """Refuse, before any data is read, what a model cannot give. Raises ParameterError."""
    if interval is not None and not 0 < interval < 1:
        raise ParameterError(f"--interval is {interval:g}; it must be between 0 and 1, such as 0.9.")
    if interval is not None and isinstance(model.target, ClassTarget):
        raise ParameterError("--interval is for quantities, but this model predicts classes; use --proba.")
    if interval is not None and model.intervals is None:
        raise ParameterError("--interval needs a tabular model; train it without the options of a plain network.")
    if proba and not isinstance(model.target, ClassTarget):
        raise ParameterError("--proba is for classes, but this model predicts a quantity; leave it out.")


def prediction_table(model: TabularModel, x: Array, proba: bool, interval: float | None = None) -> pa.Table:
    """Predict one row per sample: the column `prediction`, and with `proba` a column `p_CLASS` for each class.

    Of quantities there are `lower` and `upper` as well, where an interval of that coverage is asked for.
    """
    if not isinstance(model.target, ClassTarget):
        return _quantities(model, x, interval)
    probabilities = model.probabilities(x)
    columns = {"prediction": model.target.decode(probabilities.argmax(axis=1))}
    if proba:
        shares = np.ascontiguousarray(probabilities.T)
        columns |= {f"p_{name}": column for name, column in zip(model.target.classes, shares, strict=True)}
    return pa.table(columns)


def _quantities(model: TabularModel, x: Array, interval: float | None) -> pa.Table:
    values = model.values(x)
    bounds = None if interval is None else model.interval(x, interval)
    columns = {}
    for output in range(values.shape[1]):
        suffix = "" if values.shape[1] == 1 else f"_{output + 1}"
        columns[f"prediction{suffix}"] = values[:, output]
        if bounds is not None:
            columns[f"lower{suffix}"], columns[f"upper{suffix}"] = bounds[:, output].T
    return pa.table(columns)


def kept_columns(data: Table | Arrays, entries: Sequence[str]) -> dict[str, pa.ChunkedArray]:
    """The columns of the file that go along, as they stand there; an entry is a name, or several with commas.

    Raises DataError for a column that the file lacks, ParameterError for arrays.
    """
    if isinstance(data, Arrays):
        if entries:
            raise ParameterError(
                f"--keep is for tables, but {data.path} holds arrays without column names; leave it out."
            )
        return {}
    lists = ([entry] if entry in data else entry.split(",") for entry in entries)
    names = dict.fromkeys(name.strip() for entry in lists for name in entry)
    return {name: data.column(name) for name in names if name}


def check_cells(kept: dict[str, pa.ChunkedArray], out: str) -> None:
    """Refuse columns that go along but have no text in CSV. Raises DataError."""
    for name, column in kept.items():
        if kind_of(column.type) == "other":
            raise DataError(f"{out} cannot hold column {name!r} of type {column.type}; write a .parquet file.")


def with_kept_columns(kept: dict[str, pa.ChunkedArray], predictions: pa.Table) -> pa.Table:
    """The predictions behind the columns that go along. Raises ParameterError where a name would occur twice."""
    for name in kept:
        if name in predictions.column_names:
            raise ParameterError(f"--keep {name}: the predictions have a column of this name; rename that of the file.")
    return pa.table({**kept, **{name: predictions.column(name) for name in predictions.column_names}})


def write_predictions(table: pa.Table, out: str, format_name: str, *, raw: bool = False) -> None:
    """Write the table; an existing file is replaced only when everything succeeds. Raises DataError."""
    if out == STDOUT:
        buffer = io.BytesIO()
        _write_csv(table, buffer, raw)
        write_to_stdout(buffer.getvalue())
        return
    with atomic_file(out, DataError) as file:
        if format_name == "parquet":
            pq.write_table(table, file)
        else:
            _write_csv(table, file, raw)


def with_carried_digits(table: pa.Table, kept: int) -> pa.Table:
    """Floats behind the first `kept` columns with the nine digits that float32 carries."""
    for index in range(kept, table.num_columns):
        cells, name = table.column(index), table.column_names[index]
        if pa.types.is_floating(cells.type):
            values = np.asarray(cells.to_numpy(), np.float64)
            texts = [f"{value:.9g}" for value in values.tolist()]
            table = table.set_column(index, name, pa.array(map(float, texts), pa.float64()))
    return table


def _write_csv(table: pa.Table, file: Any, raw: bool) -> None:
    pyarrow.csv.write_csv(table if raw else escape_formulas(table), file, CSV_OPTIONS)


def write_to_stdout(content: bytes) -> None:
    """Write UTF-8, whatever the encoding of the terminal, as a file would hold it."""
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(content.decode())
    else:
        stream.write(content)
    sys.stdout.flush()
