"""`glassnet step`: explain one training step on rows of a file, each equation with its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from typer import Argument, Option

from glassnet.cli import options
from glassnet.cli.printing import print_text
from glassnet.errors import DataError, ParameterError, printable

if TYPE_CHECKING:
    from glassnet.data.arrays import Arrays
    from glassnet.data.preprocessing import Preparation
    from glassnet.data.table import Table
    from glassnet.data.target import TargetColumn
    from glassnet.network import NeuralNetwork

MAX_CELLS, MAX_LETTERS = 30, 40  # of the row as it stands in the file: columns, and letters of a cell
MAX_INPUTS = 100  # that are all listed by name; of more, those that are shown


FIRST_HELP = f"{options.DATA_HELP} Or a model file, followed by FILE."
FirstArgument = Annotated[str, Argument(metavar="MODEL|FILE", help=FIRST_HELP)]
SecondArgument = Annotated[
    str | None, Argument(metavar="FILE", help="The data, after a model file.", show_default=False)
]


class StepData(NamedTuple):
    """A network, the inputs (n, features) and targets (fan_out, n) or (n,) of a file, and how it was prepared."""

    network: NeuralNetwork
    x: Any
    y: Any
    path: str
    preparation: Preparation
    target: TargetColumn
    cells: Table | Arrays
    member: str = ""


def step(
    file: FirstArgument,
    after_model: SecondArgument = None,
    target: options.TargetOption = None,
    model: Annotated[
        str | None, Option(metavar="PATH", help="Use the network and preparation of a model file.")
    ] = None,
    member: options.MemberOption = None,
    row: Annotated[int, Option(help="First row of the step, counted from 1.")] = 1,
    batch_size: Annotated[int, Option(min=1, help="Number of rows in the step.")] = 1,
    hidden: options.HiddenOption = "4",
    activation: options.ActivationOption = "sigmoid",
    cost: options.CostOption = "auto",
    optimizer: options.OptimizerOption = "sgd",
    lr: Annotated[float, Option(help="Learning rate.")] = 0.1,
    seed: Annotated[int, Option(min=0, help="Seed of the weights of a new network.")] = 0,
    notation: Annotated[str, Option(metavar="NAME", help="columns or rows: how samples are written.")] = "columns",
    html: Annotated[str | None, Option(metavar="PATH", help="Write an HTML page instead of printing.")] = None,
) -> None:
    """Explain one training step: the forward pass, the cost, BP1 to BP4, the update, and whether the cost fell.

    Nothing is trained, and a model file is not changed.
    """
    from glassnet.cli.train_options import TrainOptions
    from glassnet.frames.report_samples import table_names
    from glassnet.frames.step_page import StepPage

    if after_model is not None:
        if model is not None:
            raise ParameterError("A model is given twice, before FILE and as --model; leave one out.")
        model, file = file, after_model
    if model is not None:
        data = _with_model(file, model, target, member)
    else:
        if member is not None:
            raise ParameterError("--member chooses a network of a model; give MODEL before FILE as well.")
        widths = options.parse_widths(hidden)
        train_options = TrainOptions(widths, activation, cost, seed=seed, validation=0.0)
        data = _with_new_network(file, target, train_options)
    if not 1 <= row <= len(data.x):
        raise ParameterError(f"--row is {row:,}, but {data.path} has {len(data.x):,} rows; rows count from 1.")
    x, y = data.x[row - 1 : row - 1 + batch_size], data.y[..., row - 1 : row - 1 + batch_size]
    explanation = data.network.explain_step(x.T, y, lr, optimizer, notation=notation)
    last = row + len(x) - 1
    rows = f"row {row}" if last == row else f"rows {row} to {last}"
    about = [*_cells(data, row - 1), *_describe(data, explanation.picks[0]), explanation.about]
    if len(x) < batch_size:
        asked = f"of the {batch_size:,} rows asked for"
        about.insert(0, f"The step takes {len(x):,} {asked}: the file ends with row {last}.")
    if data.member:
        about.insert(0, f"This is {data.member}.")
    explanation.about = "\n".join(about)
    if isinstance(explanation.page, StepPage):
        explanation.page.names = table_names(data.preparation, data.target, f"One training step on {rows}")
    _print_or_write(explanation, f"{rows} of {data.path}", html, file)


def _with_model(file: str, path: str, target: str | None, member: int | None) -> StepData:
    """Read a model file, and the file with the model's preparation."""
    from glassnet.cli.dataset import read_with_target
    from glassnet.cli.output_layer import network_targets
    from glassnet.cli.stored_model import load_model, member_text, network_of

    model = load_model(path)
    x, encoded, data = read_with_target(file, model, target)
    network = network_of(model, member)
    y = network_targets(encoded, model.target, network)
    return StepData(network, x, y, data.path, model.preparation, model.target, data, member_text(model, member))


