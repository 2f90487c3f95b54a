"""`glassnet step`: one training step on rows of a file, every equation with its real numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from typer import Argument, Option

from glassnet.cli import words

if TYPE_CHECKING:
    from glassnet.data.preprocessing import Preparation
    from glassnet.data.target import TargetColumn
    from glassnet.network import NeuralNetwork

NAMED = 12  # inputs that are listed by name


class Taken(NamedTuple):
    """What a step is taken on: a network, its data, where that came from, and how it was prepared."""

    network: NeuralNetwork
    x: Any
    y: Any
    place: str
    preparation: Preparation
    target: TargetColumn


def step(
    file: Annotated[str, Argument(help="CSV (.gz too), Parquet, .npz (arrays x, y), or a folder of IDX files.")],
    target: Annotated[str | None, Option(help="The column to predict (tables only).", show_default=False)] = None,
    model: Annotated[
        str | None, Option(help="A model file; its network, preparation and target are taken.", show_default=False)
    ] = None,
    row: Annotated[int, Option(min=1, help="The row to step on, counted from 1.")] = 1,
    batch_size: Annotated[int, Option(min=1, help="Rows of the step, from that row on.")] = 1,
    hidden: Annotated[str, Option(help="Widths of the hidden layers of a fresh network; 0 for none.")] = "4",
    activation: Annotated[str, Option(metavar=words.HIDDEN_ACTIVATIONS, help="Of the hidden layers.")] = "sigmoid",
    cost: Annotated[str, Option(metavar=words.ALL_COSTS, help="auto: told from the target.")] = "auto",
    optimizer: Annotated[str, Option(metavar=words.ALL_OPTIMIZERS, help="How weights follow the gradient.")] = "sgd",
    lr: Annotated[float, Option(help="The learning rate.")] = 0.1,
    seed: Annotated[int, Option(min=0, help="Where the weights of a fresh network come from.")] = 0,
    notation: Annotated[str, Option(metavar="[columns|rows]", help="Samples as columns or as rows.")] = "columns",
    html: Annotated[str | None, Option(help="Write a page instead of printing.", show_default=False)] = None,
) -> None:
    """Walk through one training step: forward, cost, BP1 to BP4, update, and whether it helped.

    Nothing is trained: a fresh network, or that of --model, is left as it was.
    """
    from glassnet.cli.run import Settings

    if model is not None:
        found = _of_model(file, model, target)
    else:
        found = _fresh(file, target, Settings(words.widths(hidden), activation, cost, seed=seed, validation=0.0))
    x, y = _rows(found, row, batch_size)
    explanation = found.network.explain_step(x.T, y, lr, optimizer, notation=notation)
    explanation.about = f"{_data(found)} {explanation.about}"
    last = row + len(x) - 1
    name = f"row {row}" if last == row else f"rows {row} to {last}"
    _show(explanation, f"{name} of {found.place}", html, file)


def _of_model(file: str, path: str, target: str | None) -> Taken:
    """The network of a model file, with the file's data as it takes them."""
    from glassnet.cli.dataset import read_known
    from glassnet.cli.model import load_model
    from glassnet.cli.outputs import network_targets
    from glassnet.errors import ParameterError

    model = load_model(path)
    if target not in (None, model.target.name):
        raise ParameterError(f"--target is {target!r}, but the model predicts {model.target.name!r}; leave it out.")
    x, encoded, place = read_known(file, model)
    y = network_targets(encoded, model.target, model.network)
    return Taken(model.network, x, y, place, model.preparation, model.target)


def _fresh(file: str, target: str | None, settings: Any) -> Taken:
    """A fresh network for a file, whose columns and target are prepared as `glassnet train` does."""
    from glassnet.cli.dataset import learn, read_source, task_of
    from glassnet.cli.outputs import keeps_units, network_targets
    from glassnet.cli.run import check_settings, make_network

    check_settings(settings)
    source = read_source(file, target)
    task, _ = task_of(source, "auto")
    dataset = learn(source, task, 0.0, settings.seed, counts=keeps_units(settings.cost))
    network = make_network(dataset, settings)
    y = network_targets(dataset.y, dataset.target, network)
    return Taken(network, dataset.x, y, file, dataset.preparation, dataset.target)


def _rows(found: Taken, row: int, count: int) -> tuple[Any, Any]:
    """The rows of the step; y is (fan_out, n) or class numbers (n,)."""
    from glassnet.errors import ParameterError

    if row > len(found.x):
        raise ParameterError(f"--row is {row:,}, but {found.place} has {len(found.x):,} rows; rows count from 1.")
    return found.x[row - 1 : row - 1 + count], found.y[..., row - 1 : row - 1 + count]


def _data(found: Taken) -> str:
    """What the numbers in a0 and y are, in sentences."""
    from glassnet.data.preprocessing import TablePreparation
    from glassnet.data.target import NumberTarget

    inputs, target = found.preparation, found.target
    names = inputs.features if isinstance(inputs, TablePreparation) else []
    listed = ", ".join(names[:NAMED]) + (" ..." if names[NAMED:] else "")
    a0 = f"a0 holds {listed}, numbers standardised." if names else f"a0 holds {len(found.x.T):,} inputs."
    if not isinstance(target, NumberTarget) and target.classes == list(range(len(target.classes))):
        return f"{a0} y is {target.name!r}, a class from 0 to {len(target.classes) - 1}."
    if not isinstance(target, NumberTarget):
        classes = ", ".join(f"{k} {name}" for k, name in enumerate(target.classes[:NAMED]))
        return f"{a0} y is {target.name!r}: {classes}{' ...' if target.classes[NAMED:] else '.'}"
    if len(target.mean) > 1 or (target.mean, target.scale) == ([0.0], [1.0]):
        return f"{a0} y is {target.name!r}."
    return f"{a0} y is ({target.name} − {target.mean[0]:.6g}) / {1 / target.scale[0]:.6g}, standardised too."


def _show(explanation: Any, what: str, html: str | None, file: str) -> None:
    """Print the walk, in colour where the terminal has any; or write the page."""
    from rich.console import Console

    from glassnet.cli.files import check_output
    from glassnet.errors import DataError
    from glassnet.files.storage import atomic_file

    if html is None:
        console = Console(highlight=False, markup=False)
        console.print(what)
        console.print(explanation, crop=False)
        return
    check_output(html, file)
    explanation.about = f"{what.capitalize()[0]}{what[1:]}. {explanation.about}"
    with atomic_file(html, DataError) as page:
        page.write(explanation.html().encode())
    print(f"Page      {html}: {what}")
