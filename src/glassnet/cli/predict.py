"""`glassnet predict`: write the predictions of a model for the rows of a data file."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Option

from glassnet.cli.options import ModelArgument


def predict(
    model: ModelArgument,
    file: Annotated[str, Argument(metavar="FILE", help="Data like the training data; columns are matched by name.")],
    out: Annotated[str, Option(metavar="PATH", help="The file to write: .csv or .parquet.")],
    proba: Annotated[bool, Option("--proba", help="Write the probability of each class, not the class.")] = False,
    raw_cells: Annotated[
        bool,
        Option("--raw-cells", help="Write text to CSV unchanged; by default a leading = + - @ is made safe for Excel."),
    ] = False,
) -> None:
    """Predict the target of every row of FILE and write the predictions, in the same order, to a file."""
    from glassnet.cli.dataset import read_inputs
    from glassnet.cli.output_paths import check_output
    from glassnet.cli.predictions import file_format, prediction_table, write_predictions
    from glassnet.cli.trained_model import load_model
    from glassnet.errors import DataError

    format_name = file_format(out)
    check_output(out, model, file, error=DataError)
    loaded = load_model(model)
    x, data = read_inputs(file, loaded)
    table = prediction_table(loaded, x, proba)
    write_predictions(table, out, format_name, raw=raw_cells)
    print(f"{table.num_rows:,} predictions for {data.path} written to {out}")
