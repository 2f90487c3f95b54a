"""`glassnet predict`: write the predictions of a model for the rows of a data file."""

from __future__ import annotations

import os
import stat
import sys
from typing import Annotated

from typer import Argument, Option

from glassnet.cli.options import ModelArgument
from glassnet.cli.printing import print_text

INTERVAL_HELP = "Write a lower and an upper bound for each quantity, which contain this share of the true values: 0.9."
STREAM_HELP = "Read FILE block by block, as for a file that does not fit in memory."
KEEP_HELP = "Columns of FILE to write before the predictions; commas between names."


def predict(
    model: ModelArgument,
    file: Annotated[str, Argument(metavar="FILE", help="Data like the training data; columns are matched by name.")],
    out: Annotated[str, Option(metavar="PATH", help="The file to write: .csv or .parquet; - writes CSV to stdout.")],
    proba: Annotated[bool, Option("--proba", help="Also write the probability of each class.")] = False,
    interval: Annotated[float | None, Option(metavar="COVERAGE", help=INTERVAL_HELP, show_default="none")] = None,
    keep: Annotated[list[str], Option(metavar="COLUMNS", help=KEEP_HELP)] = [],  # noqa: B006 (read only)
    stream: Annotated[bool, Option("--stream", help=STREAM_HELP)] = False,
    raw_cells: Annotated[
        bool,
        Option("--raw-cells", help="Write text to CSV unchanged; by default a leading = + - @ is made safe for Excel."),
    ] = False,
) -> None:
    """Predict the target of every row of FILE and write the predictions, in the same order, to a file."""
    from glassnet.cli.output_paths import check_output
    from glassnet.cli.predictions import PredictRequest, check_request, file_format, predict_at_once
    from glassnet.cli.stored_model import load_model
    from glassnet.cli.streamed_predictions import predict_streamed
    from glassnet.errors import DataError

    request = PredictRequest(file, out, file_format(out), proba, interval, tuple(keep), raw_cells)
    if out != "-":
        check_output(out, model, file, error=DataError)
    loaded = load_model(model)
    check_request(loaded, proba, interval)
    count, path = (predict_streamed if is_streamed(file, stream) else predict_at_once)(loaded, request)
    written = "written to stdout" if out == "-" else f"written to {out}"
    print_text(f"{count:,} predictions for {path} {written}", file=sys.stderr if out == "-" else sys.stdout)


def is_streamed(file: str, requested: bool) -> bool:
    """Whether a file is read block by block: as requested, or because it does not fit in memory."""
    from glassnet.cli.available_memory import exceeds_memory
    from glassnet.cli.dataset import holds_arrays
    from glassnet.data.reading import file_kind

    if requested:
        return True
    in_memory = not os.path.exists(file) or stat.S_ISFIFO(os.stat(file).st_mode)
    in_memory = in_memory or (holds_arrays(file) and file_kind(file) != "npy")
    return not in_memory and bool(exceeds_memory(file))
