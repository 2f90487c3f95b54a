"""`glassnet predict`: write the predictions of a model for the rows of a data file."""

from __future__ import annotations

import sys
from typing import Annotated

from typer import Argument, Option

from glassnet.cli.options import ModelArgument
from glassnet.cli.printing import print_text

INTERVAL_HELP = "Write bounds beside each quantity that contain a share of the true ones, such as 0.9."
KEEP_HELP = "Columns of FILE to write before the predictions; commas between names."


def predict(
    model: ModelArgument,
    file: Annotated[str, Argument(metavar="FILE", help="Data like the training data; columns are matched by name.")],
    out: Annotated[str, Option(metavar="PATH", help="The file to write: .csv or .parquet; - writes CSV to stdout.")],
    proba: Annotated[bool, Option("--proba", help="Write the probability of each class beside the class.")] = False,
    interval: Annotated[float | None, Option(metavar="COVERAGE", help=INTERVAL_HELP, show_default="none")] = None,
    keep: Annotated[list[str], Option(metavar="COLUMNS", help=KEEP_HELP)] = [],  # noqa: B006 (read only)
    raw_cells: Annotated[
        bool,
        Option("--raw-cells", help="Write text to CSV unchanged; by default a leading = + - @ is made safe for Excel."),
    ] = False,
) -> None:
    """Predict the target of every row of FILE and write the predictions, in the same order, to a file."""
    from glassnet.cli.dataset import read_inputs
    from glassnet.cli.output_paths import check_output
    from glassnet.cli.predictions import (
        check_cells,
        check_request,
        file_format,
        kept_columns,
        prediction_table,
        with_carried_digits,
        with_kept_columns,
        write_predictions,
    )
    from glassnet.cli.stored_model import load_model
    from glassnet.errors import DataError

    format_name = file_format(out)
    if out != "-":
        check_output(out, model, file, error=DataError)
    loaded = load_model(model)
    check_request(loaded, proba, interval)
    x, data = read_inputs(file, loaded)
    kept = kept_columns(data, keep)
    if format_name == "csv":
        check_cells(kept, out)
    table = with_kept_columns(kept, prediction_table(loaded, x, proba, interval))
    if format_name == "csv":
        table = with_carried_digits(table, len(kept))
    write_predictions(table, out, format_name, raw=raw_cells)
    written = "written to stdout" if out == "-" else f"written to {out}"
    print_text(
        f"{table.num_rows:,} predictions for {data.path} {written}", file=sys.stderr if out == "-" else sys.stdout
    )
