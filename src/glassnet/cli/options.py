"""Arguments and options that several commands share, with the names they accept, and the parser of --hidden."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Option

from glassnet.errors import ParameterError
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS
from glassnet.tables.initializers import INITIALIZERS
from glassnet.tables.optimizers import OPTIMIZERS
from glassnet.tables.schedules import SCHEDULES

ELEMENTWISE = ", ".join(name for name, entry in ACTIVATIONS.items() if entry.elementwise)

ModelArgument = Annotated[str, Argument(metavar="MODEL", help="A model file written by glassnet train.")]
KNOWN_DATA_HELP = "Data that include the target; of an IDX folder, t10k-* is used."
KnownDataArgument = Annotated[str, Argument(metavar="FILE", help=KNOWN_DATA_HELP)]
DATA_HELP = "CSV (gzip too), Parquet, .npz of x and y, or a folder of IDX files."
DataArgument = Annotated[str, Argument(metavar="FILE", help=DATA_HELP)]
TargetOption = Annotated[str | None, Option(metavar="COLUMN", help="Column to predict; for tables only.")]
HiddenOption = Annotated[str, Option(metavar="WIDTHS", help="Widths of the hidden layers, such as 128,64; 0 for none.")]
ActivationOption = Annotated[str, Option(metavar="NAME", help=f"Activation of the hidden layers: {ELEMENTWISE}.")]
AUTO_COST = "auto is binary or categorical cross-entropy for classes, else quadratic."
CostOption = Annotated[str, Option(metavar="NAME", help=f"auto, {', '.join(COSTS)}. {AUTO_COST}")]
OptimizerOption = Annotated[str, Option(metavar="NAME", help=f"{', '.join(OPTIMIZERS)}.")]
ScheduleOption = Annotated[str, Option(metavar="NAME", help=f"Schedule of the learning rate: {', '.join(SCHEDULES)}.")]
InitializerOption = Annotated[str, Option(metavar="NAME", help=f"Initial weights: {', '.join(INITIALIZERS)}.")]


def parse_widths(text: str) -> list[int]:
    """Parse the widths of the hidden layers, such as `128,64`; an empty text or 0 means none. Raises ParameterError."""
    if text.strip() in ("", "0"):
        return []
    try:
        widths = [int(part) for part in text.split(",")]
    except ValueError:
        raise ParameterError(f"--hidden is {text!r}; it must be widths and commas, such as 128,64.") from None
    if min(widths) < 1:
        raise ParameterError(f"--hidden is {text!r}; each layer needs at least 1 neuron.")
    return widths
