"""Arguments and options that several commands share, with the names they accept, and the parser of --hidden."""

from __future__ import annotations

from typing import Annotated, Any

from typer import Argument, Option

from glassnet.errors import ParameterError
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS
from glassnet.tables.initializers import INITIALIZERS
from glassnet.tables.optimizers import OPTIMIZERS
from glassnet.tables.schedules import SCHEDULES

TABULAR_PANEL, NETWORK_PANEL, READING_PANEL = "Tabular model", "Network", "Reading the table"  # of the help


def tabular_option(**settings: Any) -> Any:
    """An option of the tabular model."""
    return Option(rich_help_panel=TABULAR_PANEL, **settings)


def network_option(*names: str, **settings: Any) -> Any:
    """An option of a plain network, which makes `glassnet train` train one."""
    return Option(*names, rich_help_panel=NETWORK_PANEL, **settings)


def reading_option(*names: str, **settings: Any) -> Any:
    """An option that says how the table is to be read."""
    return Option(*names, rich_help_panel=READING_PANEL, **settings)


ELEMENTWISE = ", ".join(name for name, entry in ACTIVATIONS.items() if entry.elementwise)

ModelArgument = Annotated[str, Argument(metavar="MODEL", help="A model file written by glassnet train.")]
MEMBER_HELP = "Which network of a model that has several, counted from 1."
MemberOption = Annotated[int | None, Option(min=1, metavar="N", help=MEMBER_HELP, show_default="1")]
AnyMemberOption = Annotated[int | None, Option(min=1, metavar="N", help=MEMBER_HELP, show_default="all")]
KNOWN_DATA_HELP = "Data that include the target; of an IDX folder, the files t10k-* are used."
KnownDataArgument = Annotated[str, Argument(metavar="FILE", help=KNOWN_DATA_HELP)]
KNOWN_TARGET_HELP = "For x in a .npy file, the .npy file of the targets."
KnownTargetOption = Annotated[str | None, Option(metavar="FILE", help=KNOWN_TARGET_HELP)]
DATA_HELP = "CSV (also gzipped), Parquet, .npz of x and y, .npy of x, or a folder of IDX files."
DataArgument = Annotated[str, Argument(metavar="FILE", help=DATA_HELP)]
TARGET_HELP = "Column to predict; for x in a .npy file, the .npy file of the targets."
TargetOption = Annotated[str | None, Option(metavar="COLUMN", help=TARGET_HELP)]
HiddenOption = Annotated[
    str, network_option(metavar="WIDTHS", help="Widths of the hidden layers, such as 128,64; 0 for none.")
]
ActivationOption = Annotated[
    str, network_option(metavar="NAME", help=f"Activation of the hidden layers: {ELEMENTWISE}.")
]
AUTO_COST = "auto is binary or categorical cross-entropy for classes, else quadratic."
CostOption = Annotated[str, network_option(metavar="NAME", help=f"auto, {', '.join(COSTS)}. {AUTO_COST}")]
OptimizerOption = Annotated[str, network_option(metavar="NAME", help=f"{', '.join(OPTIMIZERS)}.")]
ScheduleOption = Annotated[
    str, network_option(metavar="NAME", help=f"Schedule of the learning rate: {', '.join(SCHEDULES)}.")
]
InitializerOption = Annotated[str, network_option(metavar="NAME", help=f"Initial weights: {', '.join(INITIALIZERS)}.")]

COLUMNS = "COLUMNS"
DropOption = Annotated[
    list[str], reading_option(metavar=COLUMNS, help="Leave these columns out; commas between names.")
]
NumberOption = Annotated[list[str], reading_option(metavar=COLUMNS, help="Read these columns as numbers.")]
CategoryOption = Annotated[list[str], reading_option(metavar=COLUMNS, help="Read these columns as categories.")]
DATE_HELP = "Read these columns as dates; NAME=dmy, NAME=mdy or NAME=ymd gives the order of day, month and year."
DateOption = Annotated[list[str], reading_option(metavar=COLUMNS, help=DATE_HELP)]
KEEP_HELP = "Use these columns although they look like identifiers, row counters or free text."
KeepOption = Annotated[list[str], reading_option(metavar=COLUMNS, help=KEEP_HELP)]
MissingOption = Annotated[list[str], reading_option(metavar="WORD", help="A further word that means a missing cell.")]
DELIMITER_HELP = "comma, semicolon, tab, pipe, space or one character."
DelimiterOption = Annotated[
    str | None, reading_option(metavar="NAME", help=DELIMITER_HELP, show_default="inferred from the rows")
]
ENCODING_HELP = "Encoding of a text file, such as cp1252 or utf-16."
EncodingOption = Annotated[
    str | None, reading_option(metavar="NAME", help=ENCODING_HELP, show_default="UTF-8, or cp1252 if clear")
]
DECIMAL_HELP = "Decimal mark of numbers that may be read in two ways, such as 1.234: comma or point."
DecimalOption = Annotated[
    str | None, reading_option(metavar="NAME", help=DECIMAL_HELP, show_default="inferred from the cells")
]
HEADER_HELP = "Whether the first row holds the names of the columns; without it they are column_1, column_2, ..."
HeaderOption = Annotated[
    bool | None, reading_option("--header/--no-header", help=HEADER_HELP, show_default="--header; a note if in doubt")
]
MISSING_TARGET_HELP = "yes leaves out rows without a target; no refuses them."
DropMissingTargetOption = Annotated[str, reading_option(metavar="yes|no", help=MISSING_TARGET_HELP)]
READING_OPTIONS = (
    "drop",
    "number",
    "category",
    "date",
    "keep",
    "missing",
    "delimiter",
    "encoding",
    "decimal",
    "header",
)


def reading_options(arguments: dict[str, Any]) -> Any:
    """The ReadingOptions of a command's arguments. Raises ParameterError for one that cannot be used."""
    from glassnet.data.options import ReadingOptions

    answer = str(arguments["drop_missing_target"]).lower()
    if answer not in ("yes", "no"):
        raise ParameterError(f"--drop-missing-target is {answer!r}; it must be yes or no.")
    given = {name: arguments[name] for name in READING_OPTIONS}
    return ReadingOptions(**given, drop_missing_target=answer == "yes").file_options()


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
