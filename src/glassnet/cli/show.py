"""`glassnet show`: what is in a model file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Argument

if TYPE_CHECKING:
    from glassnet.cli.model import Model

MAX_INPUTS = 20


def show(model: Annotated[str, Argument(help="A model file that glassnet train wrote.")]) -> None:
    """Print a model's equations, parameters, inputs and how it was trained."""
    from glassnet.cli.lines import folded
    from glassnet.cli.model import load_model
    from glassnet.cli.run import training_program

    loaded = load_model(model)
    print(folded(str(loaded.network)))
    print(f"\n{training_program(loaded.network, loaded.training.get('optimizer'))}\n")
    _print_parameters(loaded)
    _print_data(loaded)
    _print_training(loaded)


def _print_parameters(model: Model) -> None:
    """A line a parameter array: shape, mean and spread."""
    print(f"Parameters  {model.network.parameters.count:,}")
    for name in model.network.parameters:
        array = model.network.parameters[name]
        shape = " × ".join(map(str, array.shape))
        spread = f"deviation {array.std():.4f}  largest {abs(array).max():.4f}"
        print(f"  {name:<8} {shape:<12} mean {array.mean():+.4f}  {spread}")


def _print_data(model: Model) -> None:
    """What comes in and what goes out."""
    from glassnet.data.preprocessing import TablePreparation

    preparation, target = model.preparation, model.target
    print(f"\nInputs      {preparation.summary()}")
    if isinstance(preparation, TablePreparation):
        names = preparation.features
        print(f"  {', '.join(names[:MAX_INPUTS])}{' ...' if len(names) > MAX_INPUTS else ''}")
    print(f"Target      {target.name!r}: {target.summary()}")


def _print_training(model: Model) -> None:
    """The summary that `train` left."""
    if not model.training:
        return
    print("\nTraining")
    for name, value in model.training.items():
        text = ", ".join(f"{key} {number:.6g}" for key, number in value.items()) if isinstance(value, dict) else value
        print(f"  {name:<16} {'none' if text in (None, '') else text}")
