"""Predictions as a table, and the table as a CSV or Parquet file that is safe to open in a spreadsheet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from glassnet.cli.trained_model import TrainedModel
from glassnet.data.target import ClassTarget
from glassnet.errors import DataError, ParameterError
from glassnet.files.atomic_file import atomic_file

Array = np.ndarray[Any, Any]

FORMULA_START = r"^([=@\t\r＝＠]|[+\-＋－].)"  # a lone + or - is no formula


def file_format(out: str) -> str:
    """Return csv or parquet, by the end of the name. Raises ParameterError for any other."""
    for name in ("csv", "parquet"):
        if out.lower().endswith(f".{name}"):
            return name
    raise ParameterError(f"--out is {out}; its name must end in .csv or .parquet.")


def prediction_table(model: TrainedModel, x: Array, proba: bool) -> pa.Table:
    """Predict one row per sample: the column `prediction`, or with `proba` a column `p_CLASS` for each class."""
    if not isinstance(model.target, ClassTarget):
        if proba:
            raise ParameterError("--proba is for classes, but this model predicts a quantity; leave it out.")
        values = model.target.decode(model.outputs(x).T)
        names = ["prediction"] if values.shape[1] == 1 else [f"prediction_{k + 1}" for k in range(values.shape[1])]
        return pa.table(dict(zip(names, values.T, strict=True)))
    probabilities = model.probabilities(x)
    if proba:
        columns = np.ascontiguousarray(probabilities.T)
        return pa.table({f"p_{name}": column for name, column in zip(model.target.classes, columns, strict=True)})
    return pa.table({"prediction": model.target.decode(probabilities.argmax(axis=1))})


def write_predictions(table: pa.Table, out: str, format_name: str, *, raw: bool = False) -> None:
    """Write the table; an existing file is replaced only when everything succeeds. Raises DataError."""
    with atomic_file(out, DataError) as file:
        if format_name == "parquet":
            pq.write_table(table, file)
        else:
            options = pyarrow.csv.WriteOptions(quoting_style="needed")
            pyarrow.csv.write_csv(table if raw else escape_formulas(table), file, options)


def escape_formulas(table: pa.Table) -> pa.Table:
    """Put a ' before each text cell that a spreadsheet would run as a formula; numbers are left as they are."""
    for index, name in enumerate(table.column_names):
        cells = table.column(index)
        if pa.types.is_string(cells.type):
            is_formula = pc.match_substring_regex(cells, FORMULA_START)
            quoted = pc.binary_join_element_wise("'", cells, "")
            table = table.set_column(index, name, pc.if_else(is_formula, quoted, cells))
    return table
