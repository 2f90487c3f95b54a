"""`glassnet predict`: from a model and a data file to a file of predictions, row for row."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Option


def predict(
    model: Annotated[str, Argument(help="A model file that glassnet train wrote.")],
    file: Annotated[str, Argument(help="Data of the same kind; a table's columns are found by name.")],
    out: Annotated[str, Option(help="The file to write: .csv or .parquet.")],
    proba: Annotated[bool, Option("--proba", help="The probability of each class instead of the class.")] = False,
    raw_cells: Annotated[
        bool, Option("--raw-cells", help="Write text as it is; by default a CSV's = + - @ are made harmless to Excel.")
    ] = False,
) -> None:
    """Predict the target of every row of FILE, in its order, and write the predictions to a file."""
    from glassnet.cli.dataset import read_inputs
    from glassnet.cli.files import check_output
    from glassnet.cli.model import load_model
    from glassnet.cli.predictions import format_of, predictions, write_predictions
    from glassnet.errors import DataError

    kind = format_of(out)
    check_output(out, model, file, error=DataError)
    loaded = load_model(model)
    x, held = read_inputs(file, loaded)
    table = predictions(loaded, x, proba)
    write_predictions(table, out, kind, raw=raw_cells)
    print(f"{table.num_rows:,} predictions for {held.path} are in {out}")