def _with_new_network(file: str, target: str | None, train_options: Any) -> StepData:
    """Prepare a file as `glassnet train` does, and make a new network for it."""
    from glassnet.cli.dataset import find_task, prepare_dataset, read_data_file
    from glassnet.cli.output_layer import keeps_units, network_targets
    from glassnet.cli.train_options import check_options, make_network

    check_options(train_options)
    data_file = read_data_file(file, target)
    counts = keeps_units(train_options.cost)
    task, _ = find_task(data_file, "auto", counts=counts)
    dataset = prepare_dataset(data_file, task, 0.0, train_options.seed, counts=counts)
    network = make_network(dataset.x.shape[1], dataset.target, train_options)
    y = network_targets(dataset.y, dataset.target, network)
    return StepData(network, dataset.x, y, file, dataset.preparation, dataset.target, data_file.data)


def _cells(data: StepData, row: int) -> list[str]:
    """The first row of the step as it stands in the file, so that its numbers can be found again in a0 and y."""
    from glassnet.data.table import Table

    if not isinstance(data.cells, Table):
        return []
    names = data.cells.names[:MAX_CELLS]
    cells = [f"{name}\N{NO-BREAK SPACE}{_cell(data.cells.data.column(name)[row].as_py())}" for name in names]
    more = f", and {len(data.cells.names) - MAX_CELLS:,} more columns" if len(data.cells.names) > MAX_CELLS else ""
    return [f"In the file, {data.cells.row_name(row)} holds {', '.join(cells)}{more}."]


def _cell(value: object) -> str:
    """A cell on one line; an empty one is said to be empty."""
    text = " ".join(str(value).split()) if value is not None else ""
    return f"{text[:MAX_LETTERS]}…" if len(text) > MAX_LETTERS else text or "(empty)"


def _describe(data: StepData, selected: Sequence[int]) -> list[str]:
    """Say in sentences what the numbers in a0 and y are; `selected` are the inputs that the step shows."""
    from glassnet.data.preprocessing import TablePreparation

    names = data.preparation.features if isinstance(data.preparation, TablePreparation) else []
    scale = _scale_text(data.preparation) if names else ""
    return [_describe_inputs(names, len(data.x.T), selected, scale), _describe_target(data.target)]


def _scale_text(preparation: Any) -> str:
    """How numbers became inputs: by mean and deviation, or as the tabular models see them."""
    from glassnet.data.robust_number import RobustNumber

    if any(isinstance(column.encoding, RobustNumber) for column in preparation.columns):
        return "numbers are scaled by their median and quartiles, and very large ones are bounded"
    return "numbers are standardised"


def _describe_inputs(names: Sequence[str], count: int, selected: Sequence[int], scale: str) -> str:
    """The columns that the inputs come from, by the index that stands beside their numbers."""
    if not names:
        return f"a0 holds {count:,} inputs, which have no names."
    if count <= MAX_INPUTS:
        return f"a0 holds, by index, {_numbered(names, range(count))}; {scale}."
    return f"a0 holds {count:,} inputs; those shown are, by index, {_numbered(names, selected)}; {scale}."


def _numbered(names: Sequence[Any], indices: Iterable[int]) -> str:
    """Indices with their names; an index stands on the line of its name."""
    return ", ".join(f"{index}\N{NO-BREAK SPACE}{' '.join(str(names[index]).split())}" for index in indices)


def _describe_target(target: TargetColumn) -> str:
    """What the numbers in y stand for."""
    from glassnet.data.target import NumberTarget

    if not isinstance(target, NumberTarget) and target.classes == list(range(len(target.classes))):
        return f"y is {target.name!r}, a class from 0 to {len(target.classes) - 1}."
    if not isinstance(target, NumberTarget):
        return f"y is {target.name!r}, by class: {_numbered(target.classes, range(len(target.classes)))}."
    if len(target.mean) > 1 or (target.mean, target.scale) == ([0.0], [1.0]):
        return f"y is {target.name!r}."
    mean = target.mean[0]
    shifted = f"{target.name!r} {'−' if mean >= 0 else '+'} {abs(mean):.6g}"
    return f"y is ({shifted}) / {1 / target.scale[0]:.6g}, also standardised."


def _print_or_write(explanation: Any, title: str, html: str | None, file: str) -> None:
    """Print the explanation, in colour on a terminal that has it; or write the page."""
    from rich.console import Console

    from glassnet.cli.output_paths import check_output
    from glassnet.files.atomic_file import atomic_file

    if html is None:
        console = Console(highlight=False, markup=False)
        console.print(printable(title))
        console.print(explanation, crop=False)
        return
    check_output(html, file)
    explanation.about = f"{title[0].upper()}{title[1:]}.\n{explanation.about}"
    with atomic_file(html, DataError) as page:
        page.write(explanation.html().encode())
    print_text(f"Page of {title} written to {html}")
