"""Predictions as a table, and the table as a CSV or Parquet file that a spreadsheet opens without harm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from glassnet.cli.model import Model
from glassnet.data.target import ClassTarget
from glassnet.errors import DataError, ParameterError
from glassnet.files.storage import atomic_file

Array = np.ndarray[Any, Any]

RISKY = r"^[=+\-@\t\r＝＋－＠]"


def format_of(out: str) -> str:
    """The format, csv or parquet, from the end of the name. Raises ParameterError for another."""
    for kind in ("csv", "parquet"):
        if out.lower().endswith(f".{kind}"):
            return kind
    raise ParameterError(f"--out is {out}; its name must end in .csv or .parquet.")


def predictions(model: Model, x: Array, proba: bool) -> pa.Table:
    """One row a sample: the column `prediction`, or a column `p_CLASS` for each class."""
    if not isinstance(model.target, ClassTarget):
        if proba:
            raise ParameterError("--proba is for classes, but this model predicts a quantity; leave it out.")
        values = model.target.decode(model.outputs(x).T)
        names = ["prediction"] if values.shape[1] == 1 else [f"prediction_{k + 1}" for k in range(values.shape[1])]
        return pa.table(dict(zip(names, values.T, strict=True)))
    found = model.probabilities(x)
    if proba:
        columns = np.ascontiguousarray(found.T)
        return pa.table({f"p_{name}": column for name, column in zip(model.target.classes, columns, strict=True)})
    return pa.table({"prediction": model.target.decode(found.argmax(axis=1))})


def write_predictions(table: pa.Table, out: str, kind: str, *, raw: bool = False) -> None:
    """Write the table; the file that stood there is unchanged unless all went well. Raises DataError."""
    with atomic_file(out, DataError) as file:
        if kind == "parquet":
            pq.write_table(table, file)
        else:
            options = pyarrow.csv.WriteOptions(quoting_style="needed")
            pyarrow.csv.write_csv(table if raw else harmless(table), file, options)


def harmless(table: pa.Table) -> pa.Table:
    """The table with a ' before each text cell that a spreadsheet would take for a formula; numbers stay."""
    for index, name in enumerate(table.column_names):
        cells = table.column(index)
        if pa.types.is_string(cells.type):
            risky = pc.match_substring_regex(cells, RISKY)
            quoted = pc.binary_join_element_wise("'", cells, "")
            table = table.set_column(index, name, pc.if_else(risky, quoted, cells))
    return table
